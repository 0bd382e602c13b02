import SpacetimeSATS
import Synchronization

/// The sessions that clients name: each has one connection at most, so that a module never sees two of one client's.
///
/// A client that has lost its connection without the server's noticing comes again with the same session id. The old
/// connection is then ended, and the new one let in once the module's disconnect reducer has run for the old one.
final class ClientSessions: Sendable {
    private struct Key: Hashable {
        let identity: Identity
        let session: String
    }

    private struct Entry {
        /// Nil while the connection is being made.
        var connection: ClientConnection?
        /// Who wants to come in its place. The last one wins; others are refused.
        var successor: CheckedContinuation<Bool, Never>?
    }

    private let entries = Mutex<[Key: Entry]>([:])

    /// Waits until a session is free, after ending the connection that has it.
    ///
    /// - Throws: 409 if another connection of the same session came behind this one.
    func claim(_ session: String, of identity: Identity) async throws(Refusal) {
        let key = Key(identity: identity, session: session)
        let isFree = await withCheckedContinuation { continuation in
            let (old, answered) = entries.withLock {
                entries -> (ClientConnection?, [(CheckedContinuation<Bool, Never>, Bool)]) in
                guard var entry = entries[key] else {
                    entries[key] = Entry()
                    return (nil, [(continuation, true)])
                }
                let superseded = entry.successor.map { [($0, false)] } ?? []
                entry.successor = continuation
                entries[key] = entry
                return (entry.connection, superseded)
            }
            for (waiter, isFree) in answered { waiter.resume(returning: isFree) }
            if let old { old.supersede() }
        }
        guard isFree else { throw Refusal(409, "another connection of this session has come; use one at a time") }
    }

    /// Notes the connection that a claimed session has got. One that was claimed again meanwhile ends at once.
    func enter(_ connection: ClientConnection, _ session: String) {
        let key = Key(identity: connection.principal.identity, session: session)
        let isSuperseded = entries.withLock { entries in
            entries[key]?.connection = connection
            return entries[key]?.successor != nil
        }
        if isSuperseded { connection.supersede() }
    }

    /// A session's connection has gone, and the module knows.
    func release(_ session: String, of identity: Identity) {
        let key = Key(identity: identity, session: session)
        let successor = entries.withLock { entries in
            let successor = entries[key]?.successor
            entries[key] = successor == nil ? nil : Entry()
            return successor
        }
        successor?.resume(returning: true)
    }
}
