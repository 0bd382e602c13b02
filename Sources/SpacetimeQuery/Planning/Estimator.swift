import SpacetimeEngine

/// Guesses how many rows there will be, from the sizes of tables and the numbers of different keys.
///
/// Where nothing is known of a condition, the usual guesses of databases stand in. All of it is arithmetic on what the
/// statistics say, so equal statistics give equal plans.
struct Estimator {
    let planner: Planner
    let statistics: any PlanStatistics
    private let counts = Counts()

    init(planner: Planner, statistics: any PlanStatistics) {
        self.planner = planner
        self.statistics = statistics
    }

    /// What was counted already: an order of tables is tried with the same accesses as others.
    private final class Counts {
        var rows: [Plan.Access: Int?] = [:]
    }

    /// Nil if it is not known.
    private func counted(_ access: Plan.Access) -> Double? {
        if let known = counts.rows[access] { return known.map(Double.init) }
        let count = statistics.rowCount(of: access)
        counts.rows[access] = .some(count)
        return count.map(Double.init)
    }

    /// In units of a row that is read where it lies in its table.
    enum Cost {
        static let seek = 12.0
        /// An index hands rows out in the order of its keys, which jumps about in memory.
        static let indexedRow = 4.0
        static let listedKey = 20.0
        static let hashedRow = 8.0
        /// As much as a look-up in an index: so a hash table is made where there is no index, or where it finds fewer rows.
        static let hashProbe = 12.0
        static let sortedRow = 12.0
        /// If only the first ones are kept.
        static let comparedRow = 2.0
        /// Tables count as if they had so many more rows: a plan is often kept while they grow, and small ones do not matter.
        static let missingRows = 100.0
    }

    func rowCount(of table: TableID) -> Double { Double(statistics.rowCount(of: table)) }

    /// How many rows an access finds each time.
    func rowCount(of access: Plan.Access, _ table: TableID) -> Double {
        let rows = rowCount(of: table)
        switch access {
        case .table: return rows
        case .key(let id, let parts):
            guard let index = planner.table(table)?.index(id) else { return rows }
            return rows * share(index, parts.count, rows)
        case .range(let id, let range):
            if let count = counted(access) { return count }
            guard let index = planner.table(table)?.index(id) else { return rows }
            return rows * share(index, range.prefix.count, rows) * Self.share(between: range.lower, range.upper)
        case .ranges(let id, let prefix, let intervals):
            if let count = counted(access) { return min(count, rows) }
            guard let index = planner.table(table)?.index(id) else { return rows }
            let point = share(index, prefix.count + 1, rows)
            let whole = share(index, prefix.count, rows)
            let shares = intervals.map { interval in
                interval.point == nil ? whole * Self.share(between: interval.lower, interval.upper) : point
            }
            return rows * min(shares.reduce(0, +), whole)
        case .keys(let id, let prefix, _, let values):
            if let count = counted(access) { return count }
            guard let index = planner.table(table)?.index(id) else { return rows }
            return min(rows * share(index, prefix.count + 1, rows) * Self.length(values), rows)
        case .any(let accesses): return min(accesses.reduce(0) { $0 + rowCount(of: $1, table) }, rows)
        case .hash(let keys, let inner):
            let found = rowCount(of: inner, table)
            let share = keys.map { equalShare($0.field.path, table, rows) }.min() ?? 1
            return found * share
        }
    }

    /// The part of values that lies between bounds of which only is known whether there are any. Whoever gives both asks for
    /// few mostly; and of two wrong guesses, to go through an index in vain costs less than to go through a table in vain.
    private static func share(between lower: Plan.Interval.Bound, _ upper: Plan.Interval.Bound) -> Double {
        let ends = (lower == .unbounded ? 0 : 1) + (upper == .unbounded || upper == .beforeNil ? 0 : 1)
        return [1, 1.0 / 5, 1.0 / 64][ends]
    }

    /// How many values a list has.
    private static func length(_ list: Plan.ListOperand) -> Double {
        switch list {
        case .values(let values): Double(values.count)
        case .parameter: 10
        }
    }

    /// The part of a table that has one value in the leading columns of an index.
    func share(_ index: PlannedIndex, _ columns: Int, _ rows: Double) -> Double {
        if columns == 0 || rows == 0 { return 1 }
        let keys = max(Double(statistics.keyCount(of: index.id)), 1)
        if columns == index.columns.count { return 1 / keys }
        // Each column is thought to part the rows as much as the others do.
        var share = 1.0
        let perColumn = Self.root(keys, index.columns.count)
        for _ in 0..<columns { share /= perColumn }
        return share
    }

    /// Newton's method, since there is no logarithm without Foundation; a rough value will do.
    private static func root(_ value: Double, _ degree: Int) -> Double {
        if degree == 2 { return value.squareRoot() }
        if degree == 4 { return value.squareRoot().squareRoot() }
        var guess = max(value.squareRoot(), 1)
        for _ in 0..<40 {
            var power = 1.0
            for _ in 1..<degree { power *= guess }
            guess = (Double(degree - 1) * guess + value / power) / Double(degree)
        }
        return max(guess, 1)
    }

    /// The part of a table that has one value in a field.
    func equalShare(_ path: FieldPath, _ table: TableID, _ rows: Double) -> Double {
        for index in planner.table(table)?.indexes ?? [] where index.columns.first == path.column {
            if index.columns.count == 1 { return 1 / max(Double(statistics.keyCount(of: index.id)), 1) }
        }
        return 0.1
    }

    /// What it costs to find so many rows once.
    func cost(of access: Plan.Access, _ found: Double, _ table: TableID) -> Double {
        switch access {
        case .table: rowCount(of: table) + Cost.missingRows
        case .key, .range: Cost.seek + found * Cost.indexedRow
        case .keys(_, _, _, let values): Self.length(values) * Cost.listedKey + found * Cost.indexedRow
        case .ranges(_, _, let intervals): Double(intervals.count) * Cost.listedKey + found * Cost.indexedRow
        case .any(let accesses):
            accesses.reduce(0) { $0 + cost(of: $1, rowCount(of: $1, table), table) } + found * Cost.comparedRow
        case .hash: Cost.hashProbe + found * Cost.indexedRow
        }
    }

    // MARK: Conditions

    /// The part of rows that meet a condition on their own table.
    func share(meeting part: QueryGraph.Part, _ table: TableID) -> Double {
        guard part.count == 1, let term = part.first else { return part.contains(.or) ? 0.5 : 0.7 }
        let rows = rowCount(of: table)
        switch term {
        case .all: return 1
        case .none: return 0
        case .compare(let path, let comparison, _), .compareParameter(let path, let comparison, _):
            return share(comparison) { equalShare(path, table, rows) }
        case .compareFields(_, let comparison, _): return share(comparison) { 0.1 }
        case .isIn(let path, let values):
            return min(equalShare(path, table, rows) * Self.length(.values(values)), 0.9)
        case .isInParameter(let path, let number):
            return min(equalShare(path, table, rows) * Self.length(.parameter(number)), 0.9)
        case .hasPrefix: return 0.1
        case .isPresent, .and, .or, .not: return 0.7
        }
    }

    /// The part of combinations that meet a condition.
    func share(meeting condition: Expression) -> Double {
        switch condition {
        case .compare(let comparison, _, _): share(comparison) { 0.1 }
        case .isIn, .hasPrefix: 0.1
        case .constant(let holds): holds ? 1 : 0
        default: 0.5
        }
    }

    private func share(_ comparison: RowPredicate.Comparison, equal: () -> Double) -> Double {
        switch comparison {
        case .equal: equal()
        case .notEqual: 0.9
        case .less, .lessOrEqual, .greater, .greaterOrEqual: 1.0 / 3
        }
    }
}
