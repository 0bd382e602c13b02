import SpacetimeHost
import Synchronization

/// One query that is watched inside of the program: a session of its own, so that its limit is its own, too.
final class QueryWatch: Sendable {
    private let session: Session
    private let stop: @Sendable () -> Void
    private let sessions: @Sendable () -> Sessions?
    private let limit: Int
    /// Why it has ended, if somebody met that who could not tell it on.
    private let end = Mutex<SubscriptionEnd?>(nil)

    init(_ session: Session, in sessions: Sessions, limit: Int) {
        self.session = session
        // Who watches a database does not keep it alive.
        stop = { [weak sessions] in
            if let sessions { sessions.end(session) } else { session.drop() }
        }
        self.sessions = { [weak sessions] in sessions }
        self.limit = limit
    }

    /// - Throws: `closed` if it has ended, or the database is gone.
    func cost() throws -> SubscriptionCost {
        // The only set of the session.
        if let cost = try sessions()?.costs(of: DatabaseCore.onlySet, session).first { return cost }
        throw DatabaseError(
            .closed, "the subscription has ended, and its query may be forgotten; ask while it is watched")
    }

    var queue: SessionQueue { session.queue }
    var isActive: Bool { !session.hasEnded }

    func cancel() { stop() }

    func keep(_ reason: SubscriptionEnd) { end.withLock { $0 = reason } }

    func takeEnd() -> SubscriptionEnd? {
        end.withLock { end in
            defer { end = nil }
            return end
        }
    }

    /// Why the subscription is over with an event; nil if it goes on.
    func end(_ event: SessionEvent) -> SubscriptionEnd? {
        switch event {
        case .ended(let reason): return reason
        case .failed(_, let error):
            // The session has no other query.
            cancel()
            return .failed(error)
        case .subscribed, .resumed, .unsubscribed, .update, .reply, .moduleReplaced: return nil
        }
    }

    /// What a subscriber hears of the end; nil if it is a good one.
    func error(_ reason: SubscriptionEnd) -> DatabaseError? { DatabaseError(reason, limit: limit) }
}

extension DatabaseError {
    /// What a subscriber hears of the end; nil if it is a good one.
    init?(_ reason: SubscriptionEnd, limit: Int) {
        switch reason {
        case .complete: return nil
        case .failed(let error): self = error
        case .overflow:
            self.init(
                .subscriptionOverflow,
                "the subscriber fell more than \(limit) changes behind and was dropped; read faster, raise bufferLimit, "
                    + "or subscribe again for the current rows")
        }
    }
}
