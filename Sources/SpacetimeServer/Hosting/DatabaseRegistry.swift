import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// The databases of a server, by name and by identity.
///
/// A name belongs to whoever used it first, and outlives the database that it stands for: who publishes under it again gets
/// the same identity, and nobody else gets the name.
///
/// Looking things up waits for nobody. Changes are made one after the other; with a file, each is on disk before anybody sees it,
/// so the thread that makes one blocks that long.
final class DatabaseRegistry: Sendable {
    struct State: Sendable {
        var records = RegistryRecords()
        /// Those that are open.
        var databases: [Identity: HostedDatabase] = [:]
        /// Why databases that are known could not be opened.
        var problems: [Identity: DatabaseError] = [:]
    }

    private let state = Mutex(State())
    /// Under what figures are counted.
    private let labels = Mutex<[Identity: String]>([:])
    /// Nil keeps nothing. Locked while a change is made.
    private let file = Mutex<RegistryFile?>(nil)

    /// Why a database is not found.
    enum Missing: Error, Equatable {
        /// No database has, or had, the name.
        case name(String)
        /// There is no database of this identity, or of the identity that the name stands for.
        case database(Identity)
        /// There is one, but it is not open.
        case closed(Identity)
        /// The segment of the path is neither a name nor an identity.
        case malformed(String)
    }

    // MARK: Keeping

    /// Goes on with what a file says. Names that the program used before are its own.
    ///
    /// - Throws: `damaged`; `notPossible` if the program gave a name to a database that is another one's.
    func keep(in file: RegistryFile) throws(DatabaseError) {
        let records = try file.load()
        self.file.withLock { $0 = file }
        var taken: String?
        try change { state in
            let own = state.records.names
            state.records = records
            for (name, record) in own {
                if let known = records.names[name], known.database != record.database { taken = name }
                state.records.names[name] = record
            }
        }
        if let taken {
            throw DatabaseError(
                .notPossible,
                "the name '\(taken)' was given to another database of this server; choose another one for the program's own"
            )
        }
    }

    var records: RegistryRecords { state.withLock { $0.records } }

    /// Makes a change. Nobody sees it unless it can be kept.
    @discardableResult
    func change<Value: Sendable>(_ body: (inout State) -> Value) throws(DatabaseError) -> Value {
        do {
            return try file.withLock { file in
                var new = state.withLock { $0 }
                let before = new.records
                let value = body(&new)
                if let file, new.records != before { try file.save(new.records) }
                state.withLock { $0 = new }
                return value
            }
        } catch { throw DatabaseError(any: error) }
    }

    // MARK: Finding

    /// The identity that a segment of a path names, whether there is such a database or not.
    func identity(of segment: String) throws(Missing) -> Identity {
        if let identity = Identity(hex: segment) { return identity }
        guard DatabaseName.isValid(segment) else { throw .malformed(segment) }
        guard let identity = state.withLock({ $0.records.names[segment]?.database }) else { throw .name(segment) }
        return identity
    }

    /// The database that a segment of a path names.
    func database(_ segment: String) throws(Missing) -> HostedDatabase {
        let identity = try identity(of: segment)
        let (database, isKnown) = state.withLock {
            ($0.databases[identity], $0.records.published[identity] != nil)
        }
        if let database { return database }
        throw isKnown ? .closed(identity) : .database(identity)
    }

    /// The database with an identity; nil if there is none, or none that is open.
    func open(_ identity: Identity) -> HostedDatabase? { state.withLock { $0.databases[identity] } }

    /// The names of a database, in order.
    func names(of identity: Identity) -> [String] {
        state.withLock { state in state.records.names.filter { $0.value.database == identity }.map(\.key).sorted() }
    }

    /// What a database is called in metrics: its first name, and for ever, since a series must not change its name when
    /// a database gets another one.
    func label(of identity: Identity) -> String {
        labels.withLock { labels in
            if let known = labels[identity] { return known }
            let name = names(of: identity).first
            labels[identity] = name
            return name ?? identity.hex
        }
    }

    /// All databases, in the order of their identities.
    var all: [HostedDatabase] {
        state.withLock { state in state.databases.values.sorted { $0.identity < $1.identity } }
    }

    /// Why a database that is known could not be opened.
    func problem(of identity: Identity) -> DatabaseError? { state.withLock { $0.problems[identity] } }

    // MARK: Coming and going

    /// Adds a database of the program's own.
    ///
    /// - Returns: false if the name is taken, or another database has the same identity.
    func add(_ database: HostedDatabase, as name: String) throws(DatabaseError) -> Bool {
        let isAdded = try change { state in
            guard state.databases[database.identity] == nil, state.records.published[database.identity] == nil else {
                return false
            }
            if let known = state.records.names[name] {
                // From an earlier start of the program.
                guard known.owner == database.owner, known.database == database.identity || known.database == nil else {
                    return false
                }
            }
            state.records.names[name] = RegistryRecords.Name(owner: database.owner, database: database.identity)
            state.databases[database.identity] = database
            return true
        }
        if isAdded { labels.withLock { if $0[database.identity] == nil { $0[database.identity] = name } } }
        return isAdded
    }

    /// Forgets a database, but not its names.
    ///
    /// - Returns: false if it is locked.
    func remove(_ identity: Identity) throws(DatabaseError) -> Bool {
        try change { state in
            guard !state.records.locked.contains(identity) else { return false }
            state.databases[identity] = nil
            state.records.published[identity] = nil
            state.records.updates[identity] = nil
            state.problems[identity] = nil
            return true
        }
    }

    func isLocked(_ identity: Identity) -> Bool { state.withLock { $0.records.locked.contains(identity) } }

    /// A locked database is not removed.
    func setLocked(_ identity: Identity, _ isLocked: Bool) throws(DatabaseError) {
        try change { state in
            if isLocked { state.records.locked.insert(identity) } else { state.records.locked.remove(identity) }
            return
        }
    }

    // MARK: Names

    /// Whether somebody has the name.
    func isRegistered(_ name: String) -> Bool { state.withLock { $0.records.names[name] != nil } }

    /// Makes sure that a name stands for an identity: for what it stands for already, else for a new one.
    ///
    /// - Returns: false if the name is kept for somebody else. A name of a database that exists is not refused: who may do
    ///   what with that is asked of the database.
    func register(_ name: String, for owner: Identity, _ fresh: Identity) throws(DatabaseError) -> Bool {
        try change { state in
            guard let known = state.records.names[name] else {
                state.records.names[name] = RegistryRecords.Name(owner: owner, database: fresh)
                return true
            }
            if let identity = known.database,
                state.databases[identity] != nil || state.records.published[identity] != nil
            {
                return true
            }
            guard known.owner == owner else { return false }
            if known.database == nil { state.records.names[name]?.database = fresh }
            return true
        }
    }

    enum Addition: Hashable { case added, inUse, ofOther }

    /// Gives a database another name.
    func add(_ name: String, to identity: Identity, by owner: Identity) throws(DatabaseError) -> Addition {
        try change { state in
            if let known = state.records.names[name] {
                guard known.owner == owner else { return .ofOther }
                guard known.database == nil else { return .inUse }
            }
            state.records.names[name] = RegistryRecords.Name(owner: owner, database: identity)
            return .added
        }
    }

    enum Replacement: Hashable {
        case replaced
        case inUse(String)
        case ofOthers([String])
    }

    /// Gives a database these names, and no others. Those that it had stay its owner's, and stand for nothing.
    func replaceNames(
        of identity: Identity, by names: [String], _ owner: Identity
    ) throws(DatabaseError) -> Replacement {
        try change { state in
            let known = state.records.names
            let others = names.filter { name in known[name].map { $0.owner != owner } ?? false }
            guard others.isEmpty else { return .ofOthers(others) }
            if let used = names.first(where: { known[$0]?.database != nil }) { return .inUse(used) }
            for (name, record) in known where record.database == identity {
                state.records.names[name]?.database = nil
            }
            for name in names {
                state.records.names[name] = RegistryRecords.Name(owner: owner, database: identity)
            }
            return .replaced
        }
    }
}
