import Synchronization

/// Updates on their way from commits to subscribers, in commit order.
///
/// A commit appends under the database's lock, and whoever appended delivers after releasing it. One thread delivers at
/// a time; what others append meanwhile is delivered by it, too. So subscribers are called in commit order, never under
/// the database's lock, and may call the database themselves.
final class Outbox: Sendable {
    struct Delivery: Sendable {
        let update: QueryUpdate
        let sinks: [any QuerySink]
    }

    private struct State {
        var deliveries: [Delivery] = []
        var isDelivering = false
    }

    private let state = Mutex(State())

    func append(_ delivery: Delivery) {
        state.withLock { $0.deliveries.append(delivery) }
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
            for delivery in batch {
                for sink in delivery.sinks { sink.receive(delivery.update) }
            }
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
