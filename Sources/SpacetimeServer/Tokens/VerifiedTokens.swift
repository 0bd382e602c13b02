import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Tokens whose signatures were checked, by their text: a client shows the same one with every request.
final class VerifiedTokens: Sendable {
    private struct Entry {
        let principal: Principal
        /// When the check has to be repeated.
        let until: Timestamp
    }

    private static let countLimit = 4_096
    private static let byteLimit = 8 << 20

    private struct State {
        var entries: [String: Entry] = [:]
        var byteCount = 0
    }

    private let state = Mutex(State())

    func principal(for token: String, at time: Timestamp) -> Principal? {
        state.withLock { state in
            guard let entry = state.entries[token] else { return nil }
            if time < entry.until { return entry.principal }
            state.entries[token] = nil
            state.byteCount -= token.utf8.count
            return nil
        }
    }

    /// When there is no room, all are forgotten: those that come again are checked again.
    func enter(_ principal: Principal, until: Timestamp) {
        let count = principal.token.utf8.count
        state.withLock { state in
            if state.entries.count >= Self.countLimit || state.byteCount + count > Self.byteLimit { state = State() }
            let entry = Entry(principal: principal, until: until)
            if state.entries.updateValue(entry, forKey: principal.token) == nil { state.byteCount += count }
        }
    }
}
