import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeQuery

/// How queries are kept up to date, and which cannot be.
@Suite struct LivePlanTests {
    private let fixture: PlanningFixture

    init() throws { fixture = try PlanningFixture() }

    private func live(_ query: BoundQuery) throws -> LivePlan {
        try fixture.planner.livePlan(query, fixture.statistics())
    }

    private func error(_ tables: [String], _ conditions: Expression...) -> PlanError? {
        do throws(PlanError) {
            _ = try fixture.planner.livePlan(fixture.query(tables, where: conditions), fixture.statistics())
            return nil
        } catch { return error }
    }

    private var playerOfItem: Expression { fixture.field("player.id", 0) == fixture.field("item.player_id", 1) }

    @Test func aTableIsFilteredByItself() throws {
        let plan = try live(fixture.query(["player"], where: [fixture.field("player.level") > literal(3 as UInt32)]))
        #expect(plan.deltas.count == 1 && plan.unindexed.isEmpty && !plan.deltas[0].isInsertOnly)
        let step = try #require(plan.deltas[0].plan.steps.first)
        #expect(step.source == .changes && step.access == .table)
        #expect(step.filter == .compare(4, .greater, UInt32(3).bsatn()))
        #expect(plan.base.steps[0].access.index == fixture.index("player_level"))
    }

    @Test func eachTableOfAJoinIsLookedUpFromTheOther() throws {
        let plan = try live(fixture.query(["player", "item"], where: [playerOfItem]))
        #expect(
            plan.deltas.map { fixture.text($0.plan) } == [
                """
                join earlier item by item_player: player_id = player.id (10 rows)
                  changes of player (1 row)
                """,
                """
                join player by player_id_idx_btree: id = item.player_id (1 row)
                  changes of item (1 row)
                """,
            ])
        #expect(plan.deltas.map { $0.plan.steps.map(\.source) } == [[.changes, .tableBefore], [.changes, .table]])
    }

    @Test func tablesBeforeAreAsTheyAreAndThoseBehindAsTheyWere() throws {
        let query = fixture.query(
            ["item", "player", "grid"],
            where: [
                fixture.field("item.player_id") == fixture.field("player.id", 1),
                fixture.field("grid.id", 2) == fixture.field("item.id"),
            ])
        // Nothing finds an item by its player and its id but the indexes on them.
        let plan = try live(query)
        for delta in plan.deltas {
            #expect(delta.plan.steps[0].slot == delta.slot)
            for step in delta.plan.steps.dropFirst() {
                #expect(step.source == (step.slot < delta.slot ? .table : .tableBefore))
                #expect(step.access.isIndexed)
            }
        }
    }

    @Test func joinsWithoutIndexesAreRefused() {
        // Numbers of the specification's examples.
        let levelOfKind = fixture.field("player.level") == fixture.field("item.kind", 1)
        #expect(error(["player", "item"], playerOfItem) == nil, "24")
        #expect(error(["player", "item"], playerOfItem, fixture.field("player.name") == literal("a")) == nil, "25")
        #expect(error(["player", "item"], levelOfKind) == .joinNeedsIndex(table: "item", columns: ["kind"]), "28")
        #expect(
            error(["player", "item"], levelOfKind, fixture.field("item.kind", 1) == literal(4 as UInt32)) == nil, "29")
        #expect(error(["player", "item"]) == .joinNeedsEquality(table: "item"), "30")
        #expect(error(["item", "item"], fixture.field("item.id") == fixture.field("item.player_id", 1)) == nil, "36")
        #expect(
            error(["player", "ping"], fixture.field("player.level") == fixture.field("ping.id", 1))
                == .joinNeedsIndex(table: "ping", columns: ["id"]), "41")
        #expect(
            error(["player", "signal"], fixture.field("player.level") == fixture.field("signal.id", 1))
                == .eventTableLookedUp(table: "signal"), "41")
        #expect("\(PlanError.joinNeedsIndex(table: "item", columns: ["kind"]))".contains("add an index on 'kind'"))
    }

    @Test func bothSidesOfAnOuterJoinAreLookedUpFromTheOther() throws {
        var query = fixture.query(["player", "item"])
        query.tables[1].outerCondition = [playerOfItem, fixture.field("item.kind", 1) > literal(3 as UInt32)]
        let plan = try live(query)
        #expect(plan.deltas.map(\.slot) == [0] && plan.unindexed.isEmpty)
        let outer = try #require(plan.outers.first)
        #expect(plan.outers.count == 1)
        #expect(outer.before == plan.deltas[0].plan)
        #expect(outer.before.steps.map(\.source) == [.changes, .tableBefore] && outer.before.steps[1].isOuter)
        #expect(outer.after.steps.map(\.source) == [.changes, .table] && outer.after.steps[1].isOuter)
        #expect(outer.affected.steps.map(\.slot) == [1, 0] && !outer.affected.steps[1].isOuter)
        #expect(outer.affected.steps[1].access.isIndexed && outer.after.steps[1].access.isIndexed)
    }

    /// A condition that nothing meets which is missing.
    @Test func anOuterJoinThatDropsWhatFoundNothingIsAnInnerOne() throws {
        var query = fixture.query(["player", "item"], where: [fixture.field("item.kind", 1) == literal(3 as UInt32)])
        query.tables[1].outerCondition = [playerOfItem]
        let plan = try live(query)
        #expect(plan.outers.isEmpty && plan.deltas.count == 2)
    }

    /// Each table in turn has changed, with those before it as they are and those behind it as they were.
    @Test func outerJoinsOfSeveralTablesAreFollowedOneAfterTheOther() throws {
        var query = fixture.query(["player", "item", "item"])
        query.tables[1].outerCondition = [playerOfItem]
        query.tables[2].outerCondition = [fixture.field("item.id", 1) == fixture.field("item.player_id", 2)]
        let plan = try live(query)
        #expect(plan.deltas.map(\.slot) == [0] && plan.outers.count == 2)
        #expect(
            plan.outers.map { $0.before.steps.map(\.source) } == [
                [.changes, .tableBefore, .tableBefore], [.changes, .table, .tableBefore],
            ])
        #expect(
            plan.outers.map { $0.after.steps.map(\.source) } == [
                [.changes, .table, .tableBefore], [.changes, .table, .table],
            ])
        // The third table finds the first one through the second, and the second one without the third.
        #expect(plan.outers.map { $0.affected.steps.map(\.slot) } == [[1, 0], [2, 1, 0]])
        #expect(plan.outers.allSatisfy { $0.affected.steps.allSatisfy { !$0.isOuter } })
        // One in the middle that must be there is followed by itself.
        query.tables[1].outerCondition = nil
        query.conditions = [playerOfItem]
        let mixed = try live(query)
        #expect(mixed.deltas.map(\.slot) == [0, 1] && mixed.outers.count == 1)
    }

    /// Events are told with what there is after the commit, or with nothing, and that is all.
    @Test func anEventIsJoinedToWhatThereIsAfterTheCommit() throws {
        var query = fixture.query(["signal", "player"])
        query.tables[1].outerCondition = [fixture.field("signal.id") == fixture.field("player.level", 1)]
        let plan = try live(query)
        #expect(plan.deltas.map(\.slot) == [0] && plan.deltas[0].isInsertOnly && plan.outers.isEmpty)
        #expect(plan.deltas[0].plan.steps.map(\.source) == [.changes, .table])
        #expect(plan.deltas[0].plan.steps[1].isOuter && plan.deltas[0].plan.steps[1].access.isIndexed)
        query.tables[1].outerCondition = nil
        query.conditions = [fixture.field("signal.id") == fixture.field("player.level", 1)]
        let inner = try live(query)
        #expect(inner.deltas.map(\.isInsertOnly) == [true])
        #expect(inner.deltas[0].plan.steps.map(\.source) == [.changes, .table])
    }

    @Test func outerJoinsWithoutIndexesEventsBehindThemAndConstantsAreRefused() {
        var events = fixture.query(["player", "signal"])
        events.tables[1].outerCondition = [fixture.field("player.level") == fixture.field("signal.id", 1)]
        #expect(throws: PlanError.eventTableLookedUp(table: "signal")) { try live(events) }
        var both = fixture.query(["signal", "signal"])
        both.tables[1].outerCondition = [fixture.field("signal.id") == fixture.field("signal.id", 1)]
        #expect(throws: PlanError.eventTableLookedUp(table: "signal")) { try live(both) }
        var unindexed = fixture.query(["player", "log"])
        unindexed.tables[1].outerCondition = [fixture.field("player.level", 0) == fixture.field("log.kind", 1)]
        #expect(throws: PlanError.joinNeedsIndex(table: "log", columns: ["kind"])) { try live(unindexed) }
        #expect(throws: PlanError.noTable) { try live(fixture.query([])) }
    }

    @Test func aDeltaWithoutAnIndexIsReported() throws {
        let plan = try live(
            fixture.query(
                ["player", "item"],
                where: [
                    fixture.field("player.level") == fixture.field("item.kind", 1),
                    fixture.field("item.kind", 1) == literal(4 as UInt32),
                ]))
        #expect(plan.unindexed == [UnindexedJoin(slot: 0, table: "item", columns: ["kind"])])
    }

    @Test func eventTablesDriveAndOnlyGain() throws {
        let query = fixture.query(
            ["ping", "player"], where: [fixture.field("ping.id") == fixture.field("player.level", 1)])
        let plan = try live(query)
        #expect(plan.deltas.map(\.slot) == [0] && plan.deltas[0].isInsertOnly)
        #expect(error(["ping", "signal"], fixture.field("ping.id") == fixture.field("signal.id", 1)) != nil)
        #expect(try live(fixture.query(["ping"])).deltas.map(\.isInsertOnly) == [true])
    }

    @Test func groupsAreFedWithKeysAndArguments() throws {
        var query = fixture.query(["item"])
        let kind = fixture.field("item.kind")
        let id = fixture.field("item.id")
        query.grouping = Grouping(keys: [kind], aggregates: [QueryAggregate(.count), QueryAggregate(.max, of: id)])
        query.output = .columns([QueryColumn("n", .aggregate(0, .u64, isNullable: false))])
        let plan = try live(query)
        #expect(plan.base.grouping == query.grouping)
        #expect(plan.deltas[0].plan.grouping == nil)
        #expect(plan.deltas[0].plan.output == .columns([QueryColumn("0", kind), QueryColumn("1", id)]))
    }

    // MARK: Pruning

    private func pruning(_ query: BoundQuery) throws -> [PlanPruning] { try live(query).deltas.map(\.pruning) }

    @Test func equalitiesListsAndBoundsPrune() throws {
        let level = fixture.queryField("player.level")
        let values = ValueList(count: 2, bytes: UInt32(1).bsatn() + UInt32(2).bsatn())
        let x = fixture.queryField("grid.x")
        let z = fixture.queryField("grid.z")
        var facts = try pruning(fixture.query(["player"], where: [.field(level) == literal(3 as UInt32)]))
        #expect(facts[0].equalities == [PlanPruning.Equality(field: level, value: .literal(UInt32(3).bsatn()))])
        facts = try pruning(
            fixture.query(
                ["player"],
                where: [.or([.field(level) == literal(1 as UInt32), .field(level) == literal(2 as UInt32)])]))
        #expect(facts[0].sets == [PlanPruning.OneOf(field: level, values: .values(values))])
        facts = try pruning(
            fixture.query(
                ["grid"],
                where: [
                    .field(x) >= literal(1 as Int32), .field(x) < literal(9 as Int32), .field(z) > literal(2 as Int32),
                    .field(z) > literal(4 as Int32),
                ]))
        #expect(
            facts[0].ranges == [
                PlanPruning.Range(
                    field: x, lower: .included(.literal(Int32(1).bsatn())),
                    upper: .excluded(.literal(Int32(9).bsatn()))),
                PlanPruning.Range(field: z, lower: .excluded(.literal(Int32(2).bsatn())), upper: .unbounded),
            ])
    }

    @Test func floatsPruneByRangesOnly() throws {
        let ratio = fixture.queryField("player.ratio")
        let half = Expression.literal(Float(0.5).bsatn(), .f32)
        let facts = try pruning(fixture.query(["player"], where: [.field(ratio) == half]))
        let bound = PlanPruning.Range.Bound.included(.literal(Float(0.5).bsatn()))
        #expect(facts[0].equalities.isEmpty)
        #expect(facts[0].ranges == [PlanPruning.Range(field: ratio, lower: bound, upper: bound)])
    }

    @Test func whatIsSaidOfOneSideOfAJoinPrunesTheOther() throws {
        let facts = try pruning(
            fixture.query(
                ["player", "item"], where: [playerOfItem, fixture.field("item.player_id", 1) > literal(5 as UInt64)]))
        #expect(
            facts.map { $0.ranges.map(\.lower) } == [
                [.excluded(.literal(UInt64(5).bsatn()))], [.excluded(.literal(UInt64(5).bsatn()))],
            ])
    }

    @Test func aJoinLeadsToTheValueThatPrunes() throws {
        // SELECT i.* FROM item i JOIN player p ON i.player_id = p.id WHERE p.name = 'a'
        let name = fixture.queryField("player.name", 1)
        let facts = try pruning(
            fixture.query(
                ["item", "player"],
                where: [
                    fixture.field("item.player_id") == fixture.field("player.id", 1), .field(name) == literal("a"),
                ]))
        #expect(
            facts[0].edges == [
                PlanPruning.Edge(
                    field: fixture.queryField("item.player_id"), index: fixture.index("player_id_idx_btree"), tag: nil,
                    isUnique: true, target: name, value: .literal("a".bsatn()))
            ])
        #expect(facts[1].equalities.count == 1 && facts[1].edges.isEmpty)
    }

    @Test func alternativesOfDifferentFieldsPruneNothing() throws {
        let facts = try pruning(
            fixture.query(
                ["grid"],
                where: [
                    .or([
                        fixture.field("grid.x") == literal(1 as Int32), fixture.field("grid.z") == literal(1 as Int32),
                    ])
                ]))
        #expect(facts == [PlanPruning()])
    }

    @Test func whatNeverHoldsConcernsNoRow() throws {
        #expect(try pruning(fixture.query(["grid"], where: [.constant(false)]))[0].isNever)
    }
}
