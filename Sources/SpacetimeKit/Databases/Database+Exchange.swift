public import SpacetimeDurability
import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSchema

/// Tables as JSON Lines and CSV.
extension Database {
    /// Writes the rows of a table as they are now to a file, while the database runs. A file of that name is replaced, once
    /// the new one is whole. Blocks the thread until then; calls of others go on.
    ///
    /// - Parameters:
    ///   - table: the row type.
    ///   - name: which table, if the row type has several; by default its own.
    ///   - format: JSON Lines or CSV.
    ///   - path: the file, on `disk`.
    ///   - disk: where the file is; by default on the machine's own disk.
    /// - Throws: ``DatabaseError`` with code `notPossible` if the path is empty, names a directory, or lies in one that is
    ///   not there; `storageFailure`; a file of that name then is as it was.
    /// - Returns: the number of rows.
    @discardableResult
    public func export<Row: TableRow>(
        _ table: Row.Type, named name: String? = nil, as format: ExchangeFormat, to path: String,
        disk: any Disk = SystemDisk()
    ) throws -> Int {
        try export(core.catalog.table(of: table, named: name), of: runner.snapshot(), as: format, to: path, disk)
    }

    /// Writes every table of the module to a file of its own, named after the table, in a directory.
    ///
    /// Blocks the thread; calls of others go on. All tables are as after the same commit. The directory is made if it is not there; other files in it stay.
    ///
    /// - Throws: ``DatabaseError`` with code `storageFailure`; some of the files may be new then, each of them whole.
    /// - Returns: the number of rows.
    @discardableResult
    public func exportAll(
        as format: ExchangeFormat, to directory: String, disk: any Disk = SystemDisk()
    ) throws -> Int {
        try DatabaseDirectory.requirePath(directory)
        do throws(DiskError) { try disk.createDirectory(directory) } catch { throw DatabaseError(any: error) }
        let frozen = try runner.snapshot()
        var count = 0
        for (position, table) in core.catalog.schema.tables.enumerated() where !table.isEvent {
            let path = "\(directory)/\(table.name).\(format.fileExtension)"
            count += try export(core.catalog.tableMap.table(at: position), of: frozen, as: format, to: path, disk)
        }
        return count
    }

    /// Reads rows from a file into a table, in one transaction: all of them, or none. Blocks the thread, and holds the lock
    /// while it writes, so that others wait: for a large file, see `batchRows`.
    ///
    /// Columns may come in any order. A CSV file may lack columns that have a default value, are optional or
    /// auto-incremented. Auto-increment goes on above the largest imported value.
    ///
    /// - Parameters:
    ///   - table: the row type.
    ///   - name: which table, if the row type has several; by default its own.
    ///   - path: the file, on `disk`. It is read whole.
    ///   - format: JSON Lines or CSV.
    ///   - mode: what happens to rows that are there.
    ///   - batchRows: commits after so many rows, for files too large for one transaction; earlier batches then stay if a
    ///     later one is refused.
    ///   - disk: where the file is; by default on the machine's own disk.
    /// - Throws: ``DatabaseError`` with code `malformedRow`, naming up to twenty lines, `uniqueViolation` with the line,
    ///   or `storageFailure`.
    /// - Returns: the number of rows read.
    @discardableResult
    public func `import`<Row: TableRow>(
        _ table: Row.Type, named name: String? = nil, from path: String, as format: ExchangeFormat,
        mode: ImportMode = .insert, batchRows: Int? = nil, disk: any Disk = SystemDisk()
    ) throws -> Int {
        try DatabaseDirectory.requirePath(path)
        let text: [UInt8]
        do throws(DiskError) { text = try disk.readAll(path) } catch { throw DatabaseError(any: error) }
        return try core.importRows(
            core.catalog.table(of: table, named: name), from: text, as: format, mode: mode, batchRows: batchRows)
    }

    private func export(
        _ table: TableID, of frozen: DatastoreSnapshot, as format: ExchangeFormat, to path: String, _ disk: any Disk
    ) throws(DatabaseError) -> Int {
        let whole = try WholeFile(path, on: disk)
        return try whole.write {
            let file = try disk.open(whole.partialPath, .create)
            defer { file.close() }
            let output = ExportFile(file)
            return try DatabaseCore.exportRows(table, of: frozen, as: format) { try output.write($0) }
        }
    }
}

/// A file that is written from front to back.
private final class ExportFile {
    private let file: any DiskFile
    private var position: UInt64 = 0

    init(_ file: any DiskFile) { self.file = file }

    func write(_ piece: [UInt8]) throws {
        try piece.withUnsafeBytes { try file.write($0, at: position) }
        position += UInt64(piece.count)
    }
}
