import SpacetimeDurability
import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeKit
import SpacetimeSchema

extension Database {
    /// Writes all tables as they are now to an ordinary SQLite file, while the database runs.
    ///
    /// Each table, private ones included, becomes a table of the same canonical name with its primary key, unique
    /// constraints and indexes; `spacetimekit_export` says which commit it was. Columns become
    ///
    /// | Column | SQLite |
    /// | --- | --- |
    /// | `Bool`, integers of up to 64 bits | `INTEGER`; a `UInt64` above 2^63 − 1 shows as the negative number of the same bits |
    /// | integers of 128 and 256 bits | `TEXT`, decimal |
    /// | `Float`, `Double` | `REAL`; not-a-number becomes `NULL` |
    /// | `String` | `TEXT` |
    /// | `[UInt8]`, `Identity`, `ConnectionId`, `Uuid` | `BLOB`, ids with the most significant byte first |
    /// | `Timestamp`, `TimeDuration` | `INTEGER`, microseconds |
    /// | an optional of these | the same, `NULL` for none |
    /// | anything else | `TEXT`, JSON |
    ///
    /// The file appears under its name only when it is whole. Blocks until then; calls of other threads go on.
    ///
    /// - Parameter replacing: overwrites a file of that name.
    /// - Throws: ``DatabaseError`` with code `notPossible` if there is a file, `storageFailure` with what SQLite said.
    /// - Returns: the last commit that the file includes, and the number of its rows.
    @discardableResult
    public func exportSQLite(
        to path: String, replacing: Bool = false
    ) throws -> (offset: TxOffset, rowCount: Int) {
        let disk = SystemDisk()
        if !replacing, let present = try? disk.open(path, .read) {
            present.close()
            throw DatabaseError(.notPossible, "'\(path)' exists; choose another name, or pass replacing: true")
        }
        let (snapshot, offset) = try core.snapshotWithOffset()
        let partial = path + ".partial"
        try? disk.remove(partial)
        do throws(DatabaseError) {
            let rowCount = try SQLiteWriter.write(snapshot, offset: offset, identity: "\(identity)", to: partial)
            try Self.finish(partial, path, disk)
            return (offset, rowCount)
        } catch {
            try? disk.remove(partial)
            throw error
        }
    }

    private static func finish(_ partial: String, _ path: String, _ disk: SystemDisk) throws(DatabaseError) {
        do {
            let file = try disk.open(partial, .update)
            defer { file.close() }
            try file.sync()
            try disk.rename(partial, to: path)
            let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try disk.syncDirectory(directory.isEmpty ? "/" : directory)
        } catch {
            throw DatabaseError(.storageFailure, "the export could not be completed: \(error)", cause: error)
        }
    }
}
