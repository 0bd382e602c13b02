import NIOCore
import SpacetimeHost
import SpacetimeProtocol

/// What a client takes, against what it may take.
extension ClientConnection {
    /// How many sets of queries the client watches.
    var watchedSetCount: Int { subprotocol.speaksV2 ? sets.count : v1.texts.count + (v1.list == nil ? 0 : 1) }

    /// - Throws: `limitReached` if the client may not watch so many queries more.
    func admit(queries count: Int) throws(DatabaseError) {
        try ledger.admit(queries: count) {
            subprotocol.speaksV2
                ? sets.values.reduce(0) { $0 + $1.texts.count } : v1.texts.values.reduce(0) { $0 + $1.count }
        }
    }

    /// Whether rows are told because they are watched no longer.
    func isLeaving(_ event: SessionEvent) -> Bool {
        guard case .subscribed(let rows) = event else { return false }
        if case .left? = answers.first(for: rows.set.rawValue) { return true }
        if case .left? = v1Gatherings[rows.set.rawValue]?.kind { return true }
        return false
    }

    /// Hands on what was counted, and looks whether the client is too slow.
    ///
    /// - Returns: why it is to be dropped; nil if it is not.
    func reachedLimit(_ transport: any ClientTransport, _ now: NIODeadline) -> ConnectionEnd? {
        let limit = ledger.tick(
            sent: sentByteCount, waiting: transport.waitingByteCount, held: transport.heldByteCount,
            sets: watchedSetCount, inbox: inbox.count, outbox: session?.queue.count ?? 0, at: now)
        return switch limit {
        case nil: nil
        case .slowReader: .slow
        default: .limit
        }
    }

    /// A set of queries failed or was refused.
    func note(_ error: DatabaseError) { if error.cause is RowLimitReached { ledger.note(.rows) } }

    /// Closes a connection whose frames break the rules.
    func close(for violation: WebSocketReader.Violation) {
        if case .tooLarge = violation {
            ledger.note(.messageBytes)
            note(.limit)
        } else {
            note(.malformed)
        }
        close(violation.closing)
    }
}
