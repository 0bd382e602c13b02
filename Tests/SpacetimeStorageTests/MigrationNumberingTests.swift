import SpacetimeKit
import SpacetimeTesting
import Testing

@Table(name: "entry") private struct Entry {
    @PrimaryKey @AutoIncrement var id: UInt32
    var text: String
}

@Table(name: "record") private struct Renamed {
    @PrimaryKey @AutoIncrement var id: UInt32
    var text: String
}

@Table(name: "entry") private struct Numbered {
    @PrimaryKey @AutoIncrement var number: UInt32
    var text: String
}

@Table(name: "entry") private struct Extended {
    @PrimaryKey @AutoIncrement var id: UInt32
    var text: String
    @Default(7) var weight: UInt8
}

@Table(name: "entry") private struct Wide {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
}

@Table(name: "entry") private struct Narrow {
    @PrimaryKey @AutoIncrement var id: UInt8
    var text: String
}

@Table(name: "entry") private struct Signed {
    var text: String
    @Unique @AutoIncrement var id: Int16
}

/// As somebody writes it who only wants to read.
@Table(name: "entry") private struct Plain {
    var id: UInt32
    var text: String
}

/// How numbers are read and rows are added, whatever the row type.
private protocol Numbers: TableRow {
    static var fresh: Self { get }
    var value: Int { get }
}

extension Entry: Numbers {
    static var fresh: Self { Self(id: 0, text: "new") }
    var value: Int { Int(id) }
}
extension Renamed: Numbers {
    static var fresh: Self { Self(id: 0, text: "new") }
    var value: Int { Int(id) }
}
extension Numbered: Numbers {
    static var fresh: Self { Self(number: 0, text: "new") }
    var value: Int { Int(number) }
}
extension Extended: Numbers {
    static var fresh: Self { Self(id: 0, text: "new", weight: 1) }
    var value: Int { Int(id) }
}
extension Wide: Numbers {
    static var fresh: Self { Self(id: 0, text: "new") }
    var value: Int { Int(id) }
}
extension Narrow: Numbers {
    static var fresh: Self { Self(id: 0, text: "new") }
    var value: Int { Int(id) }
}
extension Signed: Numbers {
    static var fresh: Self { Self(text: "new", id: 0) }
    var value: Int { Int(id) }
}
extension Plain: Numbers {
    static var fresh: Self { Self(id: 0, text: "new") }
    var value: Int { Int(id) }
}

/// Numbers of deleted rows never come back.
@Suite struct MigrationNumberingTests {
    private func open<Row: Numbers>(
        _ disk: SimulatedDisk, _ row: Row.Type, _ migrations: [Migration] = []
    ) throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        options.migrations = migrations
        let module = Module("numbers") {
            Table(Row.self)
            Reducer("insert") { (context: borrowing ReducerContext, count: UInt8) in
                for _ in 0..<count { try context.table(Row.self).insert(Row.fresh) }
            }
            Reducer("keep") { (context: borrowing ReducerContext, limit: UInt8) in
                for row in context.table(Row.self).rows where row.value > limit {
                    try context.table(Row.self).delete(row)
                }
            }
        }
        return try Database.open(.directory("numbers", .simulated(disk)), module: module, options: options)
    }

    /// Draws ten numbers, deletes the rows above a limit, migrates, and draws the next: it must be 11.
    private func check<Row: Numbers>(_ row: Row.Type, _ migrations: [Migration]) throws {
        for kept in [5, 0] as [UInt8] {
            for snapshots in [false, true] {
                let disk = SimulatedDisk()
                let first = try open(disk, Entry.self)
                try first.call("insert", arguments: 10.bsatn8)
                try first.call("keep", arguments: kept.bsatn())
                if snapshots { try first.takeSnapshot() }
                try first.close()
                // Once only migrated, once more, so that log or snapshot tell of it.
                let second = try open(disk, row, migrations)
                if snapshots { try second.takeSnapshot() }
                try second.close()
                let third = try open(disk, row, migrations)
                try third.call("insert", arguments: 1.bsatn8)
                let values = try third.snapshot().rows(Row.all).map(\.value).sorted()
                #expect(values == Array(1..<(Int(kept) + 1)) + [11], "\(row), \(kept) rows")
                try third.checkInvariants()
                try third.close()
            }
        }
    }

    @Test func extendedTablesGoOn() throws { try check(Extended.self, []) }

    @Test func renamedTablesGoOn() throws { try check(Renamed.self, [.rename("entry", to: "record")]) }

    @Test func renamedColumnsGoOn() throws {
        try check(Numbered.self, [.renameColumn("id", to: "number", of: "entry")])
    }

    @Test func rowsWrittenAnewGoOn() throws {
        let same = Migration("same") { old, new in
            for row in try old.rows(of: Entry.self) { try new.insert(row) }
        }
        try check(Entry.self, [same])
        try check(Extended.self, [same])
        let moved = Migration("moved") { old, new in
            try new.rename("entry", to: "record")
            for row in try old.rows(of: Entry.self) { try new.insert(Renamed(id: row.id, text: row.text)) }
        }
        try check(Renamed.self, [moved])
    }

    @Test func tablesThatWereDroppedGoOn() throws {
        let again = Migration("again") { old, new in
            try new.drop("entry")
            for row in try old.rows(in: "entry") { try new.insert(row, into: "entry") }
        }
        try check(Entry.self, [again])
        let disk = SimulatedDisk()
        let first = try open(disk, Entry.self)
        try first.call("insert", arguments: 10.bsatn8)
        try first.close()
        let gone = [Migration("gone") { _, new in try new.drop("entry") }, Migration("nothing") { _, _ in }]
        let second = try open(disk, Wide.self, gone)
        try second.call("insert", arguments: 1.bsatn8)
        #expect(try second.snapshot().rows(Wide.all).map(\.value) == [11])
    }

    @Test func otherWidthsGoOn() throws {
        func retype<Row: Numbers>(_ make: @escaping @Sendable (Entry) -> Row) -> Migration {
            Migration("retype") { old, new in
                for row in try old.rows(of: Entry.self) { try new.insert(make(row)) }
            }
        }
        try check(Wide.self, [retype { Wide(id: UInt64($0.id), text: $0.text) }])
        try check(Narrow.self, [retype { Narrow(id: UInt8($0.id), text: $0.text) }])
        try check(Signed.self, [retype { Signed(text: $0.text, id: Int16($0.id)) }])
        try check(Numbered.self, [retype { Numbered(number: $0.id, text: $0.text) }])
    }

    @Test func columnsThatAreNotNumberedOnTheWayGoOn() throws {
        let throughPlain = [
            Migration("away") { old, new in
                for row in try old.rows(of: Plain.self) { try new.insert(row) }
            },
            Migration("nothing") { _, _ in },
        ]
        let disk = SimulatedDisk()
        let first = try open(disk, Entry.self)
        try first.call("insert", arguments: 10.bsatn8)
        try first.call("keep", arguments: 5.bsatn8)
        try first.close()
        let second = try open(disk, Entry.self, throughPlain)
        try second.call("insert", arguments: 1.bsatn8)
        #expect(try second.snapshot().rows(Entry.all).map(\.value).sorted() == [1, 2, 3, 4, 5, 11])
    }

    @Test func aColumnThatIsNumberedFromNowOnBeginsBehindItsValues() throws {
        let disk = SimulatedDisk()
        let first = try open(disk, Plain.self)
        try first.call("insert", arguments: 1.bsatn8)
        try first.close()
        let numbers = Migration("numbers") { old, new in
            for row in try old.rows(of: Plain.self) { try new.insert(Plain(id: row.id + 41, text: row.text)) }
        }
        let second = try open(disk, Plain.self, [numbers])
        try second.close()
        for _ in 0..<2 {
            let third = try open(disk, Entry.self, [numbers])
            try third.call("insert", arguments: 1.bsatn8)
            try third.close()
        }
        let last = try open(disk, Entry.self, [numbers])
        #expect(try last.snapshot().rows(Entry.all).map(\.value).sorted() == [41, 42, 43])
    }

    @Test func usedUpNumbersGoOnInAWiderColumnOnly() throws {
        let disk = SimulatedDisk()
        let first = try open(disk, Narrow.self)
        try first.call("insert", arguments: 255.bsatn8)
        try first.call("keep", arguments: 1.bsatn8)
        #expect(throws: DatabaseError.self) { try first.call("insert", arguments: 1.bsatn8) }
        try first.close()
        let wider = Migration("wider") { old, new in
            for row in try old.rows(of: Narrow.self) { try new.insert(Wide(id: UInt64(row.id), text: row.text)) }
        }
        let second = try open(disk, Wide.self, [wider])
        try second.call("insert", arguments: 2.bsatn8)
        #expect(try second.snapshot().rows(Wide.all).map(\.value).sorted() == [1, 256, 257])
        try second.close()
        let narrower = Migration("narrower") { old, new in
            for row in try old.rows(of: Wide.self) where row.id < 256 {
                try new.insert(Narrow(id: UInt8(row.id), text: row.text))
            }
        }
        let third = try open(disk, Narrow.self, [wider, narrower])
        #expect(throws: DatabaseError.self) { try third.call("insert", arguments: 1.bsatn8) }
        #expect(try third.snapshot().rows(Narrow.all).map(\.value) == [1])
    }

    @Test func insertedZerosGetTheNextNumber() throws {
        let disk = SimulatedDisk()
        let first = try open(disk, Entry.self)
        try first.call("insert", arguments: 3.bsatn8)
        try first.close()
        let grown = Migration("one more") { old, new in
            for row in try old.rows(of: Entry.self) { try new.insert(row) }
            #expect(try new.insert(Entry(id: 0, text: "more")).id == 4)
        }
        #expect(try open(disk, Entry.self, [grown]).snapshot().rows(Entry.all).map(\.id).sorted() == [1, 2, 3, 4])
    }
}

extension Int {
    fileprivate var bsatn8: [UInt8] { UInt8(self).bsatn() }
}
