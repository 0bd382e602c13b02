import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// How much a transaction remembers, and that it is enough to take everything back.
@Suite struct UndoLogTests {
    private func make(_ datastore: Datastore) throws -> (table: TableID, key: IndexID) {
        let table = try datastore.make(
            "counter", [("id", .u32), ("count", .u64)], primaryKey: [0],
            indexes: [IndexSchema(name: "by_id", algorithm: .hash, columns: [0])])
        return (table, datastore.index(table))
    }

    private func row(_ id: Int, _ count: Int) -> Row { [.u32(UInt32(id)), .u64(UInt64(count))] }

    @Test(arguments: [1, 2, 12, 13, 14, 500])
    func aRowThatIsUpdatedOftenHasOneRecord(_ rows: Int) throws {
        let datastore = Datastore()
        let (table, key) = try make(datastore)
        try datastore.transact { for id in 0..<rows { try datastore.insert(table, row(id, 0)) } }
        datastore.begin()
        for round in 1...(10_000 / rows) {
            for id in 0..<rows { try datastore.update(key, row(id, round)) }
        }
        #expect(datastore.state.undo.count == rows)
        let log = LogBuffer()
        log.encode(datastore)
        #expect(log.bytes.count == 5 + rows * 13)
        datastore.rollback()
        #expect(try datastore.rows(table).sortedBytes() == (0..<rows).map { image(row($0, 0)) }.sortedBytes())
    }

    @Test func theShortWayOfUpdatingHasOneRecordAsWell() throws {
        let datastore = Datastore()
        let (table, key) = try make(datastore)
        try datastore.transact { for id in 0..<40 { try datastore.insert(table, row(id, 0)) } }
        datastore.begin()
        for round in 1...50 {
            for id in 0..<40 {
                #expect(image(row(id, round)).withUnsafeBytes { datastore.updatePoint(key, row: $0) })
            }
        }
        #expect(datastore.state.undo.count == 40)
        datastore.rollback()
        #expect(try datastore.rows(table).sortedBytes() == (0..<40).map { image(row($0, 0)) }.sortedBytes())
    }

    @Test(arguments: [1, 40])
    func aSavepointKeepsTheStateOfItsMoment(_ rows: Int) throws {
        let datastore = Datastore()
        let (table, key) = try make(datastore)
        try datastore.transact { for id in 0..<rows { try datastore.insert(table, row(id, 0)) } }
        func update(to count: Int) throws { for id in 0..<rows { try datastore.update(key, row(id, count)) } }
        func expect(_ count: Int) throws {
            #expect(try datastore.rows(table).sortedBytes() == (0..<rows).map { image(row($0, count)) }.sortedBytes())
            try datastore.checkInvariants()
        }
        datastore.begin()
        for count in 1...3 { try update(to: count) }
        let first = datastore.savepoint()
        for count in 4...6 { try update(to: count) }
        let second = datastore.savepoint()
        for count in 7...9 { try update(to: count) }
        #expect(datastore.state.undo.count == 3 * rows)
        datastore.rollback(to: second)
        try expect(6)
        try update(to: 10)
        datastore.rollback(to: second)
        try expect(6)
        datastore.rollback(to: first)
        try expect(3)
        for count in 11...13 { try update(to: count) }
        #expect(datastore.state.undo.count == 2 * rows)
        datastore.rollback(to: first)
        try expect(3)
        datastore.rollback()
        try expect(0)
    }

    /// The later image of a row must not stand in the way of one that gets its key back.
    @Test func aKeyThatWasGivenUpInBetweenIsGivenBack() throws {
        let datastore = Datastore()
        let table = try datastore.make(
            "seat", [("id", .u32), ("place", .u16), ("n", .u8)], primaryKey: [0],
            indexes: [IndexSchema(name: "by_place", algorithm: .direct, columns: [1])], unique: [[1]])
        let byID = datastore.indexIDs(of: table).first { datastore.schema(of: $0)?.columns == [0] }
        let key = try #require(byID)
        func row(_ id: UInt32, _ place: UInt16, _ n: UInt8) -> Row { [.u32(id), .u16(place), .u8(n)] }
        try datastore.transact {
            try datastore.insert(table, row(1, 1, 0))
            try datastore.insert(table, row(2, 2, 0))
        }
        let before = try datastore.rows(table).sortedBytes()
        datastore.begin()
        try datastore.update(key, row(1, 1, 1))
        try datastore.delete(key, [.u32(2)])
        try datastore.update(key, row(1, 2, 1))
        try datastore.update(key, row(1, 2, 2))
        #expect(datastore.state.undo.count == 3)
        datastore.rollback()
        #expect(try datastore.rows(table).sortedBytes() == before)
        try datastore.checkInvariants()
    }

    /// Random updates of large and small rows with savepoints, against a dictionary; the log of each commit is replayed.
    @Test(arguments: [3, 60])
    func updatesAgreeWithTheModel(_ rows: Int) throws {
        var random = seededRandom("updates of \(rows) rows")
        let (datastore, replica) = (Datastore(), Datastore(hashSeed: 11))
        let columns: [(String, AlgebraicType)] = [("id", .u32), ("count", .u32), ("data", .bytes), ("last", .u8)]
        let table = try datastore.make("mixed", columns, primaryKey: [0])
        _ = try replica.make("mixed", columns, primaryKey: [0])
        let key = datastore.index(table)
        var model: [UInt32: Row] = [:]
        var committed = model
        var logged = 0
        let log = LogBuffer()
        for _ in 0..<250 {
            datastore.begin()
            var savepoints: [(Savepoint, [UInt32: Row])] = []
            for _ in 0..<random.below(rows * 3) {
                let id = UInt32(random.below(rows))
                switch random.below(20) {
                case 0: savepoints.append((datastore.savepoint(), model))
                case 1 where !savepoints.isEmpty:
                    savepoints.removeSubrange((random.below(savepoints.count) + 1)...)
                    let last = savepoints[savepoints.count - 1]
                    datastore.rollback(to: last.0)
                    model = last.1
                case 2 where model[id] != nil:
                    try datastore.delete(key, [.u32(id)])
                    model[id] = nil
                default:
                    var row = model[id] ?? [.u32(id), .u32(0), .bytes(random.bytes(Int(id) * 90)), .u8(0)]
                    row[1] = .u32(UInt32(random.below(3)))
                    if random.oneIn(3) { row[3] = .u8(UInt8(random.below(256))) }
                    if random.oneIn(4), case .bytes(var data) = row[2] {
                        let start = random.below(data.count + 1)
                        let end = min(data.count, start + random.below(30))
                        data.replaceSubrange(start..<end, with: random.bytes(random.below(40)))
                        row[2] = .bytes(data)
                    }
                    if model[id] == nil { try datastore.insert(table, row) } else { try datastore.update(key, row) }
                    model[id] = row
                }
            }
            try datastore.checkInvariants()
            #expect(try datastore.rows(table).sortedBytes() == model.values.map(image).sortedBytes())
            if random.oneIn(4) {
                datastore.rollback()
                model = committed
            } else {
                log.encode(datastore)
                logged += log.bytes.count
                datastore.commit()
                committed = model
                try log.withBytes { try replica.replay($0) }
            }
            #expect(try datastore.rows(table).sortedBytes() == model.values.map(image).sortedBytes())
            #expect(try replica.rows(table).sortedBytes() == committed.values.map(image).sortedBytes())
        }
        try datastore.checkInvariants()
        try replica.checkInvariants()
        #expect(logged > 0)
    }
}
