import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeQuery

/// Which index answers a condition on one table.
@Suite struct IndexSelectionTests {
    private let fixture: PlanningFixture

    init() throws { fixture = try PlanningFixture() }

    private func plan(_ table: String, _ conditions: Expression...) -> String {
        fixture.text(fixture.query([table], where: conditions))
    }

    private func wide(_ column: String, _ value: UInt8) -> Expression {
        fixture.field("wide.\(column)") == literal(value)
    }

    @Test func aWholeKeyIsLookedUpInAnyOrderOfConditions() {
        let expected = "look up wide by wide_x_y_z: x = 3 and y = 4 and z = 5 (10 rows)"
        #expect(plan("wide", wide("x", 3), wide("y", 4), wide("z", 5)) == expected)
        #expect(plan("wide", wide("z", 5), wide("x", 3), wide("y", 4)) == expected)
        #expect(plan("wide", .and([wide("y", 4), .and([wide("z", 5), wide("x", 3)])])) == expected)
    }

    @Test func aPrefixOfAnIndexIsARange() {
        #expect(plan("wide", wide("y", 1)) == "range of wide by wide_y_z: y = 1 (317 rows)")
        #expect(plan("wide", wide("y", 1), wide("z", 2)) == "look up wide by wide_y_z: y = 1 and z = 2 (10 rows)")
        #expect(plan("wide", wide("z", 1)) == "scan wide if z = 1 (1000 rows)")
    }

    @Test func whatNoIndexAnswersIsTested() {
        #expect(plan("wide", wide("w", 5), wide("x", 4)) == "look up wide by wide_x: x = 4 if w = 5 (1 row)")
    }

    @Test func rangesListsAndPrefixesOfTextsUseIndexes() {
        let level = fixture.field("player.level")
        #expect(
            plan("player", level >= literal(10 as UInt32), level < literal(20 as UInt32))
                == "range of player by player_level: level >= 10 and level < 20 (157 rows)")
        let values = ValueList(count: 3, bytes: [1, 2, 2].flatMap { UInt32($0).bsatn() })
        #expect(
            plan("player", .isIn(level, values))
                == "look up each in player by player_level: level in (1, 2, 2) (30 rows)")
        #expect(
            plan("player", .or([level == literal(1 as UInt32), level == literal(2 as UInt32)]))
                == "look up each in player by player_level: level in (1, 2) (20 rows)")
        #expect(
            plan("player", .hasPrefix(fixture.field("player.name"), Array("ad".utf8)))
                == #"range of player by player_name_idx_btree: name >= "ad" and name < "ae" (157 rows)"#)
        #expect(
            plan("player", .hasPrefix(fixture.field("player.blob"), [1, 255]))
                == "range of player by player_blob: blob >= 0x01ff and blob < 0x02 (157 rows)")
        #expect(
            plan("grid", fixture.field("grid.z") > literal(3 as Int32), fixture.field("grid.x") == literal(1 as Int32))
                == "range of grid by grid_x_z: x = 1 and z > 3 (64 rows)")
    }

    @Test func alternativesOfSeveralColumnsAreLookedUpEachInItsIndex() {
        let level = fixture.field("player.level")
        let (name, online) = (fixture.field("player.name"), fixture.field("player.online"))
        let either = Expression.or([
            .and([level == literal(3 as UInt32), online]), .hasPrefix(name, Array("ad".utf8)),
        ])
        let text = plan("player", either)
        #expect(
            text.hasPrefix(
                #"any of player: level = 3 by player_level or name >= "ad" and name < "ae" by player_name_idx_btree if (level = 3 and"#
            ), "\(text)")
        // One that no index answers may be met by any row.
        #expect(plan("player", .or([level == literal(3 as UInt32), online])).hasPrefix("scan player if"))
        // A condition that one index answers alone is better.
        #expect(
            plan("player", level == literal(7 as UInt32), either).hasPrefix(
                "look up player by player_level: level = 7 if"))
    }

    @Test func alternativesOfOneColumnAreRangesOfItsIndex() {
        let level = fixture.field("player.level")
        let ranges = Expression.or([
            level < literal(3 as UInt32), .and([level > literal(7 as UInt32), level <= literal(9 as UInt32)]),
            level == literal(5 as UInt32),
        ])
        #expect(
            plan("player", ranges)
                == "ranges of player by player_level: (level < 3 or level > 7 and level <= 9 or level = 5) (2167 rows)")
        // What an alternative says besides is tested.
        let online = Expression.or([
            .and([level == literal(3 as UInt32), fixture.field("player.online")]), level > literal(7 as UInt32),
        ])
        #expect(
            plan("player", online)
                == "ranges of player by player_level: (level = 3 or level > 7) if (level = 3 and online = true or level > 7) (1006 rows)"
        )
        // One that says nothing of the column may be met by any row.
        #expect(plan("player", .or([ranges, fixture.field("player.online")])).hasPrefix("scan player if"))
    }

    @Test func alternativesOfOptionsEndBeforeNil() {
        let tag = fixture.field("player.tag")
        #expect(
            plan("player", .or([tag == literal(3 as UInt32), tag > literal(7 as UInt32)]))
                == "ranges of player by player_tag: (tag = 3 or tag > 7 and tag is not null) (2011 rows)")
    }

    @Test func alternativesBehindAGivenColumnAreRangesOfTheNext() {
        let z = fixture.field("grid.z")
        #expect(
            plan(
                "grid", fixture.field("grid.x") == literal(1 as Int32),
                .or([z < literal(3 as Int32), z > literal(7 as Int32)]))
                == "ranges of grid by grid_x_z: x = 1 and (z < 3 or z > 7) (127 rows)")
    }

    @Test func hashIndexesAnswerAlternativesOfSingleValuesOnly() {
        let owner = fixture.field("player.owner")
        var query = fixture.query(
            ["player"], where: [.or([owner == .parameter(0, .identity), owner == .parameter(1, .identity)])],
            parameters: [QueryParameter(name: "a", type: .identity), QueryParameter(name: "b", type: .identity)])
        #expect(
            fixture.text(query) == "ranges of player by player_owner: (owner = :a or owner = :b) (20 rows)")
        query.conditions = [.or([owner == .parameter(0, .identity), owner > .parameter(1, .identity)])]
        #expect(fixture.text(query).hasPrefix("scan player if"))
    }

    @Test func hashIndexesAnswerWholeKeysOnly() {
        let owner = fixture.field("player.owner")
        let one = Expression.literal([UInt8](repeating: 1, count: 32), .identity)
        #expect(plan("player", owner == one).hasPrefix("look up player by player_owner: owner = "))
        #expect(plan("player", owner > one).hasPrefix("scan player if owner > "))
    }

    @Test func rangesOfOptionsEndBeforeNil() {
        let tag = fixture.field("player.tag")
        #expect(
            plan("player", tag > literal(5 as UInt32))
                == "range of player by player_tag: tag > 5 and tag is not null (2000 rows)")
        #expect(plan("player", tag == literal(5 as UInt32)) == "look up player by player_tag: tag = 5 (10 rows)")
    }

    @Test func somethingMissingIsNotUnequal() {
        let tag = fixture.field("player.tag")
        #expect(
            plan("player", .compare(.notEqual, tag, literal(5 as UInt32)))
                == "scan player if tag <> 5 and tag is not null (6300 rows)")
    }

    @Test func parametersAreLookedUpLikeValues() {
        var query = fixture.query(
            ["player"], where: [fixture.field("player.owner") == .parameter(0, .identity)],
            parameters: [QueryParameter(name: "sender", type: .identity)])
        #expect(fixture.text(query) == "look up player by player_owner: owner = :sender (10 rows)")
        query.conditions = [.parameter(0, .u32) <= fixture.field("player.level")]
        query.parameters = [QueryParameter(type: .u32)]
        #expect(fixture.text(query) == "range of player by player_level: level >= ?1 (2000 rows)")
    }

    @Test func constantsAreFolded() {
        let id = fixture.field("player.id")
        let sum = Expression.arithmetic(.add, literal(3 as UInt64), literal(4 as UInt64))
        #expect(plan("player", id == sum) == "look up player by player_id_idx_btree: id = 7 (1 row)")
        let overflow = Expression.arithmetic(.subtract, literal(3 as UInt64), literal(4 as UInt64))
        #expect(plan("player", id == overflow) == "scan player if id = (3 - 4) (1000 rows)")
        #expect(
            plan("player", .constant(true), literal(1 as UInt64) < literal(2 as UInt64)) == "scan player (10000 rows)")
        #expect(plan("player", literal(2 as UInt64) < literal(1 as UInt64)) == "if false\n  scan player (10000 rows)")
    }

    @Test func withoutIndexesAllIsTestedAtTheEnd() {
        let query = fixture.query(["wide"], where: [wide("x", 3), wide("y", 4)])
        #expect(fixture.text(query, options: .unoptimised) == "scan wide if x = 3 and y = 4 (100 rows)")
        let plan = fixture.planner.plan(query, fixture.statistics(), options: .unoptimised)
        #expect(plan.steps.map(\.filter) == [.all] && plan.steps[0].conditions.count == 2)
    }

    @Test func conditionsOfRowsAreTakenApart() {
        let predicate = RowPredicate.and(
            .compare(1, .equal, [3]), .and(.compare(0, .equal, [1]), .compare(2, .equal, [4])))
        #expect(
            plan("wide", .rows(slot: 0, predicate), wide("z", 5))
                == "look up wide by wide_x_y_z: x = 3 and y = 4 and z = 5 if w = 1 (1 row)")
    }

    @Test func theLimitOnRowsReadFollowsTheSpecification() throws {
        let one = try fixture.datastore.createTable(
            TableSchema(
                name: "ten", columns: [("a", .u8), ("b", .u8)], indexes: [IndexSchema(name: "ten_a", columns: [0])]
            ).validated())
        fixture.datastore.begin()
        for i in 0..<10 as Range<UInt8> {
            var row: [UInt8] = [i % 5, i]
            _ = try row.withUnsafeMutableBytes { try fixture.datastore.insert(one, row: $0) }
        }
        _ = fixture.datastore.commit()
        let planner = Planner(fixture.datastore)
        let field = Expression.field(QueryField(slot: 0, path: FieldPath(0), type: .u8))
        func read(_ conditions: [Expression], limit: Expression? = nil) -> Double {
            let query = BoundQuery(tables: [BoundQuery.Table(one)], conditions: conditions, limit: limit)
            return planner.estimate(planner.plan(query, fixture.datastore), fixture.datastore).rowsRead
        }
        #expect(read([field == literal(0 as UInt8)]) == 2)
        #expect(read([]) == 10)
        #expect(read([], limit: literal(3 as UInt64)) == 3)
        // A filter counts the rows again.
        #expect(read([.compare(.notEqual, field, literal(0 as UInt8))]) == 20)
    }
}
