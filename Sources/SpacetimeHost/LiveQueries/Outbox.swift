import Synchronization

/// Updates on their way from commits to subscribers, in commit order.
///
/// A commit appends under the database's lock, and whoever appended delivers after releasing it. One thread delivers at
/// a time; what others append meanwhile is delivered by it, too. So subscribers are called in commit order, never under
/// the database's lock, and may call the database themselves.
///
/// What waits here has a place in the queue of each of its subscribers (``QuerySink/reserve()``), which bounds it.
final class Outbox: Sendable {
    struct Delivery: Sendable {
        enum Content: Sendable {
            case update(QueryUpdate)
            case end(SubscriptionEnd)
        }

        let content: Content
        let sinks: [any QuerySink]

        func deliver() {
            switch content {
            case .update(let update): for sink in sinks { sink.receive(update) }
            case .end(let reason): for sink in sinks { sink.end(reason) }
            }
        }
    }

    private struct State {
        var deliveries: [Delivery] = []
        var isDelivering = false
    }

    private let state = Mutex(State())

    func append(_ update: QueryUpdate, to sinks: [any QuerySink]) { append(.update(update), sinks) }

    /// Ends subscriptions, after what they have still to get.
    func append(_ end: SubscriptionEnd, of sinks: [any QuerySink]) { if !sinks.isEmpty { append(.end(end), sinks) } }

    private func append(_ content: Delivery.Content, _ sinks: [any QuerySink]) {
        state.withLock { $0.deliveries.append(Delivery(content: content, sinks: sinks)) }
    }

    /// Delivers until nothing is left, unless another thread (or a frame further up this one's stack) is at it.
    func drain() {
        let mayDeliver = state.withLock { state in
            guard !state.isDelivering, !state.deliveries.isEmpty else { return false }
            state.isDelivering = true
            return true
        }
        guard mayDeliver else { return }
        while let batch = takeBatch() {
            for delivery in batch { delivery.deliver() }
        }
    }

    private func takeBatch() -> [Delivery]? {
        state.withLock { state in
            guard !state.deliveries.isEmpty else {
                state.isDelivering = false
                return nil
            }
            var batch: [Delivery] = []
            swap(&batch, &state.deliveries)
            return batch
        }
    }
}
