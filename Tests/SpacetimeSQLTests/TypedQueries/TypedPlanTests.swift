import SpacetimeTesting
import Testing

@testable import SpacetimeKit

/// What is said of how typed queries would be answered.
@Suite struct TypedPlanTests {
    private func filled() throws -> TestDatabase<Market> {
        let test = try TestDatabase(Market.self)
        try test.call(Market.fill, 1)
        return test
    }

    @Test func plansAreExplained() throws {
        let test = try filled()
        let plan = try test.database.explain(
            Sale.where { $0.shop == 3 }.join(Shop.self) { $0.shop == $1.id }.select { ($0.id, $1.name) })
        #expect(plan.scannedTables.isEmpty, "\(plan)")
        #expect(plan.description.contains("shop"))
        #expect(try test.database.explain(Sale.where { $0.price > 3 }).scannedTables == ["sale"])
    }

    @Test func queriesThatScanAreFound() throws {
        let test = try TestDatabase(Market.self)
        func refuses(
            _ query: some QueryConvertible, watched: Bool = false, _ words: String,
            location: SourceLocation = #_sourceLocation
        ) {
            let error = #expect(throws: UnindexedQuery.self, sourceLocation: location) {
                try test.expectIndexed(query, watched: watched)
            }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")", sourceLocation: location)
        }
        try test.expectIndexed(Sale.where { $0.shop == 3 && $0.price > 1 }, watched: true)
        try test.expectIndexed(Sale.where { (3...5).contains($0.day) })
        try test.expectIndexed(Sale.where { $0.shop == 3 }.leftSemijoin(Shop.self) { $0.shop == $1.id }, watched: true)
        try test.expectIndexed(Sale.all.orderBy { $0.id.descending }.limit(10))
        try test.expectIndexed(Sale.where { $0.shop == 3 }.count())
        refuses(Sale.where { $0.price > 1 }, "all rows of 'sale' are looked at")
        refuses(Sale.all, "all rows of 'sale'")
        refuses(Sale.where { $0.shop == 3 }.join(Sale.self) { $0.price == $1.price }.count(), "all rows of 'sale'")
        refuses(Sale.all.orderBy { $0.id }, "all rows of 'sale'")
        refuses(
            Shop.where { $0.city == "Bonn" }.leftSemijoin(Customer.where { $0.name == "Ada" }) {
                $0.owner == $1.friend
            },
            watched: true, "index")
        #expect(throws: DatabaseError.self) { try test.expectIndexed(Sale.all.in("nowhere")) }
    }
}
