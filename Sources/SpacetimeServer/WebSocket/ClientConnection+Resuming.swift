import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

/// A client that may go on where it was: what it is told for that, and how it does so.
///
/// It is told the name of the history, and at the end of each frame which commit its rows are at. A commit that changes nothing
/// for it is not told; its rows are then those of an earlier commit, which are the same.
extension ClientConnection {
    // MARK: Where it is

    func historyMessage(_ catalog: Catalog) -> [UInt8] {
        var writer = BSATNWriter()
        V3.ServerMessage.history(catalog.history(for: principal.identity)).encode(to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }

    /// Another module has begun a history of its own.
    func encodeHistory() {
        guard tellsOffsets else { return }
        // What the client was told before is told in front of it, in this frame or an earlier one.
        offsets = (nil, nil)
        delivery.body.append(historyMessage(catalog))
    }

    /// An event was put into a frame.
    @inline(__always)
    func noteOffset(of event: SessionEvent) {
        if tellsOffsets { noteReached(event) }
    }

    private func noteReached(_ event: SessionEvent) {
        switch event {
        // Also if others are at that commit already, so that there is an offset behind the rows of each set.
        case .subscribed, .resumed: offsets.reached = event.offset?.rawValue
        case .update(let update):
            let offset = update.offset.rawValue
            if offsets.told.map({ offset > $0 }) ?? true { offsets.reached = offset }
        // Answers that were made elsewhere may tell of commits whose updates come behind them.
        case .reply, .unsubscribed, .failed, .moduleReplaced, .ended: break
        }
    }

    /// Ends a frame with the commit that the client has reached, if that is news.
    @inline(__always)
    func encodeOffset() {
        if let offset = offsets.reached { append(offset: offset) }
    }

    private func append(offset: UInt64) {
        V3.ServerMessage.reached(offset).encode(to: &delivery.body)
        didTellOffset()
    }

    /// What the client has reached is in a frame.
    func didTellOffset() {
        guard let offset = offsets.reached else { return }
        offsets = (nil, offset)
    }

    // MARK: Going on

    /// Tells what has changed in a set since the client had it.
    func encode(_ resumed: SetChanges) {
        guard case .joined(let join)? = takeAnswer(to: resumed.set.rawValue)?.0 else { return }
        var encoder = V2.UpdateEncoder.resumed(
            requestID: join.request, querySetID: join.set, in: &delivery.body)
        append(watched(resumed.changes), to: &encoder)
    }
}

extension SetJoin {
    init(_ since: V3.SubscribeSince) {
        self.init(
            request: since.requestID, set: since.querySetID, texts: since.queries, kind: .set,
            since: ResumePoint(history: since.history, offset: TxOffset(since.offset)))
    }
}
