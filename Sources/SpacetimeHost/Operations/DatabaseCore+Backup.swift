package import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS

/// Copies of a database, made while it runs and read while it does not.
extension DatabaseCore {
    /// Writes the state of this moment to another directory, which then can be opened like any database.
    ///
    /// - Returns: the last commit that it includes, and the size of its file.
    package func backUp(
        to directory: String, on disk: any Disk
    ) throws(DatabaseError) -> (offset: TxOffset, byteCount: UInt64) {
        try DatabaseDirectory.requireVacant(directory, on: disk)
        let (frozen, offset) = try runner.snapshotWithOffset()
        let id = files?.databaseID ?? Self.drawID()
        let byteCount = try runAside { [catalog] () throws(DatabaseError) in
            try Self.write(
                frozen, catalog.stored, nextOffset: offset.rawValue &+ 1, databaseID: id, to: directory, on: disk)
        }
        if let files {
            try Self.copyProgram(catalog.stored, from: files.directory, files.options.disk, to: directory, disk)
        }
        return (offset, byteCount)
    }

    /// Makes a database in a directory out of a backup or of another database's directory, as it was after a commit.
    ///
    /// - Parameter limit: the offset before which to stop; the end by default.
    /// - Returns: the last commit that it includes.
    package static func restore(
        from source: String, to directory: String, before limit: UInt64 = .max, on disk: any Disk
    ) throws(DatabaseError) -> TxOffset {
        // Before the source is read, which may take long.
        try DatabaseDirectory.requireVacant(directory, on: disk)
        let recovered = try recover(source, before: limit, on: disk)
        let offset = try restore(recovered, to: directory, on: disk)
        try copyProgram(recovered.schema, from: source, disk, to: directory, disk)
        return offset
    }

    /// Copies the program of a published module. That of an earlier version may be gone, which only matters to whoever runs
    /// published programs.
    private static func copyProgram(
        _ schema: StoredSchema, from source: String, _ sourceDisk: any Disk, to directory: String, _ disk: any Disk
    ) throws(DatabaseError) {
        guard let stored = schema.program, let program = try? ProgramFiles(sourceDisk, of: source).read(stored) else {
            return
        }
        try ProgramFiles(disk, of: directory).keep(program)
    }

    /// Makes a database of what lies before the damage of another one.
    ///
    /// - Returns: the last commit that it includes, and what was met.
    package static func salvage(
        _ source: String, to directory: String, on disk: any Disk
    ) throws(DatabaseError) -> (offset: TxOffset, problems: [String]) {
        try DatabaseDirectory.requireVacant(directory, on: disk)
        let found = try recover(source, on: disk, salvage: true)
        return (try restore(found, to: directory, on: disk), found.warnings)
    }

    private static func restore(
        _ recovered: RecoveredDatabase, to directory: String, on disk: any Disk
    ) throws(DatabaseError) -> TxOffset {
        _ = try write(
            recovered.datastore.snapshot(), recovered.schema, nextOffset: recovered.nextOffset,
            databaseID: recovered.databaseID, to: directory, on: disk)
        return TxOffset(recovered.nextOffset - 1)
    }

    /// The state of a directory before an offset, with errors for people.
    ///
    /// - Parameter offset: the commit that somebody asked for; by default the last one before the limit.
    package static func recover(
        _ directory: String, before limit: UInt64 = .max, on disk: any Disk, salvage: Bool = false,
        for offset: TxOffset? = nil
    ) throws(DatabaseError) -> RecoveredDatabase {
        try DatabaseDirectory.requireDatabase(directory, on: disk)
        guard let recovered = try Recovery(disk, directory: directory).run(before: limit, salvage: salvage) else {
            throw DatabaseDirectory.none(in: directory)
        }
        guard limit == .max || recovered.nextOffset == limit else {
            throw DatabaseError(
                .notPossible,
                "the database in '\(directory)' ends with offset \(TxOffset(recovered.nextOffset &- 1)), before "
                    + "\(offset ?? TxOffset(limit &- 1)); name that one, or one before it")
        }
        return recovered
    }

    private static func drawID() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    /// Writes a state to a directory that holds nothing, and has it locked meanwhile: nobody else may make a database there.
    private static func write(
        _ snapshot: DatastoreSnapshot, _ schema: StoredSchema, nextOffset: UInt64, databaseID: [UInt8],
        to directory: String, on disk: any Disk
    ) throws(DatabaseError) -> UInt64 {
        do throws(DiskError) { try disk.createDirectory(directory) } catch { throw DatabaseError(any: error) }
        let lock = try DatabaseFiles.lock(directory, on: disk)
        defer { lock.release() }
        try DatabaseDirectory.requireVacant(directory, on: disk)
        do throws(StorageError) {
            var writer = try SnapshotFileWriter(
                disk, directory: DatabaseDirectory.snapshots(of: directory), nextOffset: nextOffset,
                databaseID: databaseID)
            do throws(StorageError) {
                try SnapshotContent.write(snapshot, schema: schema, to: &writer)
                return try writer.finish()
            } catch {
                writer.abandon()
                throw error
            }
        } catch {
            throw DatabaseError(error)
        }
    }

    /// Reads every checksum of a directory and rebuilds its state.
    ///
    /// - Returns: what was found, one line each; problems throw.
    package static func verify(_ directory: String, on disk: any Disk) throws(DatabaseError) -> [String] {
        try DatabaseDirectory.requireDatabase(directory, on: disk)
        var report: [String] = []
        do {
            let path = DatabaseDirectory.snapshots(of: directory)
            for nextOffset in try SnapshotFile.list(disk, directory: path) {
                var reader = try SnapshotFileReader(disk, directory: path, nextOffset: nextOffset)
                _ = try reader.readHeader()
                var byteCount = 0
                try reader.forEachBlock { byteCount += $1.count }
                report.append("snapshot before offset \(nextOffset): \(byteCount) bytes of pages, sound")
            }
            let log = try LogReader(disk, directory: DatabaseDirectory.log(of: directory))
            if let first = log.firstOffset() {
                var count = 0
                let end = try log.forEachRecord(from: first) { _, bytes in
                    _ = try CommitRecord(bytes)
                    count += 1
                }
                report.append(
                    "log: \(log.segments.count) files, \(count) transactions from offset \(first) on, sound"
                        + (end.tornByteCount > 0
                            ? "; \(end.tornByteCount) bytes of an unfinished write at its end" : ""))
            }
            let recovered = try recover(directory, on: disk)
            try recovered.datastore.checkInvariants()
            report.append("state after offset \(recovered.nextOffset - 1): rows and indexes agree")
            report += recovered.warnings
        } catch {
            throw DatabaseError(any: error)
        }
        return report
    }
}
