import SpacetimeEngine
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// How many rows others than the owner may have read by a query: by the variable `row_limit`, which the owner sets.
extension TransactionRunner {
    /// So many rows may be read, by estimate; nil if nothing is set. With the lock held.
    func allowedRows() throws(DatabaseError) -> UInt64? {
        guard let row = try row(of: .rowLimit), case .sum(_, .u64(let limit)) = row else { return nil }
        return limit
    }

    /// The same as it was set in a picture.
    func allowedRows(in picture: DatastoreSnapshot) throws(DatabaseError) -> UInt64? {
        var limit: UInt64?
        do {
            try catalog.forEachRow(of: catalog.systemTables.variables, in: picture, where: .all) { row in
                guard case .product(let values)? = Self.variable(Array(row)),
                    values.first == .string(SystemVariable.rowLimit.rawValue),
                    case .sum(_, .u64(let value))? = values.last
                else { return }
                limit = value
            }
        } catch { throw DatabaseError(.internalInconsistency, "\(error)", cause: error) }
        return limit
    }

    private static func variable(_ row: [UInt8]) -> AlgebraicValue? {
        try? AlgebraicValue(bsatn: row, type: .product(SystemSchemas.variables.schema.rowType))
    }

    /// How many rows a plan reads, as estimated before it is run.
    func estimatedRows(_ plan: Plan, _ values: [[UInt8]], _ statistics: some PlanStatistics) -> Double {
        var plan = plan
        if case .parameter(let number, let type)? = plan.limit { plan.limit = .literal(values[number], type) }
        return catalog.planner.estimate(plan, ValuedStatistics(statistics, values)).rowsRead
    }

    /// Refuses what would read more rows than are allowed.
    func require(_ rows: Double, atMost limit: UInt64) throws(DatabaseError) {
        if rows <= Double(limit) { return }
        // Of rows that rules hide nobody is told how many there are.
        let estimate = catalog.rules.isEmpty ? "about \(Int(min(rows, 1e15)))" : "too many"
        throw DatabaseError(
            .limitReached,
            "the query would read \(estimate) rows, and \(limit) are allowed; ask for fewer, by conditions on indexed "
                + "columns or with LIMIT")
    }

    /// The value of a variable as it is stored; nil if it is not set.
    func row(of variable: SystemVariable) throws(DatabaseError) -> AlgebraicValue? {
        let tables = catalog.systemTables
        // Mostly nothing is set.
        if datastore.count(tables.variables) == 0 { return nil }
        let row: [UInt8]? = try variable.rawValue.bsatn().withBytes { key throws(DatabaseError) in
            do throws(EngineError) {
                return try datastore.find(tables.variablesKey, key: key).map { Array($0) }
            } catch {
                throw DatabaseError(error)
            }
        }
        guard let row, case .product(let values)? = Self.variable(row) else { return nil }
        return values.last
    }
}

/// What the queries that a client subscribes to in one step may have read together. Those that somebody watches already read
/// nothing.
struct AllowedRows {
    private let limit: UInt64
    private var rowsRead = 0.0

    /// Nil if there is no limit for the caller. With the lock held.
    init?(for caller: Caller, _ runner: TransactionRunner) throws(DatabaseError) {
        guard caller.identity != runner.catalog.owner.identity, let limit = try runner.allowedRows() else { return nil }
        self.limit = limit
    }

    /// Counts the rows that a query reads.
    ///
    /// - Throws: `limitReached` if they are too many.
    mutating func take(_ query: SessionQuery, _ runner: TransactionRunner) throws(DatabaseError) {
        let plan = runner.catalog.planner.plan(query.query, ValuedStatistics(runner.datastore, query.values))
        rowsRead += runner.estimatedRows(plan, query.values, runner.datastore)
        try runner.require(rowsRead, atMost: limit)
    }
}
