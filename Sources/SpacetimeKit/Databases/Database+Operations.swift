public import SpacetimeDurability
public import SpacetimeHost
import SpacetimeSchema

/// Looking after the data of a database.
extension Database {
    // MARK: Copies

    /// Writes the database as it is now to another directory, while it runs. The copy is a database: open it, or keep it
    /// and ``restore(from:to:upTo:disk:)``.
    ///
    /// Works for a database in memory, too. Blocks until the copy is complete; other threads are held up only for as long
    /// as it takes to retain the pages.
    ///
    /// - Parameters:
    ///   - directory: is made if there is none, and has to be empty otherwise; hidden files do not count.
    ///   - disk: where the directory is; by default on the machine's own disk.
    /// - Throws: ``DatabaseError`` with code `notPossible` if the path is empty, names a file, or a directory that holds
    ///   anything; `inUse` if somebody writes a database there; or `storageFailure`, and then there is no copy.
    /// - Returns: the last commit that the copy includes, and its size.
    @discardableResult
    public func backup(
        to directory: String, disk: any Disk = SystemDisk()
    ) throws -> (offset: TxOffset, byteCount: UInt64) {
        try core.backUp(to: directory, on: disk)
    }

    /// Makes a database in an empty directory out of a backup, or out of the directory of a database that is not running,
    /// as it was right after a commit. The source stays as it is.
    ///
    /// - Parameters:
    ///   - source: a directory that holds a database.
    ///   - directory: is made if there is none, and has to be empty otherwise; hidden files do not count.
    ///   - offset: the last commit to take over; all by default. How far back that may be depends on what the source has
    ///     kept (``StorageOptions/retention``). Damage behind it does not matter.
    ///   - disk: where both directories are; by default on the machine's own disk.
    /// - Throws: ``DatabaseError`` with code `notPossible` if a path is not as above, or the source does not reach the
    ///   offset; `damaged`, `incompatibleFiles`, `inUse` or `storageFailure`.
    /// - Returns: the last commit that was taken over.
    @discardableResult
    public static func restore(
        from source: String, to directory: String, upTo offset: TxOffset? = nil, disk: any Disk = SystemDisk()
    ) throws -> TxOffset {
        try DatabaseCore.restore(from: source, to: directory, before: Self.limit(offset), on: disk)
    }

    static func limit(_ offset: TxOffset?) -> UInt64 { offset.map { $0.rawValue + 1 } ?? .max }

    // MARK: The past

    /// Opens a database as it was right after a commit, for reading only. Nothing is written to the directory, which may
    /// be in use.
    ///
    /// Tables that changed since are migrated in memory, as ``open(at:module:options:)`` would do.
    ///
    /// - Throws: ``DatabaseError`` with code `notPossible` if there is no database in the directory, or if its files do not
    ///   reach back, or not forward, so far; `damaged` if a file that is needed is. Damage behind the commit does not matter.
    public static func open(
        at directory: String, asOf offset: TxOffset, module: Definition.Type,
        options: DatabaseOptions = DatabaseOptions(), disk: any Disk = SystemDisk()
    ) throws -> Database {
        try open(at: directory, asOf: offset, content: module.wholeContent, options: options, disk: disk)
    }

    /// Runs the call of a commit again, on the state before it, with the module's present code, and compares what it
    /// changes with what it changed then. Nothing is written, and the directory may be in use.
    ///
    /// Costs what opening the database as of that commit costs, in time and in memory.
    ///
    /// - Throws: ``DatabaseError`` with code `notPossible` if the commit was no call of a reducer, is not in the log any
    ///   more, or if the module's tables and reducers were declared otherwise then.
    public static func replay(
        _ offset: TxOffset, at directory: String, module: Definition.Type, disk: any Disk = SystemDisk()
    ) throws -> ReplayReport {
        try DatabaseCore.replay(offset, of: directory, module: module.wholeContent.host, on: disk)
    }

    // MARK: Looking

    /// Reads all files of a directory, checks every checksum, rebuilds the state, and checks that rows and indexes agree.
    /// Takes as much memory as the database itself.
    ///
    /// - Returns: what was found, a line each.
    /// - Throws: ``DatabaseError`` with code `damaged`, naming file and place, or `notPossible` if there is no database.
    public static func verify(_ directory: String, disk: any Disk = SystemDisk()) throws -> [String] {
        try DatabaseCore.verify(directory, on: disk)
    }

    /// Makes a new database out of what lies before the damage of another one: of the newest snapshot that can be read,
    /// and of the log behind it up to the first transaction that is missing or cannot be read. Files that do not belong to
    /// the database are passed over.
    ///
    /// The source stays as it is: damaged files are neither mended, moved nor removed. Open the new database in its place,
    /// and keep the old directory for as long as you may want to look at it.
    ///
    /// - Parameters:
    ///   - source: the damaged directory.
    ///   - directory: is made if there is none, and has to be empty otherwise; hidden files do not count.
    ///   - disk: where both directories are; by default on the machine's own disk.
    /// - Returns: the last commit that could be saved, and what was met: nothing if there was no damage.
    /// - Throws: ``DatabaseError`` with code `damaged` if nothing can be saved, `notPossible` if a path is not as above.
    public static func salvage(
        _ source: String, to directory: String, disk: any Disk = SystemDisk()
    ) throws -> (offset: TxOffset, problems: [String]) {
        try DatabaseCore.salvage(source, to: directory, on: disk)
    }

    /// Bytes by table and index, and what is kept empty or for snapshots. Linear in the pages, under the lock.
    public func memoryReport() throws -> MemoryReport { try core.memoryReport() }

    /// What the queries cost that clients watch: rows examined and produced, bytes, how many share them, and their plans. Takes the
    /// lock for a time in proportion to the number of queries.
    ///
    /// ```swift
    /// for kind in try db.liveQueryReport().kinds where !kind.isFoundByLookUp { print(kind) }
    /// ```
    public func liveQueryReport() throws -> LiveQueryReport { try core.sessions.report() }

    /// How the scheduled calls are doing: how many wait, how many failed, how late they were. Takes the lock for a moment.
    public func scheduleReport() throws -> ScheduleReport { try core.scheduleReport() }

    /// What opening a directory with the module would do to its tables; nil if they fit as they are. Nothing is written.
    ///
    /// It is all done in memory, so the bodies of migrations run, and the cost is that of opening.
    ///
    /// - Throws: ``DatabaseError`` with code `migrationRefused` and all reasons if it would be refused.
    public static func plannedMigration(
        at directory: String, module: Definition.Type, migrations: [Migration] = [], disk: any Disk = SystemDisk()
    ) throws -> PlannedMigration? {
        try plannedMigration(at: directory, content: module.wholeContent, migrations: migrations, disk: disk)
    }
}

/// What opening a database would do to its tables.
public struct PlannedMigration: Equatable, Sendable, CustomStringConvertible {
    /// Names of written migrations that would run, in order.
    public let written: [String]
    /// What would be done to the tables that they leave, a line each.
    public let steps: [String]

    public var description: String {
        (written.map { "run '\($0)'" } + steps).map { "- \($0)" }.joined(separator: "\n")
    }
}

extension Database where Definition == DynamicModule {
    /// Opens a database as it was right after a commit, with a module that was put together at run time.
    public static func open(
        at directory: String, asOf offset: TxOffset, module: Module, options: DatabaseOptions = DatabaseOptions(),
        disk: any Disk = SystemDisk()
    ) throws -> Database {
        try open(at: directory, asOf: offset, content: module.content, options: options, disk: disk)
    }

    /// What opening a directory would do to its tables, with a module that was put together at run time.
    public static func plannedMigration(
        at directory: String, module: Module, migrations: [Migration] = [], disk: any Disk = SystemDisk()
    ) throws -> PlannedMigration? {
        try plannedMigration(at: directory, content: module.content, migrations: migrations, disk: disk)
    }

    /// Runs the call of a commit again, with a module that was put together at run time.
    public static func replay(
        _ offset: TxOffset, at directory: String, module: Module, disk: any Disk = SystemDisk()
    ) throws -> ReplayReport {
        try DatabaseCore.replay(offset, of: directory, module: module.content.host, on: disk)
    }
}
