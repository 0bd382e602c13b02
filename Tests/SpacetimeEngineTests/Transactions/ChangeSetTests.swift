import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct ChangeSetTests {
    let datastore = Datastore()
    let table: TableID
    let keyless: TableID

    init() throws {
        table = try datastore.make(
            "t", [("id", .u32), ("name", .string)], primaryKey: [0], indexes: [], unique: [[1]])
        keyless = try datastore.make("keyless", [("x", .u8)])
        try datastore.transact {
            for i in 0..<5 { try datastore.insert(table, Self.row(i)) }
            try datastore.insert(keyless, [.u8(1)])
        }
    }

    private static func row(_ i: Int, _ name: String? = nil) -> Row { [.u32(UInt32(i)), .string(name ?? "name \(i)")] }

    private var byID: IndexID { indexOn([0]) }
    private var byName: IndexID { indexOn([1]) }
    private func indexOn(_ columns: [ColumnID]) -> IndexID {
        datastore.indexIDs(of: table).first { datastore.schema(of: $0)?.columns == columns } ?? IndexID(99)
    }

    private func expect(
        _ changes: ChangeSet?, deletes: [Row], inserts: [Row], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let found = changes?[table]
        #expect(
            (found?.deletes.rows ?? []).sortedBytes() == deletes.map(image).sortedBytes(),
            sourceLocation: sourceLocation)
        #expect(
            (found?.inserts.rows ?? []).sortedBytes() == inserts.map(image).sortedBytes(),
            sourceLocation: sourceLocation)
        if deletes.isEmpty, inserts.isEmpty { #expect(changes == nil, sourceLocation: sourceLocation) }
    }

    @Test func anUpdateIsADeleteAndAnInsert() throws {
        let inPlace = try datastore.transact { try datastore.update(byID, Self.row(1, "NAME 1")) }
        expect(inPlace, deletes: [Self.row(1)], inserts: [Self.row(1, "NAME 1")])
        let long = String(repeating: "x", count: 500)
        let moved = try datastore.transact { try datastore.update(byID, Self.row(1, long)) }
        expect(moved, deletes: [Self.row(1, "NAME 1")], inserts: [Self.row(1, long)])
    }

    @Test func severalUpdatesOfARowAreOne() throws {
        let changes = try datastore.transact {
            for i in 0..<20 { try datastore.update(byID, Self.row(1, String(repeating: "y", count: i * 10))) }
        }
        expect(changes, deletes: [Self.row(1)], inserts: [Self.row(1, String(repeating: "y", count: 190))])
    }

    @Test func whatCancelsOutIsNotReported() throws {
        expect(
            try datastore.transact {
                try datastore.delete(byID, [.u32(2)])
                try datastore.insert(table, Self.row(2))
            }, deletes: [], inserts: [])
        expect(
            try datastore.transact {
                try datastore.insert(table, Self.row(8))
                try datastore.delete(byID, [.u32(8)])
            }, deletes: [], inserts: [])
        expect(
            try datastore.transact {
                try datastore.update(byID, Self.row(3, "other"))
                try datastore.update(byID, Self.row(3))
            }, deletes: [], inserts: [])
        expect(
            try datastore.transact {
                try datastore.clear(table)
                for i in (0..<5).reversed() { try datastore.insert(table, Self.row(i)) }
            }, deletes: [], inserts: [])
        expect(try datastore.transact { _ = try datastore.insert(table, Self.row(3)) }, deletes: [], inserts: [])
    }

    @Test func manyCancellationsLeaveTheRest() throws {
        let changes = try datastore.transact {
            for round in 0..<40 {
                for i in 0..<5 { try datastore.delete(byID, [.u32(UInt32(i))]) }
                for i in 0..<5 { try datastore.insert(table, Self.row(i, round == 39 && i == 4 ? "last" : nil)) }
            }
        }
        expect(changes, deletes: [Self.row(4)], inserts: [Self.row(4, "last")])
    }

    @Test func aRowThatTakesTheImageOfADeletedOneCancelsIt() throws {
        let changes = try datastore.transact {
            try datastore.delete(byID, [.u32(2)])
            // Row 1 becomes what row 2 was, one column at a time.
            try datastore.update(byName, [.u32(2), .string("name 1")])
            try datastore.update(byID, Self.row(2))
        }
        expect(changes, deletes: [Self.row(1)], inserts: [])
    }

    @Test func rowsThatChangePlacesChangeNothing() throws {
        let changes = try datastore.transact {
            try datastore.update(byName, [.u32(90), .string("name 1")])
            try datastore.update(byName, [.u32(1), .string("name 2")])
            try datastore.update(byName, [.u32(2), .string("name 1")])
            try datastore.update(byID, [.u32(1), .string("x")])
            try datastore.update(byID, Self.row(2))
            try datastore.update(byID, Self.row(1))
        }
        expect(changes, deletes: [], inserts: [])
    }

    @Test func onlyTheWantedTablesAreReported() throws {
        func write() throws {
            try datastore.insert(table, Self.row(Int.random(in: 100...1_000_000)))
            try datastore.insert(keyless, [.u8(2)])
            try datastore.clear(keyless)
        }
        #expect(try datastore.transact(collecting: .none) { try write() } == nil)
        #expect(try datastore.transact(collecting: .observed) { try write() } == nil)
        datastore.setObserved(table, true)
        let observed = try datastore.transact(collecting: .observed) { try write() }
        #expect(observed?.tables.map(\.table) == [table])
        try datastore.transact(collecting: .none) { _ = try datastore.insert(keyless, [.u8(9)]) }
        let all = try datastore.transact { try write() }
        #expect(all?.tables.map(\.table) == [table, keyless])
        #expect(all?[keyless]?.deletes.rows == [[9]] && all?[keyless]?.inserts.isEmpty == true)
        datastore.setObserved(table, false)
        #expect(try datastore.transact(collecting: .observed) { try write() } == nil)
    }

    @Test func rolledBackChangesAreNotReported() throws {
        let changes = try datastore.transact {
            let savepoint = datastore.savepoint()
            try datastore.clear(table)
            try datastore.insert(table, Self.row(70))
            datastore.rollback(to: savepoint)
            try datastore.insert(table, Self.row(71))
            datastore.rollback(to: savepoint)
            try datastore.insert(table, Self.row(72))
        }
        expect(changes, deletes: [], inserts: [Self.row(72)])
        datastore.begin()
        try datastore.clear(table)
        datastore.rollback()
        #expect(datastore.commitNothing() == nil)
    }

    @Test func rowsThatDifferInFloatBitsAreDifferentRows() throws {
        let floats = try datastore.make("floats", [("f", .f64), ("k", .u8)])
        let changes = try datastore.transact { () throws in
            #expect(try datastore.insert(floats, [.f64(0), .u8(1)]))
            #expect(try datastore.insert(floats, [.f64(-0.0), .u8(1)]))
            #expect(try datastore.insert(floats, [.f64(.nan), .u8(1)]))
            #expect(try !datastore.insert(floats, [.f64(.nan), .u8(1)]))
            #expect(try datastore.insert(floats, [.f64(Double(nan: 3, signaling: false)), .u8(1)]))
            #expect(try datastore.deleteRow(floats, [.f64(-0.0), .u8(1)]))
        }
        #expect(changes?[floats]?.inserts.count == 3)
    }
}

extension Datastore {
    fileprivate func commitNothing() -> ChangeSet? {
        begin()
        return commit(collecting: .all)
    }
}
