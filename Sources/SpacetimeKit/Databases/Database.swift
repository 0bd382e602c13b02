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
/// It may be used from any thread. The thread that calls runs the reducer itself; others wait for it.
public final class Database<Definition: ModuleDefinition>: Sendable {
    @usableFromInline package let core: DatabaseCore

    /// The identity on whose behalf ``call(_:_:)`` runs.
    public var owner: Identity { core.owner.identity }
    /// The database's own identity.
    public var identity: Identity { core.identity }

    package init(core: DatabaseCore) { self.core = core }

    /// Creates a database with the tables of a module, and runs the module's `.initialize` reducer.
    ///
    /// - Throws: ``DatabaseError`` with code `invalidModule` if the definition breaks rules, or what the reducer threw.
    ///   There is no database then.
    public static func open(
        _ storage: Storage, module: Definition.Type, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try Database(content: module.moduleContent, options: options)
    }

    /// Creates a database with the tables of a module, and runs the module's `.initialize` reducer.
    public static func open(
        _ storage: Storage, module: Definition.Type, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try Database(content: module.moduleContent, options: options)
    }

    convenience init(content: ModuleContent, options: DatabaseOptions) throws {
        var core = CoreOptions(
            owner: options.owner ?? Identity(issuer: localIssuer, subject: "owner"),
            identity: options.identity ?? Identity(issuer: localIssuer, subject: "database \(content.name)"))
        core.clock = options.clock
        core.seed = options.seed
        core.sink = options.sink
        try self.init(core: DatabaseCore(module: NativeModule(content), options: core))
    }
}

/// Who vouches for identities that exist in this program only.
let localIssuer = "localhost"

extension Database where Definition == DynamicModule {
    /// Creates a database with a module that was put together at run time.
    public static func open(
        _ storage: Storage, module: Module, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try Database(content: module.content, options: options)
    }

    /// Creates a database with a module that was put together at run time.
    public static func open(
        _ storage: Storage, module: Module, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try Database(content: module.content, options: options)
    }
}
