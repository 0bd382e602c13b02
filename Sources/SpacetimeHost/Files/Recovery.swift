package import SpacetimeDurability
package import SpacetimeEngine
import SpacetimeSATS

/// The state of a database at one offset, read from its files.
package struct RecoveredDatabase {
    package var datastore: Datastore
    package var schema: StoredSchema
    /// The offset that the next commit gets.
    package var nextOffset: UInt64
    /// 32 random bytes that are in all files of one database, so that a file of another one is noticed.
    package var databaseID: [UInt8]
    /// Where the log goes on.
    package var logEnd: LogEnd
    /// What was met on the way that its owner should know: a damaged snapshot, a torn end of the log.
    package var warnings: [String]
    /// Transactions that were replayed from the log.
    package var replayedCount: UInt64
    /// The snapshot that the recovery began with, and read to its end: the offset before which it was taken. Nil if there
    /// was none.
    package var snapshotOffset: UInt64?
}

/// From the files of a database to its rows: the newest snapshot that can be read, and the log from there on.
package struct Recovery {
    let disk: any Disk
    let directory: String
    let hashSeed: UInt64
    let threads: Int?

    /// - Parameter threads: that read a snapshot; nil for as many as there are cores if it is large, else one.
    package init(_ disk: any Disk, directory: String, hashSeed: UInt64 = 0, threads: Int? = nil) {
        self.disk = disk
        self.directory = directory
        self.hashSeed = hashSeed
        self.threads = threads
    }

    /// Recovers the state before the transaction at `limit`, or the last one.
    ///
    /// No file is changed: a torn end of the log is passed over, not cut.
    ///
    /// - Parameter salvage: stops at damage in the log instead of throwing.
    /// - Returns: nil if there is no database: no snapshot, and no transaction in the log.
    package func run(before limit: UInt64 = .max, salvage: Bool = false) throws(DatabaseError) -> RecoveredDatabase? {
        do { return try recover(before: limit, salvage) } catch let unfit as UnfitRecord {
            guard salvage else { throw unfit.error }
            // Part of that transaction is in the rows by now. So all is done again, up to the transaction before it.
            var rest = try run(before: unfit.offset, salvage: true)
            rest?.warnings.append(unfit.error.message)
            return rest
        } catch let error as EngineError {
            throw DatabaseError(error)
        } catch let error as BSATNError {
            throw DatabaseError(.damaged, "a record of '\(directory)' cannot be read: \(error)", cause: error)
        } catch {
            throw DatabaseError(any: error)
        }
    }

    /// A transaction whose record is sound, but cannot be applied to the rows before it.
    private struct UnfitRecord: Error {
        let offset: UInt64
        let error: DatabaseError
    }

    /// What the recovery begins with, out of the snapshots of a directory.
    private struct Base {
        var state: RecoveredDatabase?
        var warnings: [String] = []
        /// The log was durable up to this offset when the newest of them was completed.
        var provenEnd: UInt64 = 0
        var proof = ""
    }

    private func recover(before limit: UInt64, _ salvage: Bool) throws -> RecoveredDatabase? {
        let log = try LogReader(disk, directory: DatabaseDirectory.log(of: directory))
        let base = try newestSnapshot(before: limit, of: log.databaseID, salvage)
        var (state, warnings) = (base.state, base.warnings)
        let from = state?.nextOffset ?? 0
        if state == nil, let first = log.firstOffset(), first > 0 {
            throw DatabaseError(
                .damaged,
                "no snapshot in '\(directory)' can be read, and the log begins only at offset \(first): what lies before "
                    + "is missing. Put it back, or restore a backup. \(warnings.joined(separator: " "))")
        }
        var end = try log.forEachRecord(
            from: from, before: limit, provenEnd: base.provenEnd, proof: base.proof, owner: state?.databaseID,
            mode: salvage ? .salvage : .strict
        ) { offset, bytes in
            do { try apply(bytes, at: offset, to: &state) } catch {
                throw UnfitRecord(
                    offset: offset,
                    error: DatabaseError(
                        .damaged,
                        "transaction \(offset) in '\(log.directory)' does not fit the state before it (\(error)); restore a "
                            + "backup, or salvage what lies before it (`Database.salvage`)", cause: error))
            }
        }
        warnings += end.notes
        if end.tornByteCount > 0, end.damage == nil, limit == .max {
            warnings.append(
                "the log ended in \(end.tornByteCount) bytes of an unfinished write, as after a loss of power; they were "
                    + "cut off behind transaction \(end.nextOffset == 0 ? "none" : String(end.nextOffset - 1)).")
        }
        if let damage = end.damage { warnings.append(damage) }
        guard var state else {
            guard let damage = end.damage else { return nil }
            throw DatabaseError(
                .damaged, "nothing of '\(directory)' can be read: \(damage). \(base.warnings.joined(separator: " "))")
        }
        // The log may end before the snapshot, whose own commits are all in it: it goes on from the snapshot then.
        if end.nextOffset < from {
            let id = end.databaseID
            end = .empty(at: from)
            end.databaseID = id
        }
        state.replayedCount = end.nextOffset - from
        state.snapshotOffset = base.state?.snapshotOffset
        state.nextOffset = end.nextOffset
        state.logEnd = end
        state.databaseID = end.databaseID ?? state.databaseID
        state.warnings = warnings
        return state
    }

    /// - Parameter owner: whose log lies beside the snapshots, if there is one.
    private func newestSnapshot(before limit: UInt64, of owner: [UInt8]?, _ salvage: Bool) throws -> Base {
        let path = DatabaseDirectory.snapshots(of: directory)
        var base = Base()
        for nextOffset in try SnapshotFile.list(disk, directory: path) where nextOffset <= limit {
            let file = SnapshotFile.path(path, nextOffset)
            let found = SnapshotFileReader.owner(disk, directory: path, nextOffset: nextOffset)
            if let owner, let found, owner != found {
                let text =
                    "the snapshot '\(file)' and the log belong to different databases; move away what does not belong"
                guard salvage else { throw DatabaseError(.incompatibleFiles, text) }
                base.warnings.append(text)
                continue
            }
            if found != nil, nextOffset > base.provenEnd { (base.provenEnd, base.proof) = (nextOffset, "'\(file)'") }
            let datastore = Datastore(hashSeed: hashSeed)
            do {
                let (schema, id) = try SnapshotContent.read(
                    disk, directory: path, nextOffset: nextOffset, into: datastore, threads: threads)
                base.state = RecoveredDatabase(
                    datastore: datastore, schema: schema, nextOffset: nextOffset, databaseID: id,
                    logEnd: .empty(at: nextOffset), warnings: [], replayedCount: 0, snapshotOffset: nextOffset)
                return base
            } catch let error as StorageError where error.code == .newerFormat {
                throw error
            } catch {
                base.warnings.append("the snapshot '\(file)' is damaged (\(error)) and was passed over.")
            }
        }
        return base
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
    /// Takes over the rows of the table that has the same id in the snapshot, and the positions of its sequences, if it has
    /// as many as before.
    package func adopt(_ id: TableID, from snapshot: DatastoreSnapshot) throws(EngineError) {
        try adoptRows(of: id, from: snapshot, id)
        let positions = snapshot.sequencePositions(of: id)
        if positions.count == sequencePositions(of: id).count { try restartSequences(of: id, at: positions) }
    }
}
