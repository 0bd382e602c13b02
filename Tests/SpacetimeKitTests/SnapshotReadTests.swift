import SpacetimeHost
import SpacetimeKit
import Testing

@SpacetimeType private enum Cargo: Equatable {
    case none
    case ore(weight: Double, purity: Int8)
    case crew([String])
}

@SpacetimeType private struct Berth: Equatable {
    var dock: String
    var number: Int16
}

@Table(name: "ship") private struct Ship: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt32 = 0
    var name: String
    @Indexed var tons: Int32
    var berth: Berth = Berth(dock: "a", number: 0)
    var cargo: Cargo = .none
    var sold: Timestamp?

    static func random(_ random: inout DeterministicRandom) -> Ship {
        let cargo: Cargo =
            switch Int.random(in: 0..<3, using: &random) {
            case 0: .none
            case 1: .ore(weight: .random(in: 0...1, using: &random), purity: .random(in: -3...3, using: &random))
            default: .crew(["Ann", "Bo"])
            }
        return Ship(
            name: String("abcdefghijkl".prefix(.random(in: 0...12, using: &random))),
            tons: .random(in: -9...9, using: &random),
            berth: Berth(
                dock: ["a", "b", "ab", "\u{e9}", ""].randomElement(using: &random) ?? "",
                number: .random(in: -5...5, using: &random)), cargo: cargo,
            sold: Bool.random(using: &random)
                ? Timestamp(microsecondsSinceUnixEpoch: .random(in: -99...99, using: &random)) : nil)
    }
}

@Table(.primaryKey(\.port, \.day, \.tide)) private struct Tide: Equatable {
    var port: String
    var day: Int32
    var tide: Bool
    var metres: Float
}

/// Snapshots answer as the database did at their moment: by key, by condition, in order.
@Suite struct SnapshotReadTests {
    private static let seed = UInt64.random(in: 0 ... .max)
    private let db: Database<DynamicModule>

    init() throws {
        db = try Database.open(
            .inMemory,
            module: Module("harbour") {
                Table(Ship.self)
                Table(Ship.self, name: "wreck")
                Table(Tide.self)
                Reducer("fill") { (context: borrowing ReducerContext, ships: [Ship], tides: [Tide]) in
                    try context.table(Ship.self).insert(contentsOf: ships)
                    try context.table(Ship.self, name: "wreck").insert(Ship(name: "Vasa", tons: 1_210))
                    try context.table(Tide.self).insert(contentsOf: tides)
                }
                Reducer("clear") { (context: borrowing ReducerContext) in
                    try context.table(Ship.self).clear()
                    try context.table(Tide.self).clear()
                }
            })
        print("snapshots: seed \(Self.seed)")
        var random = DeterministicRandom(seed: Self.seed)
        let ships = (0..<300).map { _ in Ship.random(&random) }
        var tides: [Tide] = []
        for port in ["Rye", "Ry\0", "Ry"] {
            for day in Int32(-5)..<5 {
                for tide in [false, true] {
                    tides.append(Tide(port: port, day: day, tide: tide, metres: Float(tides.count)))
                }
            }
        }
        try db.call("fill", arguments: ships.bsatn() + tides.bsatn())
    }

    @Test func rowsAreFoundByTheirPrimaryKey() throws {
        let ships = try db.read { Array($0.table(Ship.self).rows) }
        let tides = try db.read { Array($0.table(Tide.self).rows) }
        let snapshot = try db.snapshot()
        try db.call("clear", arguments: [])
        for ship in ships { #expect(try snapshot.find(Ship.self, ship.id) == ship) }
        for tide in tides { #expect(try snapshot.find(Tide.self, tide.port, tide.day, tide.tide) == tide) }
        #expect(try snapshot.find(Ship.self, 9_999) == nil)
        #expect(try snapshot.find(Tide.self, "Rye", 99, true) == nil)
        #expect(try snapshot.find(Ship.self, 1, in: "wreck")?.name == "Vasa")
        #expect(try db.snapshot().find(Ship.self, 1) == nil)
    }

    @Test func wholeTablesAreReadByTypeAndName() throws {
        let snapshot = try db.snapshot()
        #expect(try snapshot.count(of: Ship.self) == 300)
        #expect(try snapshot.rows(of: Ship.self).count == 300)
        #expect(try snapshot.rows(of: Ship.self, in: "wreck").map(\.name) == ["Vasa"])
        var names: [String] = []
        try snapshot.forEach(Ship.self, in: "wreck") { names.append($0.name) }
        #expect(names == ["Vasa"])
        for read: () throws -> Void in [
            { _ = try snapshot.count(of: Ship.self, in: "boat") }, { _ = try snapshot.rows(of: Ship.self, in: "boat") },
            { _ = try snapshot.find(Ship.self, 1, in: "boat") }, { _ = try snapshot.count(of: Account.self) },
            { _ = try snapshot.rows(Account.all, orderedBy: { $0.id }) },
        ] {
            let error = #expect(throws: DatabaseError.self, performing: read)
            #expect(error?.code == .noSuchTable)
        }
    }

    /// Bytes that Swift orders as the database orders values.
    private struct Key: Comparable {
        var bytes: [UInt8] = []

        func then(_ text: String) -> Key { Key(bytes: bytes + Array(text.utf8) + [0]) }
        func then(_ number: some FixedWidthInteger & SignedInteger) -> Key {
            let flipped = Int64(number) ^ .min
            return Key(bytes: bytes + (0..<8).map { UInt8(truncatingIfNeeded: flipped >> (56 - 8 * $0)) })
        }
        static func < (left: Key, right: Key) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
    }

    @Test func rowsComeInTheOrderOfColumnsFieldsAndPayloads() throws {
        let snapshot = try db.snapshot()
        func check(
            _ query: Query<Ship>, _ found: (_ descending: Bool, _ limit: Int) throws -> [Ship],
            by key: (Ship) -> Key?, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let rows = try snapshot.rows(query)
            let all = try found(false, .max)
            let present = rows.compactMap(key).sorted()
            let missing = Array<Key?>(repeating: nil, count: rows.count - present.count)
            #expect(all.map(key) == present.map(Optional.some) + missing, sourceLocation: sourceLocation)
            #expect(Set(all.map(\.id)) == Set(rows.map(\.id)), sourceLocation: sourceLocation)
            #expect(try found(true, .max) == all.reversed(), sourceLocation: sourceLocation)
            #expect(try found(false, 7) == Array(all.prefix(7)), sourceLocation: sourceLocation)
            #expect(try found(true, 7) == Array(all.reversed().prefix(7)), sourceLocation: sourceLocation)
            #expect(try found(false, 0).isEmpty, sourceLocation: sourceLocation)
            #expect(throws: DatabaseError.self, sourceLocation: sourceLocation) { try found(true, -1) }
        }
        for query in [Ship.all, Ship.where { $0.tons > 0 }] {
            try check(
                query, { try snapshot.rows(query, orderedBy: { $0.tons }, descending: $0, limit: $1) },
                by: { Key().then($0.tons) })
            try check(
                query, { try snapshot.rows(query, orderedBy: { $0.name }, descending: $0, limit: $1) },
                by: { Key().then($0.name) })
            try check(
                query, { try snapshot.rows(query, orderedBy: { $0.berth.number }, descending: $0, limit: $1) },
                by: { Key().then($0.berth.number) })
            try check(
                query, { try snapshot.rows(query, orderedBy: { $0.sold }, descending: $0, limit: $1) },
                by: { $0.sold.map { Key().then($0.microsecondsSinceUnixEpoch) } })
            try check(
                query, { try snapshot.rows(query, orderedBy: { $0.cargo.ore.purity }, descending: $0, limit: $1) },
                by: { if case .ore(_, let purity) = $0.cargo { Key().then(purity) } else { nil } })
            try check(
                query,
                { try snapshot.rows(query, orderedBy: { ($0.berth.dock, $0.tons) }, descending: $0, limit: $1) },
                by: { Key().then($0.berth.dock).then($0.tons) })
        }
        #expect(try snapshot.rows(Ship.all.in("wreck"), orderedBy: { $0.name }).map(\.name) == ["Vasa"])
    }

    /// Rows that are equal in the column come in one order, however the rows were found: from all pages at first, and once
    /// the snapshot has been searched often enough, by the columns of an index.
    @Test func theOrderDoesNotDependOnTheWay() throws {
        let snapshot = try db.snapshot()
        let query = Ship.where { $0.tons > 0 && $0.berth.number < 3 }
        let first = try snapshot.rows(query, orderedBy: { $0.berth.dock })
        #expect(first.count > 10)
        for _ in 0..<40 { #expect(try snapshot.rows(query, orderedBy: { $0.berth.dock }) == first) }
    }
}
