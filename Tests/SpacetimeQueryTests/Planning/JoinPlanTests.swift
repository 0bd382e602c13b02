import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeQuery

/// In which order tables are gone through, and how they are joined.
@Suite struct JoinPlanTests {
    private let fixture: PlanningFixture

    init() throws { fixture = try PlanningFixture() }

    private var playerOfItem: Expression { fixture.field("player.id", 0) == fixture.field("item.player_id", 1) }

    @Test func theTableWithTheNarrowerConditionDrives() {
        let byName = fixture.query(
            ["player", "item"], returning: 1, where: [playerOfItem, fixture.field("player.name") == literal("a")])
        #expect(
            fixture.text(byName) == """
                join item by item_player: player_id = player.id (10 rows)
                  look up player by player_name_idx_btree: name = "a" (1 row)
                """)
        let byItem = fixture.query(
            ["player", "item"], where: [playerOfItem, fixture.field("item.id", 1) == literal(7 as UInt64)])
        #expect(
            fixture.text(byItem) == """
                join player by player_id_idx_btree: id = item.player_id (1 row)
                  look up item by item_id_idx_btree: id = 7 (1 row)
                """)
    }

    @Test func theSmallerTableDrivesWithoutConditions() {
        let query = fixture.query(["player", "item"], where: [playerOfItem])
        #expect(
            fixture.text(query, rows: ["player": 100_000, "item": 50]) == """
                join player by player_id_idx_btree: id = item.player_id (50 rows)
                  scan item (50 rows)
                """)
    }

    @Test func equalValuesAreKnownOfBothSides() {
        let query = fixture.query(
            ["player", "item"], where: [playerOfItem, fixture.field("item.player_id", 1) == literal(5 as UInt64)])
        #expect(
            fixture.text(query) == """
                join item by item_player: player_id = 5 (10 rows)
                  look up player by player_id_idx_btree: id = 5 (1 row)
                """)
    }

    @Test func boundsOfOneSideFindRowsOfTheOther() {
        // Behind the join the bounds need no test.
        let query = fixture.query(
            ["grid", "item"],
            where: [
                fixture.field("grid.id") == fixture.field("item.player_id", 1),
                fixture.field("grid.id") > literal(5 as UInt64), fixture.field("grid.id") < literal(9 as UInt64),
            ])
        #expect(
            fixture.text(query, rows: ["item": 100]) == """
                join grid by grid_id_idx_btree: id = item.player_id (2 rows)
                  range of item by item_player: player_id > 5 and player_id < 9 (2 rows)
                """)
    }

    @Test func whatNeedsARowIsMetByNone() {
        // WHERE item.id IS NOT NULL, written as a condition on rows that all meet: it drops those without an item.
        var query = fixture.query(["player", "item"], where: [.rows(slot: 1, .all)])
        query.tables[1].outerCondition = [playerOfItem]
        #expect(!fixture.text(query).contains("left"))
    }

    @Test func equalitiesLeadThroughThirdTables() {
        // player.id = item.player_id and item.player_id = grid.id: so grid is found from player.
        let query = fixture.query(
            ["player", "item", "grid"],
            where: [
                playerOfItem, fixture.field("item.player_id", 1) == fixture.field("grid.id", 2),
                fixture.field("player.name") == literal("a"),
            ])
        #expect(
            fixture.text(query) == """
                join item by item_player: player_id = player.id (10 rows)
                  join grid by grid_id_idx_btree: id = player.id (1 row)
                    look up player by player_name_idx_btree: name = "a" (1 row)
                """)
    }

    @Test func withoutAnIndexTheSmallerSideIsHashed() {
        let query = fixture.query(
            ["player", "log"],
            where: [
                fixture.field("player.level") == fixture.field("log.kind", 1),
                fixture.field("player.online") == .literal([1], .bool),
            ])
        // The filtered players make a smaller hash table than the log, and fewer matches than their index would find.
        #expect(
            fixture.text(query, rows: ["log": 1_000_000]) == """
                hash join player: level = log.kind if online = true (1000000 rows)
                  scan log (1000000 rows)
                """)
        let unindexed = fixture.query(
            ["log", "item"], where: [fixture.field("log.kind") == fixture.field("item.kind", 1)])
        #expect(fixture.text(unindexed, rows: ["log": 100]).hasPrefix("hash join"))
    }

    @Test func rangesOfMovingWindowsAreComputed() {
        let near = fixture.field("grid.x", 1)
        let mine = fixture.field("grid.x", 0)
        let ten = literal(10 as Int32)
        let query = fixture.query(
            ["grid", "grid"], returning: 1,
            where: [
                fixture.field("grid.id") == literal(1 as UInt64), near >= .arithmetic(.subtract, mine, ten),
                near <= .arithmetic(.add, mine, ten),
            ])
        #expect(
            fixture.text(query) == """
                join range of grid#2 by grid_x_z: x >= grid#1.x - 10 and x <= grid#1.x + 10 (157 rows)
                  look up grid#1 by grid_id_idx_btree: id = 1 (1 row)
                """)
    }

    @Test func outerJoinsComeLastAndKeepTheirConditions() {
        var query = fixture.query(["player", "item", "grid"])
        query.tables[1].outerCondition = [playerOfItem, fixture.field("item.kind", 1) == literal(4 as UInt32)]
        query.conditions = [
            fixture.field("grid.id", 2) == fixture.field("player.id"),
            .not(.isPresent(fixture.field("item.id", 1, isNullable: true))),
        ]
        #expect(
            fixture.text(query, rows: ["grid": 10]) == """
                left join item by item_player: player_id = player.id if kind = 4 then if not (item.id is not null) (5 rows)
                  join player by player_id_idx_btree: id = grid.id (10 rows)
                    scan grid (10 rows)
                """)
    }

    @Test func anOuterJoinWhoseMissingRowsAreDroppedIsAnInnerOne() {
        var query = fixture.query(["player", "item"])
        query.tables[1].outerCondition = [playerOfItem]
        query.conditions = [fixture.field("item.id", 1, isNullable: true) == literal(7 as UInt64)]
        #expect(
            fixture.text(query) == """
                join player by player_id_idx_btree: id = item.player_id (1 row)
                  look up item by item_id_idx_btree: id = 7 (1 row)
                """)
    }

    @Test func plansOfVeryManyTablesAreMade() {
        let count = 201
        let query = fixture.query(
            Array(repeating: "item", count: count),
            where: (1..<count).map { fixture.field("item.id", $0 - 1) == fixture.field("item.player_id", $0) })
        let plan = fixture.planner.plan(query, fixture.statistics())
        #expect(plan.steps.count == count)
        #expect(plan.steps.dropFirst().allSatisfy { $0.access.isIndexed })
    }

    @Test func theUnoptimisedPlanLoopsInTheOrderOfTheQuery() {
        let query = fixture.query(["player", "item"], where: [playerOfItem])
        let plan = fixture.planner.plan(query, fixture.statistics(), options: .unoptimised)
        #expect(plan.steps.map(\.slot) == [0, 1] && plan.steps.allSatisfy { $0.access == .table })
        #expect(plan.steps[0].conditions.isEmpty && plan.steps[1].conditions == [playerOfItem])
    }

    @Test func everyConditionIsKeptOrAnswered() {
        // Two equalities between the same tables: one is looked up, the other tested.
        let query = fixture.query(
            ["player", "item"],
            where: [playerOfItem, fixture.field("player.level") == fixture.field("item.kind", 1)])
        #expect(
            fixture.text(query, rows: ["player": 10]) == """
                join item by item_player: player_id = player.id if kind = player.level (10 rows)
                  scan player (10 rows)
                """)
    }

    @Test func plansAreTextAndJSON() {
        var query = fixture.query(
            ["player", "item"], where: [playerOfItem, fixture.field("player.name") == literal("a")])
        query.limit = literal(3 as UInt64)
        let plan = fixture.planner.plan(query, fixture.statistics())
        let description = PlanDescription(plan, fixture.planner, fixture.statistics())
        #expect(description.lines.count == 3 && description.lines[0] == "limit 3")
        #expect(
            description.json.description
                == #"{"rowsRead":11,"plan":[{"operation":"limit 3"},"#
                + #"{"operation":"join","table":"item","index":"item_player","detail":"player_id = player.id","#
                + #""rows":10,"examined":10},"#
                + #"{"operation":"look up","table":"player","index":"player_name_idx_btree","detail":"name = \"a\"","#
                + #""rows":1,"examined":1}]}"#)
    }

    @Test func equalInputsGiveEqualPlans() {
        let query = fixture.query(
            ["player", "item", "grid", "wide"],
            where: [
                playerOfItem, fixture.field("grid.id", 2) == fixture.field("item.id", 1),
                fixture.field("wide.x", 3) == literal(1 as UInt8),
            ])
        let plans = Set((0..<20).map { _ in fixture.planner.plan(query, fixture.statistics()) })
        #expect(plans.count == 1)
    }
}
