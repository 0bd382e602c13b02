package import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema

/// What a query means: nested loops over decoded rows, as plain as they can be.
///
/// Whatever runs queries faster is compared with this. It uses nothing of the engine but the data types that a query is
/// written in, and equality and order of `AlgebraicValue`, which are those of keys.
package struct NaiveEvaluator {
    package typealias Row = [AlgebraicValue]
    /// One row for each table so far; nil where an outer join found none.
    typealias Combination = [Row?]

    package enum Failure: Error, Hashable {
        /// A number does not fit into its type.
        case overflow
        case divisionByZero
        /// The query itself is not one.
        case malformed(String)
    }

    /// Rows, and the types of their columns.
    package struct Table: Sendable {
        package var types: [AlgebraicType]
        package var rows: [Row]

        package init(types: [AlgebraicType], rows: [Row]) {
            self.types = types
            self.rows = rows
        }
    }

    package var tables: [TableID: Table]
    package var parameters: [AlgebraicValue]
    /// The types of the columns of each of the query's tables.
    var types: [[AlgebraicType]] = []
    /// Nothing is left out because the result is known already: what could fail, does.
    private var isEager = false

    package init(tables: [TableID: Table], parameters: [AlgebraicValue] = []) {
        self.tables = tables
        self.parameters = parameters
    }

    /// The rows of the result in their order, each a list of values, nil for those that are missing.
    package func run(_ query: BoundQuery) throws -> [[AlgebraicValue?]] {
        var evaluator = self
        evaluator.types = query.tables.map { tables[$0.id]?.types ?? [] }
        return try evaluator.evaluate(query)
    }

    private func evaluate(_ query: BoundQuery) throws -> [[AlgebraicValue?]] {
        var scopes = try combinations(query).map { Scope(rows: $0) }
        if let grouping = query.grouping { scopes = try groups(of: scopes, grouping) }
        var results = try scopes.map { (values: try output($0, query.output), scope: $0) }
        if query.isDistinct {
            if case .rows = query.output {
                // Rows are as they are stored: they differ if their bytes do.
                var seen: Set<[UInt8]> = []
                results = results.filter { seen.insert($0.values.flatMap { $0?.bsatn() ?? [] }).inserted }
            } else {
                var seen: Set<[AlgebraicValue?]> = []
                results = results.map { ($0.values.map { $0?.ordinary }, $0.scope) }
                results = results.filter { seen.insert($0.values).inserted }
            }
        }
        if !query.order.isEmpty {
            let keyed = try results.map { result in
                (key: try query.order.map { try value($0.value, result.scope) }, result: result)
            }
            results = keyed.enumerated().sorted { left, right in
                Self.isBefore(left.element.key, right.element.key, query.order) ?? (left.offset < right.offset)
            }.map(\.element.result)
        }
        let skipped = try count(query.offset) ?? 0
        let kept = try count(query.limit) ?? .max
        return results.dropFirst(Int(clamping: skipped)).prefix(Int(clamping: kept)).map(\.values)
    }

    /// Whether some order of doing things would meet a number that does not fit, which another order may avoid.
    package func mayFail(_ query: BoundQuery) -> Bool {
        // Beside a table without rows nothing is computed here, where a plan may compute something of the other's.
        if query.hasArithmetic, query.tables.contains(where: { tables[$0.id]?.rows.isEmpty ?? true }) { return true }
        var eager = self
        eager.isEager = true
        return (try? eager.run(query)) == nil
    }

    // MARK: Tables

    private func combinations(_ query: BoundQuery) throws -> [Combination] {
        var combinations: [Combination] = [[]]
        for (slot, table) in query.tables.enumerated() {
            guard let rows = tables[table.id]?.rows else { throw Failure.malformed("no table #\(table.id.rawValue)") }
            var next: [Combination] = []
            for combination in combinations {
                var isAlone = true
                for row in rows {
                    let candidate = combination + [row]
                    // An outer join whose missing rows are not wanted may be turned into another one.
                    guard try areMet(table.outerCondition ?? [], candidate) || isEager else { continue }
                    isAlone = false
                    next.append(candidate)
                }
                // The row without a partner as well, where pairs are kept whether they meet the condition or not.
                if isAlone || isEager, table.outerCondition != nil { next.append(combination + [nil]) }
            }
            // A condition is tested as soon as its tables are there: that changes nothing but how long it takes.
            let met = try next.filter { try areMet(query.conditions, upTo: slot, $0) }
            combinations = isEager ? next : met
        }
        return try combinations.filter { try areMet(query.conditions, $0) }
    }

    private func areMet(_ conditions: [Expression], _ rows: Combination) throws -> Bool {
        let scope = Scope(rows: rows)
        return try all(conditions) { try holds($0, scope) }
    }

    private func areMet(_ conditions: [Expression], upTo slot: Int, _ rows: Combination) throws -> Bool {
        let ready = conditions.filter { condition in
            var last = -1
            condition.forEachSlot { last = max(last, $0) }
            return last == slot
        }
        return try areMet(ready, rows)
    }

    func all(_ conditions: [Expression], _ test: (Expression) throws -> Bool) throws -> Bool {
        if isEager { return try conditions.map(test).allSatisfy { $0 } }
        return try conditions.allSatisfy(test)
    }

    func any(_ conditions: [Expression], _ test: (Expression) throws -> Bool) throws -> Bool {
        if isEager { return try conditions.map(test).contains(true) }
        return try conditions.contains(where: test)
    }

    // MARK: Groups

    private func groups(of scopes: [Scope], _ grouping: Grouping) throws -> [Scope] {
        var order: [[AlgebraicValue?]] = []
        var members: [[AlgebraicValue?]: [Scope]] = [:]
        for scope in scopes {
            let keys = try grouping.keys.map { try shown($0, scope)?.ordinary }
            if members[keys] == nil { order.append(keys) }
            members[keys, default: []].append(scope)
        }
        if grouping.keys.isEmpty, order.isEmpty { order = [[]] }
        let groups = try order.map { keys in
            var group = Scope(rows: [], keys: keys)
            group.aggregates = try grouping.aggregates.map { try aggregate($0, members[keys] ?? []) }
            return group
        }
        return try groups.filter { group in try all(grouping.conditions) { try holds($0, group) } }
    }

    private func aggregate(_ aggregate: QueryAggregate, _ scopes: [Scope]) throws -> Aggregate {
        guard let argument = aggregate.argument else { return .integer(Int256(Int128(scopes.count))) }
        var values = try scopes.compactMap { try value(argument, $0) }
        if argument.type.optionPayload != nil {
            values = values.compactMap { if case .sum(tag: 0, let payload) = $0 { payload } else { nil } }
        }
        if aggregate.isDistinct {
            var seen: Set<AlgebraicValue> = []
            values = values.filter { seen.insert($0).inserted }
        }
        switch aggregate.function {
        case .count: return .integer(Int256(Int128(values.count)))
        case .min: return values.min().map { .value($0.ordinary) } ?? .missing
        case .max: return values.max().map { .value($0.ordinary) } ?? .missing
        case .sum: return values.isEmpty ? .missing : try Self.sum(values)
        case .average:
            if values.isEmpty { return .missing }
            return .float(try Self.sum(values).divided(by: values.count))
        }
    }

    private static func sum(_ values: [AlgebraicValue]) throws -> Aggregate {
        var whole = Int256.zero
        var float = 0.0
        var isWhole = true
        for value in values {
            if let number = value.wholeNumber {
                let (sum, overflow) = whole.addingReportingOverflow(number)
                if overflow { throw Failure.overflow }
                whole = sum
            } else if let number = value.floatingPoint {
                isWhole = false
                float += number
            } else {
                throw Failure.malformed("a sum of \(value)")
            }
        }
        return isWhole ? .integer(whole) : .float(float)
    }

    // MARK: Output

    /// What a result shows: nil stands for an option that is missing and for one that is nil.
    private func shown(_ expression: Expression, _ scope: Scope) throws -> AlgebraicValue? {
        try value(expression, scope) ?? (expression.type.optionPayload == nil ? nil : AlgebraicValue.none)
    }

    private func output(_ scope: Scope, _ output: QueryOutput) throws -> [AlgebraicValue?] {
        switch output {
        case .columns(let columns): return try columns.map { try shown($0.value, scope) }
        case .rows(let slot):
            guard let row = scope.rows[slot] else { throw Failure.malformed("rows of an outer join's right side") }
            return row
        }
    }

    /// Nil if neither comes first. What is missing comes behind all values, and is what nil is.
    private static func isBefore(
        _ left: [AlgebraicValue?], _ right: [AlgebraicValue?], _ order: [OrderTerm]
    ) -> Bool? {
        for (term, pair) in zip(order, zip(left, right)) {
            let isLess: Bool
            let isOption = term.value.type.optionPayload != nil
            func present(_ value: AlgebraicValue?) -> AlgebraicValue? {
                isOption && value == AlgebraicValue.none ? nil : value
            }
            switch (present(pair.0), present(pair.1)) {
            case (nil, nil): continue
            case (nil, _): isLess = false
            case (_, nil): isLess = true
            case (let left?, let right?):
                if left == right { continue }
                isLess = left < right
            }
            return isLess != term.isDescending
        }
        return nil
    }

    private func count(_ expression: Expression?) throws -> UInt64? {
        guard let expression else { return nil }
        guard case .u64(let count)? = try value(expression, Scope(rows: [])) else {
            throw Failure.malformed("a limit that is no u64")
        }
        return count
    }
}

extension NaiveEvaluator {
    /// What an expression may speak of.
    struct Scope {
        var rows: Combination
        var keys: [AlgebraicValue?] = []
        var aggregates: [Aggregate] = []
    }

    /// The result of an aggregate, before it is fit into a type.
    enum Aggregate {
        case missing
        case integer(Int256)
        case float(Double)
        case value(AlgebraicValue)

        /// Rounded once.
        func divided(by count: Int) -> Double {
            switch self {
            case .float(let number): return number / Double(count)
            case .missing, .value: return .nan
            case .integer(let number):
                // As on paper, with more digits than a float has; the text is read to the nearest one.
                var (text, rest) = (number < .zero ? "-" : "", 0)
                for digit in "\(number)".utf8 where digit != UInt8(ascii: "-") {
                    rest = rest * 10 + Int(digit - 48)
                    text += "\(rest / count)"
                    rest %= count
                }
                text += "."
                for _ in 0..<40 {
                    text += "\(rest * 10 / count)"
                    rest = rest * 10 % count
                }
                return Double(rest == 0 ? text : text + "1") ?? .nan
            }
        }

        func value(as type: AlgebraicType) throws -> AlgebraicValue? {
            switch self {
            case .missing: return nil
            case .value(let value): return value
            case .integer(let number):
                guard let value = AlgebraicValue(wholeNumber: number, type) else { throw Failure.overflow }
                return value
            case .float(let number): return AlgebraicValue.f64(number).ordinary
            }
        }
    }
}

extension BoundQuery {
    fileprivate var hasArithmetic: Bool {
        (conditions + tables.flatMap { $0.outerCondition ?? [] }).contains(where: \.hasArithmetic)
    }
}

extension Expression {
    fileprivate var hasArithmetic: Bool {
        switch self {
        case .arithmetic: true
        case .compare(_, let left, let right): left.hasArithmetic || right.hasArithmetic
        case .isPresent(let operand), .isIn(let operand, _), .hasPrefix(let operand, _), .not(let operand):
            operand.hasArithmetic
        case .and(let operands), .or(let operands): operands.contains(where: \.hasArithmetic)
        case .field, .literal, .parameter, .key, .aggregate, .constant, .rows: false
        }
    }
}
