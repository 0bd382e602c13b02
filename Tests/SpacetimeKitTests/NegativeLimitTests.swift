import SpacetimeKit
import Testing

/// Limits and offsets that a caller chose: one below zero is an error of the query, and nothing that stops the program.
@Suite struct NegativeLimitTests {
    @Test(arguments: [-1, Int.min]) func aLimitBelowZeroIsRefusedWhereverItIsAskedFor(_ count: Int) throws {
        let db = try Database.open(.inMemory, module: Fights.self)
        try db.call(Fights.fill, 5)
        let client = try db.connect(as: "ada")
        let snapshot = try db.snapshot()
        let ordered = Fighter.all.orderBy { $0.id }
        let groups = Fighter.all.groupBy { $0.level }.select { level, fighters in (level, fighters.count()) }
        let asked: [() throws -> Void] = [
            { try db.read { _ = try $0.rows(ordered.limit(count)) } },
            { try db.read { _ = try $0.first(ordered.limit(count)) } },
            { try db.read { _ = try $0.rows(Fighter.all.offset(count)) } },
            { _ = try snapshot.rows(ordered.offset(count)) },
            { _ = try snapshot.count(groups.limit(count)) },
            { _ = try snapshot.rows(Fighter.all, orderedBy: { $0.level }, limit: count) },
            { _ = try snapshot.rows(Fighter.where { $0.level > 1 }, orderedBy: { ($0.level, $0.id) }, limit: count) },
            { _ = try db.explain(ordered.limit(count)) },
            { _ = try db.subscribe(ordered.limit(count)) },
            { _ = try client.subscribe(groups.offset(count)) },
        ]
        for ask in asked {
            let error = #expect(throws: DatabaseError.self) { try ask() }
            #expect(error?.code == .invalidQuery)
            #expect(error?.message.contains("\(count), and no number of rows; give it 0 or more") == true)
        }
        // The last one that is written counts.
        #expect(try snapshot.rows(ordered.limit(count).limit(2)).map(\.id) == [1, 2])
        #expect(try snapshot.rows(ordered.limit(0)).isEmpty && snapshot.rows(ordered.limit(.max)).count == 5)
    }
}
