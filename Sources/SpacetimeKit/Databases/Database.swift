import SpacetimeDurability
public import SpacetimeHost
public import SpacetimeSATS

/// One running database: tables in memory, and a module whose reducers change them.
///
/// ```swift
/// let db = try Database.open(.inMemory, module: Chat.self)
/// try db.call(Chat.send, "lobby", "hello")
/// let count = try db.read { $0.message.count }
/// ```
///
/// It may be used from any thread and any task. The thread that calls runs the reducer itself; others wait for it:
/// synchronous code by blocking its thread, asynchronous code by suspending. What the synchronous forms do with files is
/// done on a thread of its own by the asynchronous ones. Dropping the last reference ends subscriptions and closes the
/// files.
public final class Database<Definition: ModuleDefinition>: Sendable {
    package let core: DatabaseCore
    /// The core's, kept here as well: a call then gets to it by one load, and the optimizer need not retain it.
    @usableFromInline package let runner: TransactionRunner

    /// The identity on whose behalf ``call(_:_:until:)`` runs.
    public var owner: Identity { core.owner.identity }
    /// The database's own identity.
    public var identity: Identity { core.catalog.identity }

    /// What the module, and the database about it, have to say: read it, or follow it.
    public var log: ModuleLog { core.log }

    /// What opening its files brought to light: a damaged snapshot that was passed over, an unfinished write that was
    /// cut off, a disconnect reducer that failed. Worth a line in the log.
    public let openingWarnings: [String]

    package init(core: DatabaseCore, warnings: [String] = []) {
        self.core = core
        runner = core.runner
        openingWarnings = warnings
    }

    /// Opens the database that the storage holds, or creates it: tables of the module, then its `.initialize` reducer.
    ///
    /// Blocks the thread meanwhile; in an `async` function the form that suspends is taken. Opening reads the newest snapshot
    /// and replays the log behind it; clients that were connected when the database
    /// last stopped get their disconnect reducer. See ``openingWarnings``.
    ///
    /// A directory is made if there is none. One that is there must hold a database, or nothing; hidden files and
    /// `lost+found` do not count.
    ///
    /// - Throws: ``DatabaseError`` with code `invalidModule` if the definition breaks rules; `notPossible` if the path is
    ///   empty, names a file, or a directory of something else; `inUse`, `damaged`, `incompatibleFiles` or
    ///   `migrationRefused` if the files cannot be opened with this module; or what the `.initialize` reducer threw. In all
    ///   of these cases every file is, byte for byte, as it was, and none was made. `storageFailure` if the disk fails.
    public static func open(
        _ storage: Storage, module: Definition.Type, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try open(storage, content: module.wholeContent, options: options)
    }

    /// Opens the database that the storage holds, or creates it: on a thread of its own, suspending meanwhile.
    public static func open(
        _ storage: Storage, module: Definition.Type, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try await suspendingAside { try open(storage, content: module.wholeContent, options: options) }
    }

    /// Opens the database in a directory, or creates it there, with the default ``StorageOptions``.
    ///
    /// ```swift
    /// let db = try Database.open(at: "chat.stdb", module: Chat.self)
    /// ```
    ///
    /// - Throws: as ``open(_:module:options:)``.
    public static func open(
        at directory: String, module: Definition.Type, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try open(.directory(directory), content: module.wholeContent, options: options)
    }

    /// Opens the database in a directory, or creates it there: on a thread of its own, suspending meanwhile.
    public static func open(
        at directory: String, module: Definition.Type, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try await open(.directory(directory), module: module, options: options)
    }
}

extension Database where Definition == DynamicModule {
    /// Opens the database that the storage holds, or creates it, with a module that was put together at run time.
    public static func open(
        _ storage: Storage, module: Module, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try open(storage, content: module.content, options: options)
    }

    /// Opens the database that the storage holds, or creates it, with a module that was put together at run time.
    public static func open(
        _ storage: Storage, module: Module, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try await suspendingAside { try open(storage, content: module.content, options: options) }
    }
}
