import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeKit

/// What subscribers of typed queries hold after each commit against what the query then finds.
@Suite struct TypedSubscriptionTests {
    /// The rows that a subscriber holds, by what they look like, each as often as it is there.
    private final class Held: Sendable {
        private let counts = Mutex<[String: Int]>([:])

        func apply<Row>(_ change: Change<Row>) {
            counts.withLock { counts in
                for row in change.deleted + change.updated.map(\.old) { counts["\(row)", default: 0] -= 1 }
                for row in change.inserted + change.updated.map(\.new) { counts["\(row)", default: 0] += 1 }
            }
        }

        var rows: [String: Int] { counts.withLock { $0.filter { $0.value != 0 } } }
    }

    private struct Watch {
        let name: String
        let held: Held
        let find: () throws -> [String]
    }

    private func watch<Output>(
        _ name: String, _ db: Database<Market>, _ query: some QueryConvertible<Output>
    ) throws -> Watch {
        let held = Held()
        try db.subscribe(query, onChange: { held.apply($0) })
        return Watch(name: name, held: held) { try db.read { try $0.rows(query) }.map { "\($0)" } }
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>) func whatIsHeldIsWhatIsFound(seed: UInt64) throws {
        let db = try Database.open(.inMemory, module: Market.self)
        try db.call(Market.fill, seed)
        let watches = [
            try watch("rows", db, Sale.where { $0.paid && $0.shop == 3 }),
            try watch("a list", db, Sale.where { ([2, 4, 5] as [UInt32]).contains($0.shop) || $0.day > 9 }),
            try watch("a semijoin", db, Sale.all.leftSemijoin(Shop.where { $0.isOpen }) { $0.shop == $1.id }),
            try watch(
                "a semijoin by a list", db,
                Shop.all.leftSemijoin(Sale.where { $0.amount > 0 }) { $0.id == $1.shop }),
            try watch(
                "a right semijoin", db, Sale.where { $0.day == 3 }.rightSemijoin(Customer.self) { $0.buyer == $1.id }),
            try watch("pairs", db, Sale.where { $0.paid }.join(Shop.self) { $0.shop == $1.id }),
            try watch(
                "columns of a join", db,
                Sale.all.join(Shop.where { $0.city == "Bonn" }) { $0.shop == $1.id }.select { ($0.day, $1.name) }),
            try watch("columns", db, Sale.where { $0.paid }.select { ($0.day, $0.tip) }),
            try watch("distinct", db, Sale.all.select { ($0.day, $0.paid) }.distinct()),
            try watch("a window", db, Sale.all.orderBy { ($0.amount.descending, $0.id) }.limit(10)),
            try watch("a window inside", db, Sale.where { $0.paid }.orderBy { ($0.tip, $0.id) }.limit(5).offset(3)),
            try watch("a count", db, Sale.where { $0.shop == 2 }.count()),
            try watch("a sum", db, Sale.where { $0.paid }.sum { $0.tip }),
            try watch("a maximum", db, Sale.all.max { $0.price }),
            try watch(
                "groups", db,
                Sale.all.groupBy { $0.shop }.select { shop, sales in
                    (shop, sales.count(), sales.sum { $0.amount }, sales.min { $0.tip }, sales.average { $0.price })
                }),
            try watch(
                "groups of two columns", db,
                Sale.where { $0.day < 9 }.groupBy { ($0.size, $0.buyer) }.where { _, _, sales in sales.count() > 2 }
                    .select { size, buyer, sales in (size, buyer, sales.countDistinct { $0.day }) }),
            try watch(
                "groups by what may be missing", db,
                Sale.all.groupBy { $0.buyer }
                    .where { buyer, sales in sales.sum { $0.tip } != 3 && !(sales.max { $0.tip } > 2) && buyer != 4 }
                    .select { buyer, sales in (buyer, sales.sum { $0.tip }) }),
            try watch(
                "groups of a join", db,
                Sale.all.join(Shop.self) { $0.shop == $1.id }.groupBy { $1.city }
                    .select { city, sales in (city, sales.count(), sales.max { sale, _ in sale.amount }) }),
            try watch(
                "a left join", db,
                Shop.all.leftJoin(Sale.where { $0.paid }) { $0.id == $1.shop }.select { ($0.name, $1.amount) }),
            try watch(
                "groups of a left join", db,
                Shop.where { $0.isOpen }.leftJoin(Sale.self) { $0.id == $1.shop }.groupBy { shop, _ in shop.city }
                    .select { city, sales in (city, sales.count(), sales.sum { _, sale in sale.amount }) }),
            try watch(
                "a window of a join", db,
                Sale.all.join(Shop.where { $0.isOpen }) { $0.shop == $1.id }
                    .orderBy { sale, shop in (shop.name, sale.amount.descending, sale.id) }.limit(6)),
            try watch(
                "the largest groups", db,
                Sale.all.groupBy { $0.shop }.orderBy { ($1.count().descending, $0) }.limit(2)
                    .select { shop, _ in shop }),
        ]
        for step in 0..<60 as Range<UInt64> {
            for watch in watches {
                let found = Dictionary(grouping: try watch.find(), by: \.self).mapValues(\.count)
                #expect(watch.held.rows == found, "\(watch.name), seed \(seed), step \(step)")
            }
            try db.call(Market.trade, seed &* 1_000 &+ step)
        }
    }

    @Test func clientsHoldRowsOfJoinsAndWindows() throws {
        let test = try TestDatabase(Market.self)
        try test.call(Market.fill, 3)
        let client = try test.connect(as: "ann")
        let query = Sale.all.leftSemijoin(Shop.where { $0.isOpen }) { $0.shop == $1.id }
        let window = Sale.all.orderBy { ($0.amount.descending, $0.id) }.limit(4)
        let (sales, best) = (try client.subscribe(query), try client.subscribe(window))
        for step in 0..<40 as Range<UInt64> { try test.call(Market.trade, step) }
        #expect(sales.rows.map(\.id).sorted() == (try test.rows(query).map(\.id).sorted()))
        #expect(best.rows.map(\.id).sorted() == (try test.rows(window).map(\.id).sorted()))
        #expect(!sales.changes.isEmpty && !best.changes.isEmpty)
    }

    @Test func whatCannotBeKeptUpToDateIsRefused() throws {
        let db = try Database.open(.inMemory, module: Market.self)
        func refuses(_ query: some QueryConvertible, location: SourceLocation = #_sourceLocation) {
            do {
                try db.subscribe(query, onChange: { _ in })
                Issue.record("it is kept up to date", sourceLocation: location)
            } catch {
                #expect((error as? DatabaseError)?.code == .invalidQuery, "\(error)", sourceLocation: location)
            }
        }
        refuses(Sale.all.leftJoin(Customer.self) { $0.buyer == $1.friend }.select { ($0.id, $1.name) })
        refuses(Sale.all.join(Customer.self) { $0.price < 3 && $1.name == "Ada" }.count())
    }

    @Test func clientsWatchNoPrivateTables() throws {
        let client = try Database.open(.inMemory, module: Market.self).connect(as: "ann")
        let error = #expect(throws: DatabaseError.self) {
            try client.subscribe(Sale.all.leftSemijoin(Secret.self) { $0.shop == $1.shop }, onChange: { _ in })
        }
        #expect(error?.code == .noSuchTable)
    }
}
