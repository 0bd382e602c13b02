import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// What a server answered to a statement.
struct SQLAnswer {
    /// The columns of the rows; empty for a statement that has none.
    let columns: ProductType
    let rows: [[AlgebraicValue]]
    let inserted: UInt64
    let deleted: UInt64
    let updated: UInt64
    /// What the server needed for it.
    let microseconds: Int64

    /// From the body of a reply of `sql`.
    init(json: JSON) throws(CommandFailure) {
        do throws(JSONError) {
            guard let result = json.arrayValue?.first else { throw .mismatch(path: "", expected: "an array") }
            columns = try ProductType(json: try result.required("schema"))
            let type = AlgebraicType.product(columns)
            rows = try result.list("rows").map { row throws(JSONError) in
                guard case .product(let fields) = try AlgebraicValue(json: row, type: type) else { return [] }
                return fields
            }
            let stats = result["stats"]
            inserted = stats?["rows_inserted"]?.integerValue() ?? 0
            deleted = stats?["rows_deleted"]?.integerValue() ?? 0
            updated = stats?["rows_updated"]?.integerValue() ?? 0
            microseconds = result["total_duration_micros"]?.integerValue() ?? 0
        } catch {
            throw CommandFailure(.refused, "the server's answer to the statement cannot be understood: \(error)")
        }
    }

    var names: [String] { columns.elements.enumerated().map { $1.name ?? "column \($0 + 1)" } }

    /// Whether the statement was one that changes rows.
    var isChange: Bool { columns.elements.isEmpty }

    /// `2 rows inserted`
    var changeText: String {
        let counts = [(inserted, "inserted"), (updated, "updated"), (deleted, "deleted")].filter { $0.0 > 0 }
        guard !counts.isEmpty else { return "no row changed" }
        return counts.map { "\($0.0) \($0.0 == 1 ? "row" : "rows") \($0.1)" }.joined(separator: ", ")
    }

    /// The values of all rows as texts; nil for what is absent.
    func texts() throws(CommandFailure) -> [[String?]] {
        let forms = columns.elements.map { ColumnText($0.algebraicType) }
        do {
            return try rows.map { row in try zip(forms, row).map { form, value in try form.text(value) } }
        } catch {
            throw CommandFailure(.refused, "a value of the answer has no text: \(error)")
        }
    }
}
