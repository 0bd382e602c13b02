import SpacetimeDurability
public import SpacetimeKit

/// Databases with a module in WebAssembly. Reducers and procedures are called by name, with arguments in BSATN; tables are
/// read with SQL.
extension Database where Definition == DynamicModule {
    /// Opens the database that the storage holds, or creates it, with a module in WebAssembly.
    ///
    /// Blocks the thread meanwhile, as for a module in Swift.
    ///
    /// - Throws: as for a module in Swift; `DatabaseError` with code `moduleFailure` also if the module was stopped while it
    ///   ran the reducer for a new database.
    public static func open(
        _ storage: Storage, module: WASMModule, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try open(storage, host: module.makeHost(), name: module.name, options: options)
    }

    /// Opens the database that the storage holds, or creates it: on a thread of its own, suspending meanwhile.
    public static func open(
        _ storage: Storage, module: WASMModule, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try await suspendingAside {
            try open(storage, host: module.makeHost(), name: module.name, options: options)
        }
    }

    /// Opens the database in a directory, or creates it there, with the default `StorageOptions`.
    ///
    /// ```swift
    /// let db = try Database.open(at: "chat.stdb", module: WASMModule(contentsOf: "chat.wasm"))
    /// ```
    public static func open(
        at directory: String, module: WASMModule, options: DatabaseOptions = DatabaseOptions()
    ) throws -> Database {
        try open(.directory(directory), host: module.makeHost(), name: module.name, options: options)
    }

    /// Opens the database in a directory, or creates it there: on a thread of its own, suspending meanwhile.
    public static func open(
        at directory: String, module: WASMModule, options: DatabaseOptions = DatabaseOptions()
    ) async throws -> Database {
        try await open(.directory(directory), module: module, options: options)
    }
}
