import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
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
    /// | `Float`, `Double` | `REAL`; not-a-number becomes `NULL`, −0 becomes 0 |
    /// | `String` | `TEXT` |
    /// | `[UInt8]` | `BLOB` |
    /// | `Identity`, `ConnectionId`, `Uuid` | `TEXT`, as displayed |
    /// | `Timestamp` | `TEXT`, RFC 3339 in UTC, as the date functions take it: `2023-11-14T22:13:20.123456Z` |
    /// | `TimeDuration` | `TEXT`, seconds, a number where one is needed: `+1.500000` |
    /// | `ScheduleAt` | `TEXT`, the time, or the interval in seconds |
    /// | an enum's case without payload | `TEXT`, its name |
    /// | an optional of these | the same, `NULL` for none |
    /// | anything else | `TEXT`, JSON, as in an export as JSON Lines |
    ///
    /// Texts of times sort like the times in the years 0 to 9999. Where microseconds are wanted as a number:
    /// `strftime('%s', substr(at, 1, 19)) * 1000000 + substr(at, 21, 6)`.
    ///
    /// SQLite does not tell `A` from `a` in names, and keeps those that begin with `sqlite_` to itself. Of tables, or of
    /// columns of a table, that differ only in the case of letters, the first in byte order keeps its name and the others
    /// get `_2`, `_3`; reserved names get `renamed_` in front. The report and the table `spacetimekit_renamed` list them.
    ///
    /// The file appears under its name only when it is whole. Blocks until then; calls of other threads go on. A text or
    /// bytes beyond what SQLite takes, usually a thousand million bytes, make the export fail.
    ///
    /// - Parameters:
    ///   - path: the file to write.
    ///   - replacing: overwrites a file of that name.
    /// - Throws: `DatabaseError` with code `notPossible` if there is a file, or if the path is empty, names a directory or
    ///   lies in one that is not there; `storageFailure` with what SQLite said.
    @discardableResult
    public func exportSQLite(
        to path: String, replacing: Bool = false
    ) throws -> SQLiteExportReport {
        let disk = SystemDisk()
        if !replacing, let present = try? disk.open(path, .read) {
            present.close()
            throw DatabaseError(.notPossible, "'\(path)' exists; choose another name, or pass replacing: true")
        }
        let file = try WholeFile(path, on: disk)
        let (snapshot, offset) = try runner.snapshotWithOffset()
        return try file.write {
            try SQLiteWriter.write(snapshot, offset: offset, identity: "\(identity)", to: file.partialPath)
        }
    }

    /// The same on a thread of its own; suspends until the file is whole.
    @discardableResult
    public func exportSQLite(to path: String, replacing: Bool = false) async throws -> SQLiteExportReport {
        try runner.requireNoTransaction()
        return try await suspendingAside { [self] in try exportSQLite(to: path, replacing: replacing) }
    }
}
