package import SpacetimeDurability
package import SpacetimeEngine
import SpacetimeSATS

/// A database as its files have it at one offset.
package struct RecoveredDatabase {
    package var datastore: Datastore
    package var schema: StoredSchema
    /// The offset that the next commit gets.
    package var nextOffset: UInt64
    /// What distinguishes the files of this database from those of others.
    package var databaseID: [UInt8]
    /// Where the log goes on.
    package var logEnd: LogEnd
    /// What was met on the way that its owner should know: a damaged snapshot, a torn end of the log.
    package var warnings: [String]
    /// Transactions that were replayed from the log.
    package var replayedCount: UInt64
}

/// From the files of a database to its rows: the newest snapshot that can be read, and the log from there on.
package struct Recovery {
    let disk: any Disk
    let directory: String
    let hashSeed: UInt64

    package init(_ disk: any Disk, directory: String, hashSeed: UInt64 = 0) {
        self.disk = disk
        self.directory = directory
        self.hashSeed = hashSeed
    }

    package static func logDirectory(_ directory: String) -> String { directory + "/log" }
    package static func snapshotDirectory(_ directory: String) -> String { directory + "/snapshots" }

    /// Recovers the state before the transaction at `limit`, or the last one.
    ///
    /// - Parameter salvage: stops at damage in the log instead of throwing.
    /// - Returns: nil if there is no database: no snapshot, and no transaction in the log.
    package func run(before limit: UInt64 = .max, salvage: Bool = false) throws(DatabaseError) -> RecoveredDatabase? {
        do { return try recover(before: limit, salvage) } catch let error as EngineError {
            throw DatabaseError(error)
        } catch let error as BSATNError {
            throw DatabaseError(.damaged, "a record of '\(directory)' cannot be read: \(error)", cause: error)
        } catch {
            throw DatabaseError(any: error)
        }
    }

    private func recover(before limit: UInt64, _ salvage: Bool) throws -> RecoveredDatabase? {
        var warnings: [String] = []
        var state = try newestSnapshot(before: limit, &warnings)
        let log = try LogReader(disk, directory: Self.logDirectory(directory))
        let from = state?.nextOffset ?? 0
        if state == nil, let first = log.firstOffset(), first > 0 {
            throw DatabaseError(
                .damaged,
                "no snapshot in '\(directory)' can be read, and the log begins only at offset \(first); restore a "
                    + "backup. \(warnings.joined(separator: " "))")
        }
        let logID = try log.databaseID()
        if let state, let logID, logID != state.databaseID {
            throw DatabaseError(
                .incompatibleFiles, "log and snapshots in '\(directory)' belong to different databases")
        }
        var end = try log.forEachRecord(from: from, before: limit, mode: salvage ? .salvage : .strict) {
            offset, bytes in
            do { try apply(bytes, at: offset, to: &state) } catch {
                throw DatabaseError(
                    .damaged, "transaction \(offset) in '\(log.directory)' does not fit the state before it: \(error)",
                    cause: error)
            }
        }
        if end.tornByteCount > 0, end.damage == nil, limit == .max {
            warnings.append(
                "the log ended in \(end.tornByteCount) bytes of an unfinished write, as after a loss of power; they were "
                    + "cut off behind transaction \(end.nextOffset == 0 ? "none" : String(end.nextOffset - 1)).")
        }
        if let damage = end.damage { warnings.append(damage) }
        guard var state else { return nil }
        // A snapshot is complete in itself: if the log ends before it, a new segment goes on behind it.
        if end.nextOffset < from { end = .empty(at: from) }
        state.replayedCount = end.nextOffset - from
        state.nextOffset = end.nextOffset
        state.logEnd = end
        state.databaseID = logID ?? state.databaseID
        state.warnings = warnings
        return state
    }

    private func newestSnapshot(before limit: UInt64, _ warnings: inout [String]) throws -> RecoveredDatabase? {
        let path = Self.snapshotDirectory(directory)
        for nextOffset in try SnapshotFile.list(disk, directory: path) where nextOffset <= limit {
            let datastore = Datastore(hashSeed: hashSeed)
            do {
                let (schema, id) = try SnapshotContent.read(
                    disk, directory: path, nextOffset: nextOffset, into: datastore)
                return RecoveredDatabase(
                    datastore: datastore, schema: schema, nextOffset: nextOffset, databaseID: id,
                    logEnd: .empty(at: nextOffset), warnings: [], replayedCount: 0)
            } catch let error as StorageError where error.code == .newerFormat {
                throw error
            } catch {
                warnings.append(
                    "the snapshot '\(SnapshotFile.path(path, nextOffset))' is damaged (\(error)) and was passed over.")
            }
        }
        return nil
    }

    /// Does again what a record of the log says, on the state before it; nil before the first.
    func apply(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64, to state: inout RecoveredDatabase?
    ) throws {
        let record = try CommitRecord(bytes)
        if let schema = record.schema {
            state = try begin(try StoredSchema(decoding: Array(schema)), record.kind, state, offset)
        }
        guard let datastore = state?.datastore else {
            throw DatabaseError(.damaged, "the log does not begin with the creation of a database")
        }
        try datastore.replay(record.changes)
    }

    /// The tables of a new schema, with the rows that it keeps.
    private func begin(
        _ schema: StoredSchema, _ kind: CommitKind, _ state: RecoveredDatabase?, _ offset: UInt64
    ) throws -> RecoveredDatabase {
        if var state, try schema.keepsTables(of: state.schema) {
            state.schema = schema
            return state
        }
        let datastore = Datastore(hashSeed: hashSeed)
        try schema.makeTables(in: datastore)
        if let old = state?.datastore {
            let rows = old.snapshot()
            for table in schema.tables where table.keepsRows { try datastore.adopt(table.id, from: rows) }
        }
        return RecoveredDatabase(
            datastore: datastore, schema: schema, nextOffset: offset, databaseID: state?.databaseID ?? [],
            logEnd: .empty(at: offset), warnings: [], replayedCount: 0)
    }
}

extension Datastore {
    /// Takes over a table that has the same id in the snapshot: rows, and where its sequences are if it still has them.
    package func adopt(_ id: TableID, from snapshot: DatastoreSnapshot) throws(EngineError) {
        try adoptRows(of: id, from: snapshot, id)
        let positions = snapshot.sequencePositions(of: id)
        if positions.count == sequencePositions(of: id).count { try restartSequences(of: id, at: positions) }
    }
}
