import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSchema
import Testing

@testable import SpacetimeKit

/// Indexes of every kind, over columns with few different values.
@Table(.public, .index("byZoneLevel", \.zone, \.level), .unique("oneName", \.zone, \.name))
struct Beast: Equatable {
    @PrimaryKey var id: UInt32
    @Indexed var zone: Int16
    @Indexed(.hash) var kind: UInt8
    var level: Int32
    @Indexed var weight: Double
    var name: String
    @Unique @Indexed(.direct) var seat: UInt16
}

@Module enum Wild {
    static let tables = Tables(Beast.self)

    static func beast(_ id: UInt32) -> Beast {
        let weights: [Double] = [0, -0.0, .nan, .infinity, -1.5, 2.5]
        return Beast(
            id: id, zone: Int16(id % 9) - 4, kind: UInt8(id % 4), level: Int32(id / 3 % 12) - 5,
            weight: id % 5 == 0 ? weights[Int(id) % 6] : Double(id), name: "b\(id % 60)/\(id / 60)",
            seat: UInt16(id) ^ 1)
    }

    @Reducer static func fill(_ context: borrowing Context, count: UInt32) throws {
        for id in 0..<count { try context.db.beast.insert(beast(id)) }
    }
}

@Suite struct PlanTests {
    /// A random condition: conjunctions mostly, of comparisons with values that rows have.
    private static func predicate(_ random: inout DeterministicRandom, depth: Int = 0) -> RowPredicate {
        let choice = Int.random(in: 0..<20, using: &random)
        if depth < 3, choice < 7 {
            return .and((0..<Int.random(in: 1...3, using: &random)).map { _ in predicate(&random, depth: depth + 1) })
        }
        if depth < 3, choice == 7 {
            return .or((0..<Int.random(in: 0...2, using: &random)).map { _ in predicate(&random, depth: depth + 1) })
        }
        if depth < 3, choice == 8 { return .not(predicate(&random, depth: depth + 1)) }
        if choice == 9 { return Bool.random(using: &random) ? .all : .none }
        let beast = Wild.beast(UInt32.random(in: 0..<420, using: &random))
        let values = [
            beast.id.bsatn(), beast.zone.bsatn(), beast.kind.bsatn(), beast.level.bsatn(), beast.weight.bsatn(),
            beast.name.bsatn(), beast.seat.bsatn(),
        ]
        let column = Int.random(in: 0..<values.count, using: &random)
        let comparison = RowPredicate.Comparison(rawValue: UInt8.random(in: 0...5, using: &random)) ?? .equal
        return .compare(
            ColumnID(column), Bool.random(using: &random) ? .equal : comparison, values[column])
    }

    private static func rows(_ scan: RowScan) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        scan.forEach { rows.append(Array($0)) }
        return rows.sorted { $0.lexicographicallyPrecedes($1) }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func aPlanFindsWhatAFullScanFinds(seed: UInt64) throws {
        var random = DeterministicRandom(seed: seed)
        let db = try Database.open(.inMemory, module: Wild.self)
        try db.call(Wild.fill, 400)
        var indexed = 0
        try db.read { db in
            let runner = db._spacetimeTransaction.runner
            let table = runner.catalog.tableMap.table(at: 0)
            for _ in 0..<400 {
                let predicate = Self.predicate(&random)
                let full = try runner.datastore.scan(table, where: runner.datastore.compile(predicate, for: table))
                let expected = Self.rows(full)
                #expect(Self.rows(try runner.search.scan(table, where: predicate)) == expected, "\(predicate)")
                #expect(try runner.search.count(table, where: predicate) == expected.count, "\(predicate)")
                if try runner.search.plan(predicate, for: table).access != .table { indexed += 1 }
            }
        }
        #expect(indexed > 50)
    }

    @Test func conditionsUseTheNarrowestIndex() throws {
        let db = try Database.open(.inMemory, module: Wild.self)
        try db.call(Wild.fill, 400)
        try db.read { db in
            let runner = db._spacetimeTransaction.runner
            let table = runner.catalog.tableMap.table(at: 0)
            func access(_ condition: (Beast.Columns) -> Condition<Beast>) throws -> ScanPlan {
                try runner.search.plan(condition(Beast.Columns()).predicate, for: table)
            }
            func index(_ position: Int) -> IndexID {
                IndexID(runner.catalog.tableMap[0].firstIndex.rawValue + UInt32(position))
            }
            let names = Beast.tableDefinition.indexes.map(\.accessor)
            func named(_ name: String) throws -> IndexID { index(try #require(names.firstIndex(of: name))) }

            func key(_ name: String, _ values: [UInt8]...) throws -> Plan.Access {
                .key(try named(name), values.map { Plan.KeyPart(.literal($0)) })
            }

            #expect(try access { $0.id == 7 } == ScanPlan(access: key("id", UInt32(7).bsatn()), rest: nil))
            #expect(try access { $0.kind == 3 }.access == key("kind", UInt8(3).bsatn()))
            #expect(try access { $0.zone == 3 && $0.id == 3 }.access == key("id", UInt32(3).bsatn()))
            #expect(
                try access { $0.zone == 3 && $0.level == 2 }
                    == ScanPlan(access: key("byZoneLevel", Int16(3).bsatn(), Int32(2).bsatn()), rest: nil))
            guard case .range(let id, let range) = try access({ $0.level > 2 && $0.zone == 3 }).access else {
                Issue.record("a prefix and a range are not searched for")
                return
            }
            #expect(try id == named("byZoneLevel"))
            #expect(range.prefix.count == 1 && range.lower == .excluded(Plan.KeyPart(.literal(Int32(2).bsatn()))))
            // Most of the table: read in its own order.
            #expect(try access { $0.zone > -3 }.access == .table)
            #expect(try access { $0.kind > 2 }.access == .table)
            #expect(try access { $0.id > 7 || $0.zone == 3 }.access == .table)
        }
    }

    @Test func alternativesAreEachLookedUp() throws {
        let db = try Database.open(.inMemory, module: Wild.self)
        try db.call(Wild.fill, 400)
        try db.read { db in
            let runner = db._spacetimeTransaction.runner
            let table = runner.catalog.tableMap.table(at: 0)
            func plan(_ condition: (Beast.Columns) -> Condition<Beast>) throws -> ScanPlan {
                try runner.search.plan(condition(Beast.Columns()).predicate, for: table)
            }
            // Each by an index of its own.
            let either = try plan { $0.id == 7 || $0.zone == 3 }
            guard case .any(let accesses) = either.access else {
                Issue.record("alternatives are not looked up: \(either)")
                return
            }
            #expect(accesses.count == 2 && either.rest != nil)
            // As ranges of one.
            let ends = try plan { $0.seat < 5 || $0.seat >= 395 && $0.seat < 397 || $0.seat == 200 }
            guard case .ranges(_, prefix: [], let intervals) = ends.access else {
                Issue.record("ranges are not looked up: \(ends)")
                return
            }
            #expect(intervals.count == 3 && ends.rest == nil)
            // Most of the table is read in its own order.
            let most = try plan { $0.id == 7 || $0.zone > -3 }
            #expect(most.access == .table)
        }
    }

    @Test func alternativesFindEachRowOnce() throws {
        let db = try Database.open(.inMemory, module: Wild.self)
        try db.call(Wild.fill, 400)
        let condition: (Beast.Columns) -> Condition<Beast> = {
            $0.id == 7 || $0.zone == 3 || $0.seat < 12 || $0.zone == 3 && $0.level > 0
        }
        try db.read { db in
            let expected = db.beast.rows.filter { $0.id < 12 || $0.zone == 3 }.map(\.id).sorted()
            #expect(db.beast.where(condition).map(\.id).sorted() == expected)
            #expect(db.beast.where(condition).count == expected.count)
            #expect(db.beast.where { $0.seat < 5 || $0.seat < 9 || $0.seat == 300 }.count == 10)
        }
    }

    @Test func typedConditionsAgreeWithSwift() throws {
        let db = try Database.open(.inMemory, module: Wild.self)
        try db.call(Wild.fill, 400)
        try db.read { db in
            let all = Array(db.beast.rows)
            let ids: (Rows<Beast>) -> [UInt32] = { $0.map(\.id).sorted() }
            #expect(
                ids(db.beast.where { $0.zone == 2 && $0.level < 0 })
                    == all.filter { $0.zone == 2 && $0.level < 0 }.map(\.id).sorted())
            #expect(db.beast.count { $0.zone == 2 && $0.kind == 1 } == all.count { $0.zone == 2 && $0.kind == 1 })
            #expect(
                db.beast.count { $0.weight > 390 && $0.weight < 396 }
                    == all.count { $0.weight > 390 && $0.weight < 396 })
            #expect(
                db.beast.first { $0.name == "b59/3" && $0.zone == 4 }?.id
                    == all.first { $0.name == "b59/3" && $0.zone == 4 }?.id)
        }
        let seen = try db.subscribe(Beast.where { $0.seat == 5 })
        #expect(seen.nextAvailable()?.inserted.map(\.id) == [4])
    }

    @Test func writesElsewhereTellNobody() throws {
        let db = try openChat()
        let seen = try db.subscribe(Message.all)
        try db.call(Chat.open, 1, 5)
        try db.call(Chat.open, 2, 5)
        #expect(try db.lastOffset().rawValue == 2)
        try db.call(Chat.send, "a", "b")
        #expect(seen.nextAvailable()?.isInitial == true)
        #expect(seen.nextAvailable()?.offset.rawValue == 3)
        #expect(seen.nextAvailable() == nil)
    }
}
