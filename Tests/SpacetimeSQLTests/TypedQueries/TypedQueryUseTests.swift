import SpacetimeTesting
import Testing

@testable import SpacetimeKit

/// Where typed queries are used, besides asking for rows once.
@Suite struct TypedQueryUseTests {
    private func filled(seed: UInt64 = 1) throws -> TestDatabase<Market> {
        let test = try TestDatabase(Market.self)
        try test.call(Market.fill, seed)
        return test
    }

    @Test func aReducerSeesWhatItWrote() throws {
        let test = try filled()
        let isOpen = Shop.where { $0.isOpen }
        let sales = Sale.all.leftSemijoin(isOpen) { $0.shop == $1.id }
        let before = try test.rows(isOpen).count
        try test.call(Market.open, 900)
        #expect(try test.rows(isOpen).count == before + 1)
        #expect(try test.rows(sales).contains { $0.shop == 900 })
        #expect(try test.value(Sale.where { $0.shop == 900 }.sum { $0.amount }) == 5)
    }

    @Test func aReducerThatAsksWhatCannotBeAskedIsUndone() throws {
        let test = try filled()
        let error = #expect(throws: DatabaseError.self) { try test.call(Market.confuse) }
        #expect(error?.code == .invalidQuery)
        #expect(try test.rows(Shop.where { $0.id == 901 }).isEmpty)
    }

    @Test func aSnapshotKeepsAnsweringAsOfItsTime() throws {
        let test = try filled()
        let count = Sale.all.join(Shop.self) { $0.shop == $1.id }.count()
        let snapshot = try test.database.snapshot()
        let before = try snapshot.value(count)
        try test.call(Market.open, 900)
        #expect(try snapshot.value(count) == before)
        #expect(try test.value(count) == before + 1)
    }

    /// A walk that ends early, and one whose closure throws.
    @Test func walksEndWhenTheyAreToldTo() throws {
        struct Stop: Error {}
        let snapshot = try filled().database.snapshot()
        let pairs = Sale.all.join(Sale.self) { $0.day == $1.day }
        var seen = 0
        #expect(throws: Stop.self) {
            try snapshot.forEach(pairs) { _ in
                seen += 1
                if seen == 3 { throw Stop() }
            }
        }
        #expect(seen == 3)
    }

    @Test func theOrderedFormOfSnapshotsKnowsSemijoins() throws {
        let test = try filled()
        let query = Sale.all.leftSemijoin(Shop.where { $0.isOpen }) { $0.shop == $1.id }
        #expect(
            try test.database.snapshot().rows(query, orderedBy: { ($0.day, $0.id) }, descending: true, limit: 6)
                == test.rows(query.orderBy { ($0.day.descending, $0.id.descending) }.limit(6)))
    }
}
