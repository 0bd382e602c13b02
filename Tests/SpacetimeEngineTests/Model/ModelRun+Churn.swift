import SpacetimeSchema

@testable import SpacetimeEngine

/// Many rows at once that come and go: pages are filled, emptied and given back, and nodes split and merge.
extension ModelRun {
    private static let sizes = [0, 100, 700, 3_000, 14_000, 20_000, 70_000]

    /// Inserts many rows, deletes most of them and takes that back, or does not.
    func churn(_ table: Int) throws {
        if random.oneIn(2) { try takeSnapshotOfCommitted() }
        let size = Self.sizes[random.below(Self.sizes.count)]
        churnedSize = size
        let count = min(100 + random.below(500), 2_000_000 / max(size, 1) + 2)
        for _ in 0..<count { try insert(table) }
        churnedSize = nil
        if random.oneIn(2) { try endAndGoOn(committing: true) }
        if random.oneIn(3) { try takeSnapshotOfCommitted() }
        let (savepoint, before) = (datastore.savepoint(), model)
        try deleteMost(of: table)
        try compare(table)
        try datastore.checkInvariants()
        switch random.below(3) {
        case 0:
            note("rollback of the deletes")
            datastore.rollback(to: savepoint)
            model = before
            try compare(table)
        case 1: try endAndGoOn(committing: false)
        default: try endAndGoOn(committing: true)
        }
        try datastore.checkInvariants()
        try requireSmallIfEmpty(table)
    }

    private func endAndGoOn(committing: Bool) throws {
        try endTransaction(committing: committing)
        begin()
    }

    private func takeSnapshotOfCommitted() throws {
        try endTransaction(committing: !random.oneIn(3))
        if snapshots.count < 4 { snapshots.append((datastore.snapshot(), committed)) }
        begin()
    }

    /// Rows of the whole table in a random order, or neighbours, or all.
    private func deleteMost(of table: Int) throws {
        let keptShare = [0, 2, 10, 50][random.below(4)]
        note("delete most of table \(table), keep \(keptShare) percent")
        if keptShare == 0, random.oneIn(2) {
            try require(try datastore.clear(tables[table]) == model[table].count, "cleared another number of rows")
            model[table].removeAll()
            return
        }
        var victims = model[table].entries
        if random.oneIn(2) { victims.shuffle(using: &random) }
        for victim in victims where random.below(100) >= keptShare {
            try require(try datastore.deleteRow(tables[table], victim.row), "a row was not there to be deleted")
            model[table].remove(victim.bytes)
        }
    }

    /// A table without rows has a page at most, and little memory in its indexes.
    private func requireSmallIfEmpty(_ table: Int) throws {
        guard !datastore.hasChanges, datastore.count(tables[table]) == 0 else { return }
        let memory = datastore.memory(of: tables[table])
        try require(
            memory?.pageByteCount ?? 0 <= PageGeometry.pageByteCount,
            "pages of an empty table: \(String(describing: memory))")
        for index in memory?.indexes ?? [] {
            try require(index.byteCount <= 17_000, "index '\(index.name)' of an empty table: \(index.byteCount) bytes")
        }
    }
}
