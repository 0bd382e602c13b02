import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// Tables that files know nothing of.
@Suite struct EphemeralTableTests {
    private func log(_ datastore: Datastore, _ body: () throws -> Void) throws -> [UInt8] {
        datastore.begin()
        try body()
        var writer = BSATNWriter()
        datastore.encodeChanges(into: &writer)
        datastore.commit()
        return writer.toArray()
    }

    @Test(arguments: [IndexAlgorithm.hash, .btree])
    func theirChangesAreNotLogged(_ algorithm: IndexAlgorithm) throws {
        let datastore = Datastore()
        func schema(_ name: String) -> TableSchema {
            TableSchema(
                name: name, columns: [("id", .u32), ("value", .u32)], primaryKey: [0],
                indexes: [IndexSchema(name: "\(name)_id", algorithm: algorithm, columns: [0], isUnique: true)])
        }
        let kept = try datastore.createTable(schema("kept"))
        let ephemeral = try datastore.createTable(schema("ephemeral"), isEphemeral: true)
        let index = datastore.index(ephemeral)
        #expect(try log(datastore) { try datastore.insert(ephemeral, [.u32(1), .u32(1)]) }.isEmpty)
        // An update in place alone, which has a short way into the log.
        #expect(try log(datastore) { try datastore.update(index, [.u32(1), .u32(2)]) }.isEmpty)
        let both = try log(datastore) {
            try datastore.update(index, [.u32(1), .u32(3)])
            try datastore.insert(kept, [.u32(1), .u32(1)])
        }
        let alone = try log(datastore) { try datastore.insert(kept, [.u32(2), .u32(1)]) }
        #expect(both.count == alone.count)
        #expect(try log(datastore) { try datastore.delete(index, [.u32(1)]) }.isEmpty)
        #expect(datastore.keptTableIDs == [kept] && datastore.tableIDs == [kept, ephemeral])
        #expect(datastore.snapshot().keptTableIDs == [kept])
    }

    @Test func theirChangesAreUndoneAndReported() throws {
        let datastore = Datastore()
        let schema = TableSchema(name: "t", columns: [("id", .u32), ("value", .u32)], primaryKey: [0])
        let table = try datastore.createTable(schema, isEphemeral: true)
        datastore.setObserved(table, true)
        datastore.begin()
        try datastore.insert(table, [.u32(1), .u32(1)])
        #expect(datastore.commit(collecting: .observed) != nil)
        datastore.begin()
        try datastore.update(datastore.index(table), [.u32(1), .u32(2)])
        datastore.rollback()
        #expect(try datastore.rows(table) == [UInt32(1).bsatn() + UInt32(1).bsatn()])
        try datastore.checkInvariants()
    }

    @Test func theyHaveNoSequences() {
        let schema = TableSchema(
            name: "t", columns: [("id", .u32)], primaryKey: [0],
            sequences: [SequenceSchema(name: "t_id_seq", column: 0)])
        #expect(throws: EngineError.self) { try Datastore().createTable(schema, isEphemeral: true) }
    }
}
