import SpacetimeSATS
import Synchronization

/// The databases of a server, by name and by identity.
final class DatabaseRegistry: Sendable {
    private struct State {
        var databases: [Identity: HostedDatabase] = [:]
        var names: [String: Identity] = [:]
    }

    private let state = Mutex(State())

    /// Why a database is not found.
    enum Missing: Error, Equatable {
        /// No database has, or had, the name.
        case name(String)
        /// There is no database of this identity, or of the identity that the name stands for.
        case database(Identity)
        /// The segment of the path is neither a name nor an identity.
        case malformed(String)
    }

    /// - Returns: false if the name is taken.
    func add(_ database: HostedDatabase, as name: String) -> Bool {
        state.withLock { state in
            guard state.names[name] == nil else { return false }
            state.names[name] = database.identity
            state.databases[database.identity] = database
            return true
        }
    }

    /// The identity that a segment of a path names, whether there is such a database or not.
    func identity(of segment: String) throws(Missing) -> Identity {
        if let identity = Identity(hex: segment) { return identity }
        guard DatabaseName.isValid(segment) else { throw .malformed(segment) }
        guard let identity = state.withLock({ $0.names[segment] }) else { throw .name(segment) }
        return identity
    }

    /// The database that a segment of a path names.
    func database(_ segment: String) throws(Missing) -> HostedDatabase {
        let identity = try identity(of: segment)
        guard let database = state.withLock({ $0.databases[identity] }) else { throw .database(identity) }
        return database
    }

    /// The names of a database, in order.
    func names(of identity: Identity) -> [String] {
        state.withLock { state in state.names.filter { $0.value == identity }.map(\.key).sorted() }
    }

    /// All databases, in the order of their identities.
    var all: [HostedDatabase] {
        state.withLock { state in state.databases.values.sorted { $0.identity < $1.identity } }
    }
}

/// The rules for names of databases.
enum DatabaseName {
    /// Whether a text is a name: groups of small letters and digits, joined by single hyphens.
    static func isValid(_ text: String) -> Bool {
        var afterHyphen = true
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): afterHyphen = false
            case UInt8(ascii: "-") where !afterHyphen: afterHyphen = true
            default: return false
            }
        }
        return !afterHyphen
    }
}
