import SpacetimeSATS
import Synchronization

/// The databases of a server, by name and by identity.
///
/// A name belongs to whoever used it first, and outlives the database that it stands for: who publishes under it again gets
/// the same identity, and nobody else gets the name.
final class DatabaseRegistry: Sendable {
    private struct Name {
        let owner: Identity
        /// Nil if the name is kept for its owner, but stands for nothing.
        var database: Identity?
    }

    private struct State {
        var databases: [Identity: HostedDatabase] = [:]
        var names: [String: Name] = [:]
        var locked: Set<Identity> = []
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

    // MARK: Finding

    /// The identity that a segment of a path names, whether there is such a database or not.
    func identity(of segment: String) throws(Missing) -> Identity {
        if let identity = Identity(hex: segment) { return identity }
        guard DatabaseName.isValid(segment) else { throw .malformed(segment) }
        guard let identity = state.withLock({ $0.names[segment]?.database }) else { throw .name(segment) }
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
        state.withLock { state in state.names.filter { $0.value.database == identity }.map(\.key).sorted() }
    }

    /// All databases, in the order of their identities.
    var all: [HostedDatabase] {
        state.withLock { state in state.databases.values.sorted { $0.identity < $1.identity } }
    }

    // MARK: Coming and going

    /// - Returns: false if the name is taken, or another database has the same identity.
    func add(_ database: HostedDatabase, as name: String) -> Bool {
        state.withLock { state in
            guard state.names[name] == nil, state.databases[database.identity] == nil else { return false }
            state.names[name] = Name(owner: database.owner, database: database.identity)
            state.databases[database.identity] = database
            return true
        }
    }

    /// Forgets a database, but not its names.
    ///
    /// - Returns: false if it is locked.
    func remove(_ identity: Identity) -> Bool {
        state.withLock { state in
            guard !state.locked.contains(identity) else { return false }
            state.databases[identity] = nil
            return true
        }
    }

    func isLocked(_ identity: Identity) -> Bool { state.withLock { $0.locked.contains(identity) } }

    /// A locked database is not removed.
    func setLocked(_ identity: Identity, _ isLocked: Bool) {
        state.withLock { state in
            if isLocked { state.locked.insert(identity) } else { state.locked.remove(identity) }
        }
    }

    // MARK: Names

    /// Whether somebody has the name.
    func isRegistered(_ name: String) -> Bool { state.withLock { $0.names[name] != nil } }

    /// Makes sure that a name stands for an identity: for what it stands for already, else for a new one.
    ///
    /// - Returns: false if the name is kept for somebody else. A name of a database that exists is not refused: who may do
    ///   what with that is asked of the database.
    func register(_ name: String, for owner: Identity, _ fresh: Identity) -> Bool {
        state.withLock { state in
            guard let known = state.names[name] else {
                state.names[name] = Name(owner: owner, database: fresh)
                return true
            }
            if let identity = known.database, state.databases[identity] != nil { return true }
            guard known.owner == owner else { return false }
            if known.database == nil { state.names[name]?.database = fresh }
            return true
        }
    }

    enum Addition: Hashable { case added, inUse, ofOther }

    /// Gives a database another name.
    func add(_ name: String, to identity: Identity, by owner: Identity) -> Addition {
        state.withLock { state in
            if let known = state.names[name] {
                guard known.owner == owner else { return .ofOther }
                guard known.database == nil else { return .inUse }
            }
            state.names[name] = Name(owner: owner, database: identity)
            return .added
        }
    }

    enum Replacement: Hashable {
        case replaced
        case inUse(String)
        case ofOthers([String])
    }

    /// Gives a database these names, and no others. Those that it had stay its owner's, and stand for nothing.
    func replaceNames(of identity: Identity, by names: [String], _ owner: Identity) -> Replacement {
        state.withLock { state in
            let others = names.filter { name in state.names[name].map { $0.owner != owner } ?? false }
            guard others.isEmpty else { return .ofOthers(others) }
            if let used = names.first(where: { state.names[$0]?.database != nil }) { return .inUse(used) }
            for name in state.names.keys where state.names[name]?.database == identity {
                state.names[name]?.database = nil
            }
            for name in names { state.names[name] = Name(owner: owner, database: identity) }
            return .replaced
        }
    }
}
