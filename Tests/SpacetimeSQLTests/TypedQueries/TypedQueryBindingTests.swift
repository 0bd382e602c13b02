import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import Testing

@testable import SpacetimeKit

/// What typed queries become: the same as SQL, so that both share plans and subscriptions.
@Suite struct TypedQueryBindingTests {
    private let db: Database<Market>
    private let catalog: SQLCatalog

    init() throws {
        db = try Database.open(.inMemory, module: Market.self)
        let snapshot = try db.runner.snapshot()
        catalog = SQLCatalog(
            snapshot.tableIDs.compactMap { id in snapshot.schema(of: id).map { SQLCatalog.Table(id, $0) } })
    }

    private func bound(_ query: some QueryConvertible) throws -> BoundQuery {
        try db.core.catalog.bound(query._draft, by: db.core.owner)
    }

    private func check(
        _ query: some QueryConvertible, _ text: String, location: SourceLocation = #_sourceLocation
    ) throws {
        let select = try SQLBinder.select(text, in: catalog, language: .adHoc, isOwner: true)
        #expect(try unnamed(bound(query)) == unnamed(select.query), Comment(rawValue: text), sourceLocation: location)
    }

    /// What columns are called matters to those who ask in SQL.
    private func unnamed(_ query: BoundQuery) -> BoundQuery {
        var query = query
        if case .columns(let columns) = query.output {
            query.output = .columns(columns.map { QueryColumn("", $0.value) })
        }
        return query
    }

    @Test func typedQueriesAreWhatSQLAsks() throws {
        try check(Sale.all, "SELECT * FROM sale")
        try check(Sale.where { $0.shop == 3 }, "SELECT * FROM sale WHERE shop = 3")
        try check(
            Sale.where { $0.shop == 3 }.where { $0.day < 5 }.leftSemijoin(Shop.where { $0.isOpen }) {
                $0.shop == $1.id
            },
            "SELECT sale.* FROM sale JOIN shop ON sale.shop = shop.id WHERE sale.shop = 3 AND sale.day < 5 "
                + "AND shop.is_open = TRUE")
        try check(
            Sale.all.join(Shop.self) { $0.shop == $1.id }.select { ($0.amount, $1.name) },
            "SELECT sale.amount, shop.name FROM sale JOIN shop ON sale.shop = shop.id")
        try check(
            Sale.all.leftJoin(Shop.self) { $0.shop == $1.id }.where { $1.name == nil }.select { ($0.id, $1.name) },
            "SELECT sale.id, shop.name FROM sale LEFT JOIN shop ON sale.shop = shop.id WHERE shop.name IS NULL")
        try check(
            Sale.all.orderBy { ($0.day, $0.id.descending) }.limit(5).offset(2),
            "SELECT * FROM sale ORDER BY day, id DESC LIMIT 5 OFFSET 2")
        try check(
            Sale.all.groupBy { $0.shop }.where { $1.count() > 2 }.select { ($0, $1.count(), $1.sum { $0.amount }) },
            "SELECT shop, COUNT(*), SUM(amount) FROM sale GROUP BY shop HAVING COUNT(*) > 2")
        try check(Sale.where { $0.paid }.max { $0.tip }, "SELECT MAX(tip) FROM sale WHERE paid = TRUE")
        try check(Sale.all.countDistinct { $0.tip }, "SELECT COUNT(DISTINCT tip) FROM sale")
        try check(Sale.all.select { $0.day }.distinct(), "SELECT DISTINCT day FROM sale")
    }

    /// A semijoin that finds one row at most needs nothing done about repeated rows.
    @Test func semijoinsByUniqueColumnsRepeatNoRow() throws {
        #expect(try !bound(Sale.all.leftSemijoin(Shop.self) { $0.shop == $1.id }).isDistinct)
        #expect(
            try !bound(Sale.all.leftSemijoin(Visit.self) { $0.shop == $1.shop && $1.customer == 3 }).isDistinct)
        #expect(
            try !bound(
                Sale.all.leftSemijoin(Shop.all.leftSemijoin(Customer.self) { $0.owner == $1.id }) { $0.shop == $1.id }
            ).isDistinct)
        #expect(try bound(Sale.all.leftSemijoin(Visit.self) { $0.shop == $1.shop }).isDistinct)
        #expect(try bound(Shop.all.leftSemijoin(Sale.self) { $0.id == $1.shop }).isDistinct)
        #expect(
            try bound(Shop.all.leftSemijoin(Sale.self) { $0.id == $1.shop }.select { ($0.id, $0.city) }).isDistinct)
        #expect(
            try !bound(Shop.all.leftSemijoin(Sale.self) { $0.id == $1.shop }.max { $0.city }).isDistinct)
    }

    @Test func whatCannotBeCombinedIsRefused() throws {
        func refuses(
            _ query: some QueryConvertible, _ code: DatabaseError.Code, _ words: String,
            location: SourceLocation = #_sourceLocation
        ) {
            let error = #expect(throws: DatabaseError.self, sourceLocation: location) { try bound(query) }
            #expect(error?.code == code, sourceLocation: location)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: location)
        }
        let several = Shop.all.leftSemijoin(Sale.self) { $0.id == $1.shop }
        refuses(several.count(), .invalidQuery, "several rows of 'sale'")
        refuses(several.select { $0.city }, .invalidQuery, "several rows of 'sale'")
        refuses(
            Sale.all.leftJoin(several) { $0.shop == $1.id }.select { $1.name }, .invalidQuery,
            "the right side of a left join")
        refuses(
            Sale.all.orderBy { $0.id }.select { $0.day }.distinct(), .invalidQuery, "columns that are not selected")
        var many = Sale.all
        for _ in 0..<16 { many = many.leftSemijoin(Shop.self) { $0.shop == $1.id } }
        refuses(many, .limitReached, "17 tables")
        let deep = Sale.all.join(Shop.self) { sale, shop in
            var condition = sale.shop == shop.id
            for _ in 0..<200 { condition = !(condition && sale.id < shop.id) }
            return condition
        }
        refuses(deep.count(), .limitReached, "levels deep")
        refuses(Sale.all.in("nowhere").limit(3), .noSuchTable, "nowhere")
    }

    /// Many conditions of one kind are one level, and a large list is one value.
    @Test func wideConditionsAreFine() throws {
        let wide = Sale.all.join(Shop.self) { sale, shop in
            var condition = sale.shop == shop.id
            for id in 0..<500 as Range<UInt32> { condition = condition || sale.id == id && shop.id != id }
            return condition
        }
        #expect(try bound(wide.count()).tables.count == 2)
    }

    @Test func clientsFindNoPrivateTables() throws {
        let caller = try db.connect(as: "ann").caller
        let queries: [any QueryConvertible] = [
            Secret.all, Secret.all.limit(3), Sale.all.leftSemijoin(Secret.self) { $0.shop == $1.shop },
            Sale.all.join(Secret.self) { $0.shop == $1.shop }.select { sale, _ in sale.id }, Secret.all.count(),
        ]
        for query in queries {
            let error = #expect(throws: DatabaseError.self) { try db.core.catalog.bound(query._draft, by: caller) }
            #expect(error?.code == .noSuchTable)
            #expect(throws: Never.self) { try db.core.catalog.bound(query._draft, by: db.core.owner) }
        }
    }

    @Test func equalQueriesAreEqualValues() {
        let query = { (day: UInt16) in
            Sale.where { $0.day == day }.leftSemijoin(Shop.self) { $0.shop == $1.id }.orderBy { $0.id }.limit(3)
        }
        #expect(query(3) == query(3) && query(3).hashValue == query(3).hashValue)
        #expect(query(3) != query(4) && query(3) != query(3).offset(1) && query(3) != query(3).limit(4))
        #expect(Sale.all != Sale.all.in("old_sale"))
    }
}
