import SpacetimeKit
import SpacetimeTesting
import Synchronization
import Testing

/// The table of ``Item`` after the shop grew.
@Table(name: "item") private struct GrownItem: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var code: String
    @Indexed var price: Int32
    @Default("none") var maker: String
}

@Table(name: "item") private struct SplitItem: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: String
    var euros: Int32
    var cents: Int32
}

@Table(name: "item") private struct ShrunkItem: Equatable {
    @PrimaryKey var id: UInt64
    @Unique var code: String
}

@Table(name: "item") private struct OneOfAPrice: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: String
    @Unique var price: Int32
}

@Table(name: "maker") private struct Maker: Equatable {
    @PrimaryKey var name: String
}

@SpacetimeType private enum PlainMood: Equatable {
    case calm
    case loud
}

@SpacetimeType private enum RichMood: Equatable {
    case calm
    case loud
    case said(String)
}

@Table(name: "mood") private struct Plain: Equatable {
    @PrimaryKey var id: UInt64
    var mood: PlainMood
}

@Table(name: "mood") private struct Rich: Equatable {
    @PrimaryKey var id: UInt64
    var mood: RichMood
}

/// How often a migration ran.
private final class Runs: Sendable {
    let count = Atomic(0)
}

@Suite struct MigrationTests {
    private let disk = SimulatedDisk()

    private func fill(_ count: Int = 10, price: (Int) -> Int32 = { Int32($0) * 101 }) throws {
        let database = try Database.open(disk)
        for i in 0..<count { try database.call(Shop.add, "item \(i)", price(i)) }
        try database.call(Shop.remove, UInt64(count))
        try database.close()
    }

    private func open<Row: TableRow>(
        _ row: Row.Type, _ migrations: [Migration] = [], withNotes: Bool = true
    ) throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        options.migrations = migrations
        let module =
            withNotes
            ? Module("shop") {
                Table(Row.self)
                Table(Note.self)
                Table(Visit.self)
                Table(Maker.self)
                Self.insertReducer(row)
            }
            : Module("shop") {
                Table(Row.self)
                Table(Visit.self)
            }
        return try Database.open(.directory("shop", .simulated(disk)), module: module, options: options)
    }

    private static func insertReducer<Row: TableRow>(_ row: Row.Type) -> Reducer<DynamicModule, Row> {
        Reducer("insert") { (context: borrowing ReducerContext, row: Row) in
            try context.table(Row.self).insert(row)
        }
    }

    private func rows<Row: TableRow>(_ database: Database<DynamicModule>, _ row: Row.Type) throws -> [Row] {
        try database.snapshot().rows(row.all)
    }

    @Test func columnsTablesAndIndexesAreAddedByThemselvesAndSurvive() throws {
        try fill()
        for round in 0..<2 {
            let database = try open(GrownItem.self)
            let items = try rows(database, GrownItem.self).sorted { $0.id < $1.id }
            #expect(items.count == 9 + round)
            #expect(items.prefix(9).map(\.code) == (0..<9).map { "item \($0)" })
            #expect(items.prefix(9).allSatisfy { $0.maker == "none" && $0.price == Int32($0.id - 1) * 101 })
            #expect(try rows(database, Note.self).map(\.text) == ["created"])
            #expect(try rows(database, Maker.self) == [])
            try database.checkInvariants()
            if round == 0 {
                let row = GrownItem(id: 0, code: "item 0", price: 1, maker: "us")
                try database.call("insert", arguments: row.bsatn())
                // The number of the deleted row is not used again.
                #expect(try rows(database, GrownItem.self).map(\.id).max() == 11)
            }
            try database.close()
        }
        // A snapshot of the new tables opens, too.
        let database = try open(GrownItem.self)
        try database.takeSnapshot()
        try database.close()
        #expect(try rows(open(GrownItem.self), GrownItem.self).count == 10)
    }

    @Test func whatCannotFollowIsRefusedWithAllReasonsAndNothingChanges() throws {
        try fill()
        let error = #expect(throws: DatabaseError.self) { try open(SplitItem.self) }
        #expect(error?.code == .migrationRefused)
        for part in ["'price'", "'euros'", "'cents'", "RemoveColumn", "AddColumn"] {
            #expect(error?.message.contains(part) == true)
        }
        let removed = #expect(throws: DatabaseError.self) { try open(Item.self, withNotes: false) }
        #expect(removed?.message.contains("'note'") == true)
        #expect(removed?.message.contains("1 row;") == true)
        #expect(try Database.open(disk).items().count == 9)
    }

    @Test func aNewUniqueConstraintNeedsRowsThatObeyIt() throws {
        try fill(10) { Int32($0 / 2) }
        let error = #expect(throws: DatabaseError.self) { try open(OneOfAPrice.self) }
        #expect(error?.code == .migrationRefused)
        #expect(error?.message.contains("has several rows with price = ") == true, "\(error?.message ?? "")")
        #expect(try Database.open(disk).items().count == 9)
        let other = MigrationTests()
        try other.fill()
        #expect(try other.rows(other.open(OneOfAPrice.self), OneOfAPrice.self).count == 9)
    }

    @Test func writtenMigrationsMoveRowsOnce() throws {
        try fill()
        let split = Migration("split the price") { old, new in
            for item in try old.rows(of: Item.self) {
                try new.insert(
                    SplitItem(id: item.id, code: item.code, euros: item.price / 100, cents: item.price % 100))
            }
            try new.drop("note")
            try new.insert(Note(text: "migrated"))
        }
        for _ in 0..<3 {
            let database = try open(SplitItem.self, [split])
            let items = try rows(database, SplitItem.self).sorted { $0.id < $1.id }
            #expect(items.map(\.euros) == [0, 1, 2, 3, 4, 5, 6, 7, 8])
            #expect(items.map(\.cents) == [0, 1, 2, 3, 4, 5, 6, 7, 8])
            #expect(try rows(database, Note.self).map(\.text) == ["migrated"])
            try database.close()
        }
    }

    @Test func aFailingMigrationLeavesTheOldData() throws {
        try fill()
        let broken = Migration("broken") { old, new in
            for item in try old.rows(of: Item.self) {
                try new.insert(SplitItem(id: item.id, code: "same", euros: 0, cents: 0))
            }
        }
        let error = #expect(throws: DatabaseError.self) { try open(SplitItem.self, [broken]) }
        #expect(error?.message.contains("'broken'") == true)
        #expect(try Database.open(disk).items().count == 9)
    }

    @Test func aTableIsRenamedByAMigration() throws {
        try fill()
        let rename = Migration("notes become makers") { old, new in
            #expect(old.count("note") == 1)
            #expect(try old.rows(in: "note").count == 1)
            try new.rename("note", to: "maker")
            try new.renameColumn("text", to: "name", of: "maker")
        }
        let database = try open(Item.self, [rename])
        #expect(try rows(database, Maker.self) == [Maker(name: "created")])
        #expect(try rows(database, Note.self) == [])
        #expect(try rows(database, Item.self).count == 9)
    }

    @Test func aNewDatabaseCountsMigrationsAsDone() throws {
        let never = Migration("never") { _, _ in Issue.record("it ran") }
        try open(Item.self, [never]).close()
        try open(Item.self, [never]).close()
    }

    @Test func aMigrationStaysAppliedWhenTheProgramNoLongerListsIt() throws {
        try fill()
        let runs = Runs()
        let counted = Migration("counted") { _, _ in runs.count.wrappingAdd(1, ordering: .relaxed) }
        try open(Item.self, [counted]).close()
        // Neither a snapshot nor a later log may forget it.
        let later = try open(Item.self)
        try later.takeSnapshot()
        try later.close()
        try open(Item.self, [counted]).close()
        #expect(runs.count.load(ordering: .relaxed) == 1)
    }

    @Test func sumsGainVariantsOfAnySize() throws {
        let first = try open(Plain.self)
        for i in 0..<3 as Range<UInt64> {
            try first.call("insert", arguments: Plain(id: i, mood: i == 0 ? .calm : .loud).bsatn())
        }
        try first.close()
        for round in 0..<2 {
            let second = try open(Rich.self)
            let rows = try rows(second, Rich.self).sorted { $0.id < $1.id }
            #expect(rows.prefix(3).map(\.mood) == [.calm, .loud, .loud])
            #expect(rows.count == 3 + round)
            if round == 0 { try second.call("insert", arguments: Rich(id: 9, mood: .said("much")).bsatn()) }
            try second.checkInvariants()
            try second.close()
        }
        // The other way round values would be lost.
        #expect(throws: DatabaseError.self) { try open(Plain.self) }
    }

    @Test func changedReducersKeepTheTables() throws {
        try fill()
        let before = disk.byteCount
        let database = try open(Item.self)
        #expect(try rows(database, Item.self).count == 9)
        try database.close()
        #expect(disk.byteCount - before < 4_000)
        #expect(try open(Item.self).lastOffset() == database.lastOffset())
    }
}
