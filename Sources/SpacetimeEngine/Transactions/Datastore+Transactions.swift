package import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Living ids, valid images: what the undo log names is there until the transaction ends.

/// A point inside a transaction to which it can be taken back.
package struct Savepoint: Sendable {
    let serial: UInt64
    let recordCount: Int
}

/// Which tables a commit reports the changes of.
@usableFromInline
package enum CollectedTables: Sendable {
    case none
    /// Tables for which `setObserved` was called.
    case observed
    case all
}

/// Begin, commit, rollback. One transaction at a time; all of it in place.
extension Datastore {
    /// The number of the running transaction, or one more than the last one's. Pointers and scans carry it to notice
    /// that their transaction is over.
    @usableFromInline
    package var serial: UInt64 { state.serial }

    @usableFromInline
    package var isInTransaction: Bool { state.isInTransaction }

    /// Whether the running transaction has done anything that a rollback would have to undo.
    @usableFromInline
    package var hasChanges: Bool { state.undo.count > 0 }

    @usableFromInline
    package func begin() {
        precondition(!state.isInTransaction, "a transaction is already running")
        state.isInTransaction = true
        if !state.snapshotMemories.isEmpty { noticeDroppedSnapshots() }
    }

    /// Appends the net changes of the running transaction as the commit log keeps them, and the positions of all sequences
    /// that moved since the last commit that was encoded; nothing if there are none. Nothing is final yet: a caller that
    /// cannot keep the bytes rolls back.
    package func encodeChanges(into log: inout BSATNWriter) {
        precondition(state.isInTransaction, "no transaction is running")
        if state.movedSequences.isEmpty { return encodeRows(into: &log) }
        encodeSequenceStarts(into: &log)
        encodeRows(into: &log)
        encodeSequenceMoves(into: &log)
        state.hasEncodedSequences = true
    }

    @inline(__always)
    private func encodeRows(into log: inout BSATNWriter) {
        if state.undo.holdsPlainOverwrites { return state.undo.encodeOverwrites(into: &log) }
        guard state.undo.count > 0 else { return }
        state.changes.collect(state.undo) { _ in true }
        state.hasCollected = true
        state.changes.encode(into: &log)
    }

    /// Makes the transaction's changes final.
    ///
    /// - Returns: the net changes of the tables asked for, or nil if there are none.
    @discardableResult
    package func commit(collecting: CollectedTables = .none) -> ChangeSet? {
        precondition(state.isInTransaction, "no transaction is running")
        var result: ChangeSet?
        switch collecting {
        case .none: break
        case .observed where state.observedCount == 0: break
        case .observed, .all:
            if state.undo.count > 0 {
                result = collectChanges(all: { if case .all = collecting { true } else { false } }())
            }
        }
        let (freed, hasSparse) = finishRows()
        if state.hasEncodedSequences { noteLoggedSequences() }
        end()
        if hasSparse { compactSparseTables(freed: freed) }
        return result
    }

    /// ``commit(collecting:)`` for a transaction that is not logged and whose changes nobody asks for.
    ///
    /// - Returns: whether it had written anything.
    @usableFromInline
    package func commitUnwatched() -> Bool {
        let hasChanges = state.undo.count > 0
        if state.undo.otherCount == 0, state.isInTransaction, !state.hasEncodedSequences { end() } else { commit() }
        return hasChanges
    }

    @inline(never)
    private func collectChanges(all: Bool) -> ChangeSet? {
        if !state.hasCollected {
            state.changes.collect(state.undo) { all || $0.isObserved }
        }
        let set = state.changes.changeSet { all || $0.isObserved }
        return set.isEmpty ? nil : set
    }

    /// Gives back the slots of deleted rows, and the rows of event tables, which live for one transaction only.
    ///
    /// - Returns: how many slots of deleted rows that were, and whether tables have sparse pages now.
    @inline(__always)
    private func finishRows() -> (freed: Int, hasSparse: Bool) {
        var freed = 0
        var hasSparse = false
        // Rows that were only overwritten are where they were, and no slot is to be given back.
        if state.undo.otherCount == 0 { return (freed, hasSparse) }
        for i in 0..<state.undo.count {
            let record = state.undo.records[i]
            switch record.kind {
            case .overwrite: break
            case .delete:
                record.table.storage.free(record.row)
                freed &+= 1
                if record.table.storage.isSparse { hasSparse = true }
            case .insert: if record.table.isEvent { state.hasEventRows = true }
            }
        }
        if state.hasEventRows { dropEventRows() }
        return (freed, hasSparse)
    }

    /// Moves rows of sparse pages together: two for each that was deleted, which keeps up with any deleting, and makes no
    /// commit longer than what it did itself.
    @inline(never)
    func compactSparseTables(freed: Int) {
        var rest = freed * 2
        for id in state.directory.ids {
            guard let table = state.tables[Int(id.rawValue)], table.storage.isSparse else { continue }
            rest -= table.compact(moving: rest)
            if rest <= 0 { return }
        }
    }

    @inline(never)
    private func dropEventRows() {
        state.hasEventRows = false
        for i in 0..<state.undo.count {
            let record = state.undo.records[i]
            guard record.kind == .insert, record.table.isEvent,
                record.table.storage.isLive(record.row)
            else { continue }
            prepareWrite(record.table)
            record.table.unindex(record.row)
            record.table.storage.setLive(record.row, false)
            record.table.storage.free(record.row)
        }
    }

    /// Takes back everything that the transaction did, except that sequence values stay consumed.
    @usableFromInline
    package func rollback() {
        precondition(state.isInTransaction, "no transaction is running")
        undo(to: 0)
        state.hasEncodedSequences = false
        end()
    }

    @inline(__always)
    private func end() {
        state.undo.removeAll()
        state.serial &+= 1
        state.isInTransaction = false
        state.hasCollected = false
        if state.openScanTables > 0 { closeScans() }
    }

    @inline(never)
    private func closeScans() {
        if state.openScanTables <= State.scannedLimit {
            for position in 0..<state.scanned.count { closeScans(of: state.scanned[position]) }
        } else {
            for id in state.directory.ids {
                if let table = state.tables[Int(id.rawValue)] { closeScans(of: table) }
            }
        }
        state.openScanTables = 0
        state.scanned.truncate(to: 0)
    }

    @inline(__always)
    private func closeScans(of table: TableRef) {
        while let scan = table.openScans { RowScan.unlink(scan) }
    }

    /// Remembers where the transaction is, for `rollback(to:)`.
    package func savepoint() -> Savepoint {
        precondition(state.isInTransaction, "no transaction is running")
        state.undo.seal()
        return Savepoint(serial: state.serial, recordCount: state.undo.count)
    }

    /// Takes back what was done since the savepoint, which stays usable.
    package func rollback(to savepoint: Savepoint) {
        precondition(
            state.isInTransaction && savepoint.serial == state.serial,
            "the savepoint belongs to another transaction")
        precondition(savepoint.recordCount <= state.undo.count, "the savepoint was rolled back already")
        undo(to: savepoint.recordCount)
        state.undo.seal()
    }

    private func undo(to recordCount: Int) {
        while state.undo.count > recordCount {
            let record = state.undo.removeLast()
            let table = record.table
            prepareWrite(table)
            switch record.kind {
            case .insert:
                table.unindex(record.row)
                table.storage.setLive(record.row, false)
                table.storage.free(record.row)
            case .delete:
                table.storage.setLive(record.row, true)
                table.index(record.row)
            case .overwrite:
                unsafe table.overwrite(record.row, with: state.undo.oldImage(record))
            }
        }
    }

    /// Lets open scans of the table copy what they still have to show.
    @inline(__always)
    func prepareWrite(_ table: TableRef) {
        if table.openScans != nil { detachScans(table) }
    }

    @inline(never)
    private func detachScans(_ table: TableRef) {
        while let scan = table.openScans {
            scan.value.detach()
            // `detach` cleared the link to the table; put it back for the moment of unlinking.
            scan.value.table = table
            RowScan.unlink(scan)
        }
    }

    // MARK: Observers

    /// Says whether `commit(collecting: .observed)` reports this table's changes.
    package func setObserved(_ id: TableID, _ isObserved: Bool) {
        guard let table = try? table(id), table.isObserved != isObserved else { return }
        table.isObserved = isObserved
        state.observedCount += isObserved ? 1 : -1
    }

    // MARK: Snapshots

    /// All rows as they are now, readable from any thread. Not inside a transaction that has made changes.
    ///
    /// Costs one page reference per 64 KiB of rows; afterwards the writer saves each 256 bytes once before changing them.
    package func snapshot() -> DatastoreSnapshot {
        precondition(!hasChanges, "a snapshot would show uncommitted rows")
        let generation = state.nextSnapshot
        state.nextSnapshot += 1
        noticeDroppedSnapshots()
        // One that goes at this moment has nothing any more that others could need.
        let older = state.snapshotMemories.filter { $0.hold() }
        let memory = SnapshotMemory(generation: generation, pool: pool)
        let hold = SnapshotHold(generation: generation, memories: older + [memory], registry: snapshots)
        state.snapshotMemories.append(memory)
        var tables: [TableID: DatastoreSnapshot.Table] = [:]
        for id in tableIDs {
            guard let table = state.tables[Int(id.rawValue)] else { continue }
            let rows = table.rows
            let (pages, saved) = rows.storage.share(memory, older)
            tables[id] = DatastoreSnapshot.Table(
                schema: table.schema, isEphemeral: table.isEphemeral, geometry: rows.storage.geometry, pages: pages,
                saved: saved, count: rows.storage.liveCount, sequences: sequencePositions(of: id), hold: hold)
        }
        return DatastoreSnapshot(tables: tables)
    }

    @inline(never)
    private func noticeDroppedSnapshots() {
        guard let living = snapshots.living(unless: &state.droppedSnapshots) else { return }
        state.snapshotMemories.removeAll { !living.contains($0.generation) }
        for id in tableIDs { state.tables[Int(id.rawValue)]?.storage.keepSaving(for: living) }
    }
}
