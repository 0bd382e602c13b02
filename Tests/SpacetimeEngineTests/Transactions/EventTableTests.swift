import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct EventTableTests {
    let datastore = Datastore()
    let table: TableID

    init() throws {
        table = try datastore.make(
            "event", [("id", .u32), ("text", .string)], primaryKey: [0],
            sequences: [SequenceSchema(name: "ids", column: 0)], isEvent: true)
    }

    @Test func rowsLiveForOneTransaction() throws {
        let changes = try datastore.transact {
            for _ in 0..<3 { try datastore.insert(table, [.u32(0), .string("hello")]) }
            #expect(try datastore.rows(table).count == 3 && datastore.count(table) == 3)
            #expect(try datastore.find(datastore.index(table), [.u32(2)]) != nil)
        }
        #expect(changes?[table]?.inserts.count == 3 && changes?[table]?.deletes.isEmpty == true)
        #expect(datastore.count(table) == 0 && datastore.snapshot().rows(table).isEmpty)
        try datastore.checkInvariants()
        let next = try datastore.transact { _ = try datastore.insert(table, [.u32(1), .string("again")]) }
        #expect(next?[table]?.inserts.rows == [image([.u32(1), .string("again")])])
    }

    @Test func withinATransactionItIsATable() throws {
        let changes = try datastore.transact {
            try datastore.insert(table, [.u32(1), .string("a")])
            #expect(throws: EngineError.self) { try datastore.insert(table, [.u32(1), .string("b")]) }
            try datastore.update(datastore.index(table), [.u32(1), .string("c")])
            try datastore.insert(table, [.u32(2), .string("d")])
            try datastore.delete(datastore.index(table), [.u32(2)])
        }
        #expect(changes?[table]?.inserts.rows == [image([.u32(1), .string("c")])])
        #expect(changes?[table]?.deletes.isEmpty == true)
    }

    @Test(arguments: [10, 20_000, 200_000])
    func rowsOfEverySizeAreDropped(_ count: Int) throws {
        for _ in 0..<3 {
            try datastore.transact {
                for i in 1...4 {
                    try datastore.insert(table, [.u32(UInt32(i)), .string(String(repeating: "e", count: count))])
                }
                try datastore.update(
                    datastore.index(table), [.u32(1), .string(String(repeating: "f", count: count * 2))])
                try datastore.delete(datastore.index(table), [.u32(2)])
            }
            #expect(datastore.count(table) == 0)
            try datastore.checkInvariants()
        }
    }

    @Test func rolledBackEventsAreGone() throws {
        datastore.begin()
        try datastore.insert(table, [.u32(0), .string("x")])
        datastore.rollback()
        #expect(datastore.transact {} == nil)
        #expect(datastore.count(table) == 0)
    }
}
