import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// The tables of a running database that another module declares otherwise, built beside it.
///
/// They are filled with rows of a snapshot while the database goes on, and then with what commits have changed since, until little
/// is left. Only that little is done with the lock held, in ``finish()``, and then the tables take the places of the others:
///
/// ```text
/// begin     lock: snapshot, and from now on changes are kept
/// build     rows, indexes
/// catch up  changes, again and again, as long as there are many; a few at a time with the lock if others write as fast
/// finish    lock: the last changes, where sequences are
/// ```
///
/// Rows and indexes of the tables are in memory twice meanwhile. One thread after the other uses it.
final class TableRebuilding {
    private let old: DatabaseCore
    private let workshop: Datastore
    private var tables: [Rebuilt] = []
    private var trail: ChangeTrail?
    private var snapshot: DatastoreSnapshot?
    /// What the log is to be told of tables whose rows are written anew: changes of empty tables.
    private var logged = BSATNWriter()

    private struct Rebuilt {
        let id: TableID
        let schema: TableSchema
        /// What it was, and what becomes of its rows.
        let before: MigrationTable
        /// Whether rows as they are stored are rows of the new table.
        let keepsRows: Bool
        /// Whether a column is numbered that was not before, so that its numbers begin behind what it holds.
        let numbersAnew: Bool
    }

    /// With fewer changes than these it is not worth while to let others go first.
    private static let smallRemainder = 64

    /// - Parameters:
    ///   - changed: the tables, by their ids, as they are to be.
    ///   - isLocked: whether the lock of the database is held, and will be until the end.
    /// - Throws: `migrationRefused` if rows cannot be those of the new tables.
    init(
        of core: DatabaseCore, to changed: [(id: TableID, schema: TableSchema)], isLocked: Bool
    ) throws(DatabaseError) {
        old = core
        workshop = core.runner.datastore.makeWorkshop()
        let snapshot = try isLocked ? core.runner.datastore.snapshot() : begin(changed.map(\.id))
        self.snapshot = snapshot
        do {
            for (id, schema) in changed { try build(id, schema, from: snapshot) }
        } catch {
            end()
            throw Self.refusal(error)
        }
        // The database saves for a snapshot what it changes.
        self.snapshot = nil
    }

    deinit { end() }

    /// Whether the stored rows of a table stay as they are; nil if the table is none of these.
    func keepsRows(_ id: TableID) -> Bool? { tables.first { $0.id == id }?.keepsRows }

    // MARK: Beside the database

    private func begin(_ ids: [TableID]) throws(DatabaseError) -> DatastoreSnapshot {
        try old.runner.acquire()
        defer { old.runner.release() }
        if let refusal = old.runner.state.refusal { throw refusal }
        let trail = ChangeTrail(ids)
        for id in ids { old.sessions.queries.followed?.follow(id) }
        old.runner.trail = trail
        self.trail = trail
        return old.runner.datastore.snapshot()
    }

    private func build(_ id: TableID, _ schema: TableSchema, from snapshot: DatastoreSnapshot) throws {
        guard let stored = snapshot.schema(of: id) else { return }
        var before = MigrationTable(stored: id, in: snapshot, stored)
        guard before.follow(schema) else {
            throw DatabaseError(.internalInconsistency, "table '\(schema.name)' does not follow the plan")
        }
        _ = try workshop.createTable(schema, id: id)
        let workshop = workshop
        try before.forEachRow { try workshop.loadRow($0, into: id) }
        try workshop.finishFilling(id)
        let known = Set(stored.sequences.map(\.column))
        let rebuilt = Rebuilt(
            id: id, schema: schema, before: before, keepsRows: before.isAsInSource,
            numbersAnew: !schema.sequences.allSatisfy { known.contains($0.column) })
        if rebuilt.numbersAnew { try before.forEachRow { try workshop.advanceSequences(of: id, past: $0) } }
        if !rebuilt.keepsRows { try workshop.encodeRows(of: id, into: &logged) }
        tables.append(rebuilt)
    }

    /// Follows the commits until few are left that it does not know.
    ///
    /// Without the lock, as long as that gains on those who write. They may be as fast; then they are slowed down, by following a piece
    /// at a time with the lock held, so that each waits for a short time instead of all of them for a long one in the end.
    func catchUp() throws(DatabaseError) {
        guard let trail else { return }
        var last = Int.max
        while true {
            try old.runner.acquire()
            let changes = trail.take()
            old.runner.release()
            for piece in changes.pieces { try follow(piece) }
            if changes.rowCount < Self.smallRemainder { return }
            if changes.rowCount > last / 2 { break }
            last = changes.rowCount
        }
        try catchUpInPieces()
    }

    /// Follows what was changed with the lock held, a piece at a time: so it gains on those who write, however fast they are.
    func catchUpInPieces() throws(DatabaseError) {
        guard let trail else { return }
        var (pending, next, atOnce) = (ChangeTrail.Changes(), 0, 1)
        while true {
            // What was followed is freed here, while others go on: for many small changes that takes as long as to follow them.
            pending.pieces.removeFirst(next)
            next = 0
            try old.runner.acquire()
            defer { old.runner.release() }
            if pending.pieces.isEmpty {
                let last = pending.rowCount
                pending = trail.take()
                if pending.rowCount < Self.smallRemainder {
                    for piece in pending.pieces { try follow(piece) }
                    return
                }
                // If as many came as were followed meanwhile, too few are followed at once.
                if last > 0, pending.rowCount >= last { atOnce *= 2 }
            }
            next = min(atOnce, pending.pieces.count)
            for piece in pending.pieces[..<next] { try follow(piece) }
        }
    }

    private func follow(_ changes: [TableChanges]) throws(DatabaseError) {
        var unlogged = BSATNWriter()
        do throws(EngineError) {
            for change in changes {
                guard let table = tables.first(where: { $0.id == change.table }), !table.schema.isEvent else {
                    continue
                }
                let suffix = table.before.suffix
                if table.keepsRows {
                    try workshop.follow(change, appending: suffix, into: &unlogged)
                    unlogged.removeAll(keepingCapacity: true)
                } else {
                    try workshop.follow(change, appending: suffix, into: &logged)
                }
            }
        } catch { throw Self.refusal(error) }
    }

    private static func refusal(_ error: any Error) -> DatabaseError {
        let error = DatabaseError(any: error)
        if error.code == .moduleReplaced || error.code == .writesRefused { return error }
        return DatabaseError(
            .migrationRefused, "the migration is not possible, and nothing was changed: \(error.message)", cause: error)
    }

    // MARK: With the lock

    /// Whether changes were lost, so that all has to be done again.
    var isOutOfDate: Bool { trail?.isLost == true }

    /// Does the rest. Nobody can commit anything any more.
    func finish() throws(DatabaseError) {
        let rest = trail?.take().pieces ?? []
        endTrail()
        for piece in rest { try follow(piece) }
        do throws(EngineError) {
            for table in tables { try settleSequences(of: table) }
        } catch { throw DatabaseError(error) }
    }

    /// Sequences go on where those of the old table are by now.
    private func settleSequences(of table: Rebuilt) throws(EngineError) {
        guard let stored = old.runner.datastore.schema(of: table.id) else { return }
        let numbering = stored.numbering(old.runner.datastore.sequencePositions(of: table.id))
        let found = workshop.sequencePositions(of: table.id)
        let positions = zip(table.schema.positions(after: numbering), found).map { known, found -> Int128 in
            guard let position = known.position else { return found }
            guard table.numbersAnew else { return position }
            return known.start.increment > 0 ? max(position, found) : min(position, found)
        }
        try workshop.restartSequences(of: table.id, at: positions)
    }

    /// The tables, to be put where the others are. Once.
    func detachAll() throws(EngineError) -> [DetachedTable] {
        var detached: [DetachedTable] = []
        for table in tables { detached.append(try workshop.detach(table.id)) }
        return detached
    }

    /// Appends what the log is to be told of the tables.
    func appendChanges(to record: inout BSATNWriter) { logged.withUnsafeBytes { record.append($0) } }

    /// Changes are not kept any more. With the lock held.
    func endTrail() {
        guard let ended = trail else { return }
        trail = nil
        guard old.runner.trail === ended else { return }
        old.runner.trail = nil
        for table in ended.tables { old.sessions.queries.followed?.unfollow(table) }
    }

    /// Gives up, unless it was finished. Without the lock.
    func end() {
        guard trail != nil else { return }
        // If another module has taken over, nobody follows anything in the old one.
        guard old.runner.lock.lock() else { return trail = nil }
        endTrail()
        old.runner.lock.unlock()
    }
}
