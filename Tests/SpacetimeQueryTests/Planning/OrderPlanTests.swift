import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeQuery

/// Orders, extremes and distinct rows that come of the way in which rows are found.
@Suite struct OrderPlanTests {
    private let fixture: PlanningFixture

    init() throws { fixture = try PlanningFixture() }

    private func plan(
        _ table: String, by terms: [(String, isDescending: Bool)], limit: UInt64? = nil, where conditions: Expression...
    ) -> String {
        var query = fixture.query([table], where: conditions)
        query.order = terms.map { OrderTerm(fixture.field($0.0), isDescending: $0.isDescending) }
        query.limit = limit.map { literal($0) }
        return fixture.text(query)
    }

    @Test func theFirstRowsOfAnOrderAreReadFromAnIndex() {
        #expect(
            plan("player", by: [("player.level", true)], limit: 10) == """
                limit 10
                  range of reversed player by player_level (10000 rows)
                """)
        #expect(
            plan("player", by: [("player.level", false)], limit: 10, where: fixture.field("player.online"))
                == """
                limit 10
                  range of player by player_level if online = true (1000 rows)
                """)
    }

    @Test func equalLeadingColumnsKeepTheOrderOfTheNext() {
        let x = fixture.field("grid.x") == literal(1 as Int32)
        #expect(
            plan("grid", by: [("grid.z", true)], limit: 3, where: x) == """
                limit 3
                  range of reversed grid by grid_x_z: x = 1 (317 rows)
                """)
        // What has one value orders nothing.
        #expect(!plan("grid", by: [("grid.x", false), ("grid.z", true)], limit: 3, where: x).contains("sort"))
        #expect(!plan("grid", by: [("grid.x", false), ("grid.z", false)], limit: 3).contains("sort"))
    }

    @Test func columnsBehindAUniqueKeyOrderNothing() {
        #expect(
            !plan("player", by: [("player.id", false), ("player.ratio", true)], limit: 3).contains("sort"))
        // Not so behind an index that is not unique.
        #expect(plan("player", by: [("player.level", false), ("player.ratio", true)], limit: 3).contains("sort"))
    }

    /// A row of a unique key meets several rows of another table, whose order it does not say.
    @Test func aUniqueKeyOrdersNothingOfOtherTables() {
        let isOwn = Expression.compare(.equal, fixture.field("item.player_id", 1), fixture.field("player.id"))
        var query = fixture.query(["player", "item"], where: [isOwn])
        for name in ["player.name", "player.ratio"] {
            query.order = [fixture.field("player.name"), fixture.field(name), fixture.field("item.kind", 1)].map {
                OrderTerm($0)
            }
            query.limit = literal(3 as UInt64)
            #expect(fixture.text(query).contains("sort"), "ordered by the name, \(name), and the kind of an item")
            // Without the other table's column the name says it all.
            query.order.removeLast()
            #expect(!fixture.text(query).contains("sort"), "ordered by the name, and \(name)")
        }
    }

    @Test func mixedDirectionsAndExpressionsAreSorted() {
        #expect(
            plan("grid", by: [("grid.x", false), ("grid.z", true)], limit: 3) == """
                limit 3
                  sort by z desc among rows of one x
                    range of grid by grid_x_z (10000 rows)
                """)
        // Without a limit all rows are read anyway, which a scan does faster.
        #expect(plan("grid", by: [("grid.x", false), ("grid.z", true)]).contains("sort by x, z desc"))
        var query = fixture.query(["grid"])
        query.order = [OrderTerm(.arithmetic(.add, fixture.field("grid.x"), literal(1 as Int32)))]
        query.limit = literal(3 as UInt64)
        #expect(fixture.text(query).contains("sort by x + 1"))
    }

    @Test func anIndexOfTheFirstTermsLeavesTheOthersToBeSorted() {
        #expect(
            plan("player", by: [("player.level", true), ("player.name", false)], limit: 10) == """
                limit 10
                  sort by name among rows of one level desc
                    range of reversed player by player_level (10000 rows)
                """)
        // Few rows are sorted faster than many are gone through.
        #expect(
            plan(
                "player", by: [("player.level", false), ("player.ratio", false)], limit: 10,
                where: fixture.field("player.tag") == literal(3 as UInt32)
            ).contains("sort by level, ratio\n"))
    }

    @Test func hashIndexesHaveNoOrder() {
        #expect(plan("player", by: [("player.owner", false)], limit: 3).contains("sort"))
    }

    @Test func aNarrowConditionIsBetterThanAnOrder() {
        let tag = fixture.field("player.tag") == literal(3 as UInt32)
        #expect(
            plan("player", by: [("player.level", false)], limit: 10, where: tag) == """
                limit 10
                  sort by level
                    look up player by player_tag: tag = 3 (10 rows)
                """)
        // One row is in order.
        let name = fixture.field("player.name") == literal("a")
        #expect(!plan("player", by: [("player.level", false)], limit: 10, where: name).contains("sort"))
    }

    @Test func joinsKeepTheOrderOfTheirFirstTable() {
        var query = fixture.query(
            ["item", "player"], where: [fixture.field("item.player_id") == fixture.field("player.id", 1)])
        query.order = [OrderTerm(fixture.field("player.level", 1), isDescending: true)]
        query.limit = literal(5 as UInt64)
        #expect(
            fixture.text(query) == """
                limit 5
                  join item by item_player: player_id = player.id (100000 rows)
                    range of reversed player by player_level (10000 rows)
                """)
        // Fields of two tables: no step has both, so rows of one level are sorted.
        query.order.append(OrderTerm(fixture.field("item.id")))
        #expect(
            fixture.text(query) == """
                limit 5
                  sort by item.id among rows of one player.level desc
                    join item by item_player: player_id = player.id (100000 rows)
                      range of reversed player by player_level (10000 rows)
                """)
        query.order.reverse()
        #expect(
            fixture.text(query) == """
                limit 5
                  sort by player.level desc among rows of one item.id
                    join player by player_id_idx_btree: id = item.player_id (10000 rows)
                      range of item by item_id_idx_btree (10000 rows)
                """)
    }

    @Test func extremesAreTheFirstRowOfAnIndex() {
        func extreme(_ function: QueryAggregate.Function, _ field: String, _ conditions: Expression...) -> String {
            let table = String(field.split(separator: ".")[0])
            var query = fixture.query([table], where: conditions)
            let argument = fixture.field(field)
            query.grouping = Grouping(keys: [], aggregates: [QueryAggregate(function, of: argument)])
            query.output = .columns([QueryColumn("m", .aggregate(0, argument.type, isNullable: true))])
            return fixture.text(query)
        }
        #expect(
            extreme(.min, "player.level") == """
                aggregate: min(level)
                  first of range of player by player_level (1 row)
                """)
        #expect(
            extreme(.max, "grid.z", fixture.field("grid.x") == literal(3 as Int32)) == """
                aggregate: max(z)
                  first of range of reversed grid by grid_x_z: x = 3 (1 row)
                """)
        // Rows without a value do not take part, and stand behind the others.
        #expect(
            extreme(.max, "player.tag") == """
                aggregate: max(tag)
                  first of range of reversed player by player_tag: tag is not null (1 row)
                """)
        #expect(!extreme(.sum, "player.level").contains("first of"))
        #expect(!extreme(.max, "grid.z").contains("first of"))
    }

    @Test func distinctRowsAskOnlyWhetherThereIsAPartner() {
        var query = fixture.query(
            ["player", "item"],
            where: [
                fixture.field("player.id") == fixture.field("item.player_id", 1),
                fixture.field("player.level") == literal(3 as UInt32),
            ])
        #expect(!fixture.text(query).contains("first of"))
        query.isDistinct = true
        #expect(
            fixture.text(query) == """
                distinct
                  first of join item by item_player: player_id = player.id (10 rows)
                    look up player by player_level: level = 3 (10 rows)
                """)
        query.output = .columns([QueryColumn("kind", fixture.field("item.kind", 1))])
        #expect(!fixture.text(query).contains("first of"))
    }
}
