import SpacetimeKit
import SpacetimeTesting
import Testing

/// Several tables of one row type, and names that nobody wrote, on disk.
@Suite struct NamedTableStorageTests {
    private func open(_ disk: SimulatedDisk, names: [String], index: Bool = false) throws -> Database<DynamicModule> {
        let module = Module("boxes") {
            Table(Item.self)
            for name in names { Table(Item.self, name: name) }
            if index { Table(Twin.self) }
            Reducer("add") { (context: borrowing ReducerContext, table: String, code: String) in
                let items = table.isEmpty ? context.table(Item.self) : context.table(Item.self, name: table)
                try items.insert(Item(id: 0, code: code, price: 1))
            }
        }
        var options = DatabaseOptions()
        options.clock = VirtualClock()
        options.seed = 1
        return try Database.open(.directory("boxes", .simulated(disk)), module: module, options: options)
    }

    private func add(_ db: Database<DynamicModule>, _ table: String, _ code: String) throws {
        try db.call("add", arguments: table.bsatn() + code.bsatn())
    }

    private func codes(_ db: Database<DynamicModule>, _ table: String?) throws -> [String] {
        try db.read { ($0.table(Item.self, name: table)).rows.map(\.code).sorted() }
    }

    @Test func rowsComeBackIntoTheirOwnTables() throws {
        let disk = SimulatedDisk()
        let first = try open(disk, names: ["inbox", "archive"])
        try add(first, "", "own")
        try add(first, "inbox", "in")
        try first.takeSnapshot()
        try add(first, "archive", "old")
        try first.close()
        // The order of the list means nothing to what is stored.
        let second = try open(disk, names: ["archive", "inbox"])
        #expect(try codes(second, nil) == ["own"])
        #expect(try codes(second, "inbox") == ["in"])
        #expect(try codes(second, "archive") == ["old"])
        #expect(try second.read { $0.table(Item.self, name: "archive").code.find("old")?.id } == 1)
        try second.close()
    }

    @Test func furtherTablesAndTheirIndexesComeLater() throws {
        let disk = SimulatedDisk()
        let first = try open(disk, names: [])
        try add(first, "", "own")
        try first.close()
        // The twin's parts would be named like those of the items' table.
        let second = try open(disk, names: ["item_2"], index: true)
        try add(second, "item_2", "new")
        #expect(try codes(second, nil) == ["own"])
        #expect(try codes(second, "item_2") == ["new"])
        try second.close()
        let third = try open(disk, names: ["item_2"], index: true)
        #expect(try third.read { $0.table(Item.self).code.contains("own") })
        try third.close()
    }
}

/// Has an index and a key over the same column, and a name that gives those of the items' table.
@Table(.index("again", \.code), .unique("once", \.code), name: "item_code")
private struct Twin {
    @Unique var code: String
    @PrimaryKey @AutoIncrement var id: UInt64
}
