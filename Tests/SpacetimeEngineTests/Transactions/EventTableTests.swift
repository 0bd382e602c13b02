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

    // MARK: Without a key

    private func log() throws -> TableID {
        try datastore.make(
            "hit", [("who", .u8), ("damage", .u8)], indexes: [IndexSchema(name: "who", columns: [0])], isEvent: true)
    }

    private func hit(_ who: UInt8, _ damage: UInt8) -> Row { [.u8(who), .u8(damage)] }

    @Test func equalEventsAreSeveralAndInOrder() throws {
        let log = try log()
        let events = [hit(1, 5), hit(2, 5), hit(1, 5), hit(1, 5), hit(1, 6), hit(1, 5)]
        for _ in 0..<2 {
            let changes = try datastore.transact { () throws in
                for event in events { #expect(try datastore.insert(log, event)) }
                #expect(datastore.count(log) == 6)
                #expect(try datastore.count(datastore.index(log), [.u8(1)]) == 5)
                try datastore.checkInvariants()
            }
            #expect(changes?[log]?.inserts.rows == events.map(image))
            #expect(datastore.count(log) == 0)
            try datastore.checkInvariants()
        }
    }

    @Test func deletingByValueTakesBackTheLastEqualEvent() throws {
        let log = try log()
        let changes = try datastore.transact { () throws in
            for event in [hit(1, 5), hit(2, 5), hit(1, 5), hit(3, 5)] { try datastore.insert(log, event) }
            #expect(try datastore.deleteRow(log, hit(1, 5)))
            #expect(try !datastore.deleteRow(log, hit(9, 5)))
            let savepoint = datastore.savepoint()
            #expect(try datastore.deleteRow(log, hit(1, 5)) && !datastore.deleteRow(log, hit(1, 5)))
            #expect(datastore.count(log) == 2)
            datastore.rollback(to: savepoint)
            try datastore.insert(log, hit(2, 5))
            #expect(try datastore.delete(datastore.index(log), [.u8(3)]) == 1)
        }
        #expect(changes?[log]?.inserts.rows == [hit(1, 5), hit(2, 5), hit(2, 5)].map(image))
    }

    @Test(arguments: [4, 400])
    func anUpdatedEventComesOnceInItsLastFormAndAtTheEnd(_ byteCount: Int) throws {
        let changes = try datastore.transact {
            for text in ["a", "b", "c"] { try datastore.insert(table, [.u32(0), .string(text)]) }
            let text = String(repeating: "x", count: byteCount)
            try datastore.update(datastore.index(table), [.u32(1), .string(text)])
            try datastore.update(datastore.index(table), [.u32(1), .string(text + "y")])
        }
        let texts = [(2, "b"), (3, "c"), (1, String(repeating: "x", count: byteCount) + "y")] as [(UInt32, String)]
        #expect(changes?[table]?.inserts.rows == texts.map { image([.u32($0.0), .string($0.1)]) })
        #expect(changes?[table]?.deletes.isEmpty == true)
        try datastore.checkInvariants()
    }

    @Test func withAKeyAnEqualEventIsTheSameOne() throws {
        let changes = try datastore.transact { () throws in
            #expect(try datastore.insert(table, [.u32(5), .string("a")]))
            #expect(try !datastore.insert(table, [.u32(5), .string("a")]))
            #expect(throws: EngineError.self) { try datastore.insert(table, [.u32(5), .string("b")]) }
        }
        #expect(changes?[table]?.inserts.count == 1)
    }
}
