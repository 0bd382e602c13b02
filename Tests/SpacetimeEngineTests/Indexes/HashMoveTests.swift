import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// A hash index goes to a larger or a smaller array a few entries at a time, while it goes on being used.
@Suite struct HashMoveTests {
    /// What is done, until arrays have been left often enough.
    enum Pattern: CaseIterable {
        case filled, emptied
        /// Taken out and put in at the same rate whenever entries are moved.
        case churned
        /// Whenever a larger array is gone to, entries are taken out, and put in when it is a smaller one.
        case turned
    }

    private struct Model {
        var hashes: [UInt32: UInt32] = [:]
        var rows: [UInt32] = []
        var next: UInt32 = 0

        mutating func put(_ random: inout SplitMix64) -> (hash: UInt32, row: UInt32) {
            // Some rows have one hash, and 0 is one of them.
            let drawn = random.next()
            let hash = random.oneIn(10) ? UInt32(drawn % 50) &* 85_899_345 : UInt32(truncatingIfNeeded: drawn)
            next += 1
            hashes[next] = hash
            rows.append(next)
            return (hash, next)
        }

        mutating func take(_ random: inout SplitMix64) -> (hash: UInt32, row: UInt32)? {
            if rows.isEmpty { return nil }
            rows.swapAt(random.below(rows.count), rows.count - 1)
            let row = rows.removeLast()
            return hashes.removeValue(forKey: row).map { ($0, row) }
        }
    }

    /// How far an index has come with its moving.
    private struct Place: Equatable {
        var array: UnsafeMutableRawPointer
        var slotCount: Int
        var position: Int
        var isMoving: Bool

        init(_ index: borrowing HashIndex) {
            let last = index.parts[index.parts.count - 1]
            array = last.slots.slots.address
            slotCount = last.slots.count
            position = last.start
            isMoving = index.move != nil
        }
    }

    /// Slots of the old array that an operation has gone through.
    private func steps(from before: Place, to after: Place) -> Int {
        switch (before.isMoving, after.isMoving) {
        // It may have begun and ended nothing, or gone to another array in one go.
        case (false, false): before.array == after.array ? 0 : before.slotCount
        case (false, true): after.position
        case (true, true): after.array == before.array ? after.position - before.position : .max
        // Behind the last entry nothing is looked at.
        case (true, false): before.slotCount - 64 - before.slotCount / 64 - before.position
        }
    }

    private func compare(_ index: borrowing HashIndex, _ model: Model) throws {
        let entries = try index.checkedEntries()
        #expect(Dictionary(uniqueKeysWithValues: entries.map { ($0.row.rawValue, $0.hash) }) == model.hashes)
        for (row, hash) in model.hashes where index.find(hash, { $0.rawValue == row }) != RowID(row) {
            Issue.record("row \(row) is not found")
        }
    }

    @Test(arguments: Pattern.allCases) func entriesAreMovedAFewAtATime(_ pattern: Pattern) throws {
        var random = seededRandom("moving \(pattern)")
        var index = HashIndex()
        var model = Model()
        if pattern == .emptied {
            for _ in 0..<40_000 {
                let entry = model.put(&random)
                index.insert(entry.hash, RowID(entry.row))
            }
        }
        var (moves, longest, wasGrowing) = (0, 0, true)
        for step in 0..<40_000 {
            let before = Place(index)
            if let move = index.move { wasGrowing = move.value.to.capacity > move.value.from.capacity }
            let puts =
                switch pattern {
                case .filled: !random.oneIn(20)
                case .emptied: random.oneIn(20)
                case .churned: before.isMoving ? random.oneIn(2) : moves % 16 < 10
                case .turned: before.isMoving ? !wasGrowing : moves % 16 < 10
                }
            if puts {
                let entry = model.put(&random)
                index.insert(entry.hash, RowID(entry.row))
            } else if let entry = model.take(&random) {
                let removed = index.remove(entry.hash, RowID(entry.row))
                let again = index.remove(entry.hash, RowID(entry.row))
                #expect(removed && !again)
            }
            let after = Place(index)
            longest = max(longest, steps(from: before, to: after))
            if after.isMoving {
                let absent = index.find(UInt32(truncatingIfNeeded: random.next()) | 1) { _ in false }
                #expect(absent == nil)
                if step % 31 == 0 { try compare(index, model) }
            }
            if before.isMoving, !after.isMoving { moves += 1 }
            if step % 2_003 == 0 { try compare(index, model) }
        }
        try compare(index, model)
        #expect(moves > 3)
        // What has one hash is moved together, and small arrays are left in one go.
        #expect(longest <= 300, "\(longest) slots were gone through at once")
    }

    /// What is below it belongs in the new array, and not a hash more.
    @Test func theBorderBetweenTheArraysIsExact() {
        for capacity in [12, 13, 500, 768, 1_000_003, 5_767_168] {
            let slots = HashSlots(capacity: capacity)
            defer { slots.free() }
            for position in [1, 2, capacity / 3, capacity / 2, capacity - 1] {
                let hash = UInt32(slots.leastHash(from: position))
                #expect(slots.home(hash) == position && slots.home(hash - 1) == position - 1)
            }
            #expect(slots.leastHash(from: capacity) == 1 << 32)
        }
    }

    @Test func anIndexThatGoesWhileEntriesAreMovedLeavesNothing() throws {
        for total in [200, 1_000, 5_000] {
            var index = HashIndex()
            var row: UInt32 = 0
            while row < total || index.move == nil {
                row += 1
                index.insert(hashInteger(UInt64(row), seed: 3), RowID(row))
            }
            let count = try index.checkedEntries().count
            #expect(count == Int(row))
        }
    }

    /// Bytes of a large array are given back while its entries are moved.
    @Test func twoLargeArraysTakeLittleMoreThanOne() throws {
        var index = HashIndex()
        var row: UInt32 = 0
        var moving = 0
        while row < 1_000_000 {
            row += 1
            index.insert(hashInteger(UInt64(row), seed: 3), RowID(row))
            let bytes = index.byteCount
            if row > 600_000, let move = index.move {
                moving += 1
                let limit = max(move.value.from.byteCount, move.value.to.byteCount) + 3 * hugePageByteCount
                if bytes > limit { Issue.record("\(bytes) bytes for \(row) entries, \(limit) at most") }
            }
        }
        #expect(moving > 1_000)
        for row in 1...row where index.find(hashInteger(UInt64(row), seed: 3), { $0.rawValue == row }) == nil {
            Issue.record("row \(row) is not found")
        }
    }

    /// Everything that rows go through, in a table whose index is between two arrays most of the time.
    @Test func transactionsSeeNothingOfIt() throws {
        var random = seededRandom()
        let datastore = Datastore(hashSeed: random.next())
        let table = try datastore.make(
            "t", [("id", .u32), ("n", .u64)], primaryKey: [0],
            indexes: [IndexSchema(name: "by_id", algorithm: .hash, columns: [0], isUnique: true)], unique: [[0]])
        let key = datastore.index(table)
        func row(_ id: UInt32, _ n: UInt64) -> Row { [.u32(id), .u64(n)] }
        func isMoving() -> Bool { datastore.entry(key)?.index.value.hash.move != nil }
        func compare(_ model: [UInt32: UInt64]) throws {
            #expect(try datastore.rows(table).sortedBytes() == model.map { image(row($0, $1)) }.sortedBytes())
            try datastore.checkInvariants()
        }
        var (committed, ids) = ([UInt32: UInt64](), UInt32(0))
        var (movingEnds, snapshots) = (0, [(DatastoreSnapshot, [UInt32: UInt64])]())
        for round in 0..<120 {
            var model = committed
            datastore.begin()
            // Up to where entries begin to be moved, and a few rows on; every other time by taking rows out.
            let grows = model.count < 600 || (model.count < 6_000 && round % 8 < 4)
            var left = 3 + random.below(12)
            func change(_ model: inout [UInt32: UInt64], adding: Bool) throws {
                if adding {
                    ids += 1
                    model[ids] = 0
                    try datastore.insert(table, row(ids, 0))
                } else if let id = model.keys.randomElement(using: &random) {
                    model[id] = nil
                    #expect(try datastore.delete(key, [.u32(id)]) == 1)
                }
            }
            for _ in 0..<4_000 where left > 0 && !(isMoving() && model.isEmpty) {
                if isMoving() { left -= 1 }
                try change(&model, adding: grows)
            }
            let (savepoint, saved) = (datastore.savepoint(), model)
            for _ in 0..<random.below(60) {
                switch random.below(4) {
                case 0: try change(&model, adding: true)
                case 1: try change(&model, adding: false)
                default:
                    guard let id = model.keys.randomElement(using: &random) else { continue }
                    model[id] = random.next()
                    try datastore.update(key, row(id, model[id] ?? 0))
                }
            }
            for id in model.keys.prefix(20) {
                #expect(try datastore.find(key, [.u32(id)]) == image(row(id, model[id] ?? 0)))
                #expect(try datastore.find(key, [.u32(id &+ 1_000_000)]) == nil)
            }
            if random.oneIn(3) {
                datastore.rollback(to: savepoint)
                model = saved
            }
            if random.oneIn(20) {
                #expect(try datastore.clear(table) == model.count)
                model = [:]
            }
            if random.oneIn(4) {
                datastore.rollback()
            } else {
                _ = datastore.commit(collecting: .all)
                committed = model
            }
            if isMoving() { movingEnds += 1 }
            try compare(committed)
            if random.oneIn(4) { snapshots.append((datastore.snapshot(), committed)) }
            if snapshots.count > 3 {
                let (snapshot, rows) = snapshots.removeFirst()
                #expect(snapshot.rows(table).sortedBytes() == rows.map { image(row($0, $1)) }.sortedBytes())
            }
        }
        #expect(movingEnds > 10, "\(movingEnds) transactions ended while entries were moved")
    }
}
