import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport

@testable import SpacetimeKit

/// Answers typed queries by what their bound form means: nested loops over the rows of all tables as values.
struct MarketOracle {
    private let db: Database<Market>
    private var evaluator: NaiveEvaluator

    init(_ db: Database<Market>) throws {
        self.db = db
        evaluator = NaiveEvaluator(tables: [:])
        let snapshot = try db.runner.snapshot()
        for id in snapshot.tableIDs {
            guard let schema = snapshot.schema(of: id) else { continue }
            var table = NaiveEvaluator.Table(types: schema.columns.map(\.type), rows: [])
            snapshot.forEachRow(of: id) { image in
                if case .product(let row)? = try? AlgebraicValue(bsatn: Array(image), type: .product(schema.rowType)) {
                    table.rows.append(row)
                }
            }
            evaluator.tables[id] = table
        }
    }

    func rows<Output>(_ query: some QueryConvertible<Output>) throws -> [Output] {
        let bound = try db.core.catalog.bound(query._draft, by: db.core.owner)
        return try evaluator.run(bound).map { values in
            bytes(values, bound.output).withUnsafeBytes { query._decode($0) }
        }
    }

    /// The values as a product: options where there may be none.
    private func bytes(_ values: [AlgebraicValue?], _ output: QueryOutput) -> [UInt8] {
        guard case .columns(let columns) = output else { return values.flatMap { $0?.bsatn() ?? [] } }
        return zip(columns, values).flatMap { column, value -> [UInt8] in
            guard let value else { return [1] }
            return (column.value.resultType == column.value.type ? [] : [0]) + value.bsatn()
        }
    }
}
