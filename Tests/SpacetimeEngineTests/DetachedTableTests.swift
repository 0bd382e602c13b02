import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Tables that leave a datastore, come back, or go to another one; and how tables are found.
@Suite struct DetachedTableTests {
    private static let schema = TableSchema(
        name: "item", columns: [("id", .u64), ("name", .string)], primaryKey: [0],
        indexes: [IndexSchema(name: "item_name", columns: [1])],
        sequences: [SequenceSchema(name: "item_id_seq", column: 0)])

    private func insert(_ name: String, _ id: TableID, _ datastore: Datastore) throws {
        var row = UInt64(0).bsatn() + name.bsatn()
        datastore.begin()
        try row.withMutableBytes { row throws(EngineError) in _ = try datastore.insert(id, validating: row) }
        datastore.commit()
    }

    private func ids(_ id: TableID, _ datastore: Datastore) -> [UInt64] {
        var ids: [UInt64] = []
        datastore.snapshot().forEachRow(of: id) { ids.append(UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))) }
        return ids.sorted()
    }

    @Test func whatComesBackIsWhatItWas() throws {
        let datastore = Datastore()
        let id = try datastore.createTable(Self.schema)
        let indexes = datastore.indexIDs(of: id)
        for name in ["a", "b"] { try insert(name, id, datastore) }
        let table = try datastore.detach(id)
        #expect(datastore.tableIDs == [])
        #expect(datastore.tableID(named: "item") == nil)
        #expect(datastore.schema(of: indexes[0]) == nil)
        try datastore.attach(table)
        #expect(datastore.tableIDs == [id])
        #expect(datastore.indexIDs(of: id) == indexes)
        try insert("c", id, datastore)
        #expect(ids(id, datastore) == [1, 2, 3])
        try datastore.checkInvariants()
    }

    @Test func whatGoesElsewhereGetsIndexesOfItsNewPlace() throws {
        let datastore = Datastore()
        let other = try datastore.createTable(TableSchema(name: "other", columns: [("n", .u32)], primaryKey: [0]))
        let workshop = datastore.makeWorkshop()
        let id = try workshop.createTable(Self.schema, id: TableID(5))
        try insert("a", id, workshop)
        try datastore.attach(workshop.detach(id))
        #expect(datastore.tableIDs == [other, id])
        #expect(datastore.indexIDs(of: id).allSatisfy { !datastore.indexIDs(of: other).contains($0) })
        try insert("b", id, datastore)
        #expect(ids(id, datastore) == [1, 2])
        try datastore.checkInvariants()
        // The log of the new place is told of numbers that are drawn here.
        datastore.begin()
        var row = UInt64(0).bsatn() + "c".bsatn()
        try row.withMutableBytes { row throws(EngineError) in _ = try datastore.insert(id, validating: row) }
        var log = BSATNWriter()
        datastore.encodeChanges(into: &log)
        datastore.commit()
        let copy = Datastore()
        _ = try copy.createTable(TableSchema(name: "other", columns: [("n", .u32)], primaryKey: [0]))
        _ = try copy.createTable(Self.schema, id: id)
        try log.toArray().withBytes { bytes throws(EngineError) in try copy.replay(bytes) }
        #expect(copy.sequencePositions(of: id) == datastore.sequencePositions(of: id))
    }

    /// A number that a failed call has drawn is still told of by the next one that is logged.
    @Test func sequencesThatTheLogDoesNotKnowOfAreNotForgotten() throws {
        let datastore = Datastore()
        let id = try datastore.createTable(Self.schema)
        datastore.begin()
        var row = UInt64(0).bsatn() + "a".bsatn()
        try row.withMutableBytes { row throws(EngineError) in _ = try datastore.insert(id, validating: row) }
        datastore.rollback()
        try datastore.attach(datastore.detach(id))
        datastore.begin()
        row = UInt64(0).bsatn() + "b".bsatn()
        try row.withMutableBytes { row throws(EngineError) in _ = try datastore.insert(id, validating: row) }
        var log = BSATNWriter()
        datastore.encodeChanges(into: &log)
        datastore.commit()
        let copy = Datastore()
        _ = try copy.createTable(Self.schema)
        try log.toArray().withBytes { bytes throws(EngineError) in try copy.replay(bytes) }
        #expect(copy.sequencePositions(of: id) == [3])
    }

    @Test func snapshotsGoOnShowingWhatWasTakenOut() throws {
        let datastore = Datastore()
        let id = try datastore.createTable(Self.schema)
        try insert("a", id, datastore)
        let snapshot = datastore.snapshot()
        do { _ = try datastore.detach(id) }
        #expect(snapshot.count(id) == 1)
        var count = 0
        snapshot.forEachRow(of: id) { _ in count += 1 }
        #expect(count == 1)
    }

    /// Ids are given once, so what is looked for by name is not looked for among all that ever were.
    @Test(arguments: [1, 2, 3, UInt64.random(in: 4 ... .max)])
    func tablesAreFoundByNameWhateverComesAndGoes(seed: UInt64) throws {
        var state = seed
        func draw(_ limit: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % limit
        }
        let datastore = Datastore()
        var model: [(id: TableID, name: String, source: String)] = []
        var away: [DetachedTable] = []
        for step in 0..<400 {
            switch draw(4) {
            case 0, 1:
                let (name, source) = ("t\(draw(12))", "s\(draw(12))")
                var schema = TableSchema(name: name, columns: [("n", .u32)], primaryKey: [0])
                schema.sourceName = source
                model.append((try datastore.createTable(schema), name, source))
            case 2 where !model.isEmpty:
                let table = model.remove(at: Int(draw(UInt64(model.count))))
                if draw(2) == 0 {
                    try datastore.dropTable(table.id)
                } else {
                    away.append(try datastore.detach(table.id))
                }
            default:
                guard let back = away.popLast() else { continue }
                try datastore.attach(back)
                let schema = try #require(datastore.schema(of: back.id))
                model.append((back.id, schema.name, schema.sourceName))
                model.sort { $0.id < $1.id }
            }
            #expect(datastore.tableIDs == model.map(\.id), "seed \(seed), step \(step)")
            for number in 0..<12 {
                for name in ["t\(number)", "s\(number)"] {
                    let expected = model.first { $0.name == name } ?? model.first { $0.source == name }
                    #expect(datastore.tableID(named: name) == expected?.id, "seed \(seed), step \(step), \(name)")
                }
            }
        }
        try datastore.checkInvariants()
    }
}
