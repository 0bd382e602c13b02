import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

/// What texts are bound to, against what they mean.
@Suite struct BinderOracleTests {
    private static let features: RandomQueries.Features = [
        .joins, .outerJoins, .columns, .aggregates, .windows, .arithmetic, .parameters,
    ]

    private struct Fixture {
        let model: ModelDatabase
        let ids: [TableID]
        let catalog: SQLCatalog
        let oracle: SQLiteOracle

        init(_ random: inout RandomValues) throws {
            var model = ModelDatabase(RandomSchema(&random, tables: 3))
            for _ in 0..<25 { _ = model.randomTransaction(&random) }
            self.model = model
            ids = model.schema.tables.indices.map { TableID(UInt32($0 + 5)) }
            catalog = SQLCatalog(zip(ids, model.schema.tables).map { SQLCatalog.Table($0, $1) })
            oracle = try SQLiteOracle(model)
        }

        func bind(_ text: String, _ language: SQLLanguage, lifting: Bool) throws -> (BoundSelect, SQLTemplate?) {
            let template = lifting ? try SQLTemplate(text) : nil
            let bound = try SQLBinder.select(
                text, in: catalog, language: language, isOwner: true, template: template)
            return (bound, template)
        }

        /// The rows of a bound query, as ``SQLiteOracle`` has them.
        func run(
            _ bound: BoundSelect, _ query: TestQuery, _ template: SQLTemplate?
        ) throws -> [[SQLiteDatabase.Value]] {
            let lifted = try template.map { try #require(bound.literalValues(of: $0)) } ?? []
            let values = try bound.query.parameters.enumerated().map { position, parameter in
                if let name = parameter.name { return try #require(query.parameters.first { $0.name == name }).value }
                return try AlgebraicValue(bsatn: #require(lifted[position]), type: parameter.type)
            }
            let rows = try model.evaluator(ids, parameters: values).run(bound.query)
            guard case .columns(let columns) = bound.query.output else { return SQLiteOracle.canonical(rows) }
            // A column that is an option comes as one; the query names what is in it.
            return SQLiteOracle.canonical(
                rows.map { row in
                    zip(row, columns).map { value, column in
                        guard column.value.type.optionPayload != nil, case .sum(let tag, let payload)? = value else {
                            return value
                        }
                        return tag == 0 ? payload : nil
                    }
                })
        }
    }

    /// The result of the query itself; nil if that depends on the order of doing things.
    private func expected(_ query: TestQuery, _ fixture: Fixture) throws -> [[SQLiteDatabase.Value]]? {
        let bound = query.bound(fixture.ids)
        let evaluator = fixture.model.evaluator(fixture.ids, parameters: query.parameters.map(\.value))
        return evaluator.mayFail(bound) ? nil : SQLiteOracle.canonical(try evaluator.run(bound))
    }

    @Test func boundTextsMeanWhatTheySay() throws {
        let base = freshSeed()
        var (asked, answered) = (0, 0)
        for seed in base..<(base &+ seedCount(60)) {
            var random = RandomValues(seed: seed)
            let fixture = try Fixture(&random)
            var queries = RandomQueries(fixture.model, Self.features)
            for number in 0..<30 {
                let query = queries.next(&random)
                guard let text = query.sql(fixture.model.schema.tables) else { continue }
                asked += 1
                func note() -> Comment { Comment(rawValue: "SPACETIME_SEED=\(seed), query \(number): \(text)") }
                do {
                    guard let rows = try expected(query, fixture) else { continue }
                    answered += 1
                    for lifting in [false, true] {
                        let (bound, template) = try fixture.bind(text, .adHoc, lifting: lifting)
                        let found = try fixture.run(bound, query, template)
                        #expect(query.isOrdered ? found == rows : found.sortedRows() == rows.sortedRows(), note())
                    }
                    if let other = try fixture.oracle.run(query) {
                        #expect(query.isOrdered ? other == rows : other.sortedRows() == rows.sortedRows(), note())
                    }
                } catch {
                    Issue.record(error, note())
                }
            }
        }
        #expect(answered * 10 > asked * 7 && asked > 1_000, "\(answered) of \(asked)")
    }

    /// One plan serves all texts that differ in their literals.
    @Test func templatesTakeTheLiteralsOfOtherTexts() throws {
        let base = freshSeed()
        var (asked, alike) = (0, 0)
        for seed in base..<(base &+ seedCount(40)) {
            var random = RandomValues(seed: seed)
            let fixture = try Fixture(&random)
            var queries = RandomQueries(fixture.model, Self.features)
            for number in 0..<20 {
                let query = queries.next(&random)
                let other = query.replacingLiterals { value, type in
                    let new = random.fewValue(of: type)
                    return type == .f32 || type == .f64 || random.oneIn(3) ? value : new
                }
                let schema = fixture.model.schema.tables
                guard let text = query.sql(schema), let otherText = other.sql(schema) else { continue }
                asked += 1
                func note() -> Comment {
                    Comment(rawValue: "SPACETIME_SEED=\(seed), query \(number): \(text) for \(otherText)")
                }
                do {
                    let (bound, _) = try fixture.bind(text, .adHoc, lifting: true)
                    let template = try SQLTemplate(otherText)
                    guard bound.isTemplate, try SQLTemplate(text).key == template.key else { continue }
                    guard let rows = try expected(other, fixture) else { continue }
                    alike += 1
                    let found = try fixture.run(bound, other, template)
                    #expect(query.isOrdered ? found == rows : found.sortedRows() == rows.sortedRows(), note())
                } catch {
                    Issue.record(error, note())
                }
            }
        }
        #expect(alike * 4 > asked, "\(alike) of \(asked)")
    }
}
