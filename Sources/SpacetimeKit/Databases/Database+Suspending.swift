public import SpacetimeDurability
public import SpacetimeHost

/// The asynchronous forms of what takes long: done on a thread of its own that steps back for others, while the task is
/// suspended. What each does, throws and returns is told at the synchronous form.
extension Database {
    /// Writes the database as it is now to another directory, while it runs.
    @discardableResult
    public func backup(
        to directory: String, disk: any Disk = SystemDisk()
    ) async throws -> (offset: TxOffset, byteCount: UInt64) {
        try runner.requireNoTransaction()
        return try await suspendingAside { [self] in try backup(to: directory, disk: disk) }
    }

    /// Makes a database in an empty directory out of a backup, or out of the directory of a database that is not running.
    @discardableResult
    public static func restore(
        from source: String, to directory: String, upTo offset: TxOffset? = nil, disk: any Disk = SystemDisk()
    ) async throws -> TxOffset {
        try await suspendingAside {
            try restore(from: source, to: directory, upTo: offset, disk: disk)
        }
    }

    /// Reads all files of a directory and checks that they are sound.
    public static func verify(
        _ directory: String, disk: any Disk = SystemDisk()
    ) async throws -> [String] {
        try await suspendingAside { try verify(directory, disk: disk) }
    }

    /// Makes a new database out of what lies before the damage of another one.
    public static func salvage(
        _ source: String, to directory: String, disk: any Disk = SystemDisk()
    ) async throws -> (offset: TxOffset, problems: [String]) {
        try await suspendingAside { try salvage(source, to: directory, disk: disk) }
    }

    /// Opens a database as it was right after a commit, for reading only.
    public static func open(
        at directory: String, asOf offset: TxOffset, module: Definition.Type,
        options: DatabaseOptions = DatabaseOptions(), disk: any Disk = SystemDisk()
    ) async throws -> Database {
        try await suspendingAside {
            try open(at: directory, asOf: offset, module: module, options: options, disk: disk)
        }
    }

    /// Writes the rows of a table as they are now to a file, while the database runs.
    @discardableResult
    public func export<Row: TableRow>(
        _ table: Row.Type, named name: String? = nil, as format: ExchangeFormat, to path: String,
        disk: any Disk = SystemDisk()
    ) async throws -> Int {
        try runner.requireNoTransaction()
        return try await suspendingAside { [self] in
            try export(table, named: name, as: format, to: path, disk: disk)
        }
    }

    /// Writes every table of the module to a file of its own in a directory.
    @discardableResult
    public func exportAll(
        as format: ExchangeFormat, to directory: String, disk: any Disk = SystemDisk()
    ) async throws -> Int {
        try runner.requireNoTransaction()
        return try await suspendingAside { [self] in
            try exportAll(as: format, to: directory, disk: disk)
        }
    }

    /// Reads rows from a file into a table.
    @discardableResult
    public func `import`<Row: TableRow>(
        _ table: Row.Type, named name: String? = nil, from path: String, as format: ExchangeFormat,
        mode: ImportMode = .insert, batchRows: Int? = nil, disk: any Disk = SystemDisk()
    ) async throws -> Int {
        try runner.requireNoTransaction()
        return try await suspendingAside { [self] in
            try `import`(table, named: name, from: path, as: format, mode: mode, batchRows: batchRows, disk: disk)
        }
    }
}
