import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Random queries over random tables: each a ``TestQuery``.
package struct RandomQueries {
    /// What may be in a query.
    package struct Features: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let joins = Features(rawValue: 1 << 0)
        package static let outerJoins = Features(rawValue: 1 << 1)
        /// Lists of columns instead of whole rows, and `DISTINCT`.
        package static let columns = Features(rawValue: 1 << 2)
        package static let aggregates = Features(rawValue: 1 << 3)
        /// `ORDER BY`, `LIMIT` and `OFFSET`.
        package static let windows = Features(rawValue: 1 << 4)
        package static let arithmetic = Features(rawValue: 1 << 5)
        package static let parameters = Features(rawValue: 1 << 6)
        /// What no text says: variants, structs as a whole, literals without a spelling.
        package static let wordless = Features(rawValue: 1 << 7)

        /// Columns of groups that are computed of aggregates.
        package static let computedGroups = Features(rawValue: 1 << 8)

        package static let all = Features(rawValue: (1 << 9) - 1)
        package static let subscriptions: Features = [.joins, .windows]
    }

    private let schema: RandomSchema
    private let rows: [[[AlgebraicValue]]]
    private let features: Features
    private var query = TestQuery([])

    package init(_ database: ModelDatabase, _ features: Features = .all) {
        schema = database.schema
        rows = database.rows.map { $0.map(\.row) }
        self.features = features
    }

    private var slots: Range<Int> { 0..<query.sources.count }

    package mutating func next(_ random: inout RandomValues) -> TestQuery {
        query = TestQuery([TestQuery.Source(random.below(schema.tables.count), as: "a")])
        if features.contains(.joins) {
            for alias in ["b", "c"] {
                guard !random.oneIn(2) else { break }
                join(as: alias, &random)
            }
        }
        for _ in 0..<random.one(of: [0, 1, 1, 1, 2, 3]) { query.conditions.append(condition(&random, depth: 2)) }
        if features.contains(.aggregates), random.oneIn(4) {
            group(&random)
        } else if features.contains(.columns), random.oneIn(3) {
            chooseColumns(&random)
        } else {
            // Of an outer join's right side there may be no rows.
            query.output = .rows(slot: random.one(of: slots.filter { query.sources[$0].join != .left }))
            if query.sources.count == 1, features.contains(.columns), random.oneIn(12) { query.isDistinct = true }
        }
        if features.contains(.windows), random.oneIn(3) { cut(&random) }
        return query
    }

    // MARK: Tables

    private mutating func join(as alias: String, _ random: inout RandomValues) {
        let slot = query.sources.count
        query.sources.append(TestQuery.Source(random.below(schema.tables.count), as: alias, .inner))
        var on: [TestCondition] = []
        for _ in 0..<(random.oneIn(6) ? 2 : 1) { on.append(equality(slot, &random)) }
        if random.oneIn(8) { on.append(condition(&random, depth: 1)) }
        if features.contains(.outerJoins), random.oneIn(4) {
            query.sources[slot].join = .left
            query.sources[slot].on = on
        } else if random.oneIn(8) {
            query.sources[slot].join = .cross
            query.conditions += on
        } else {
            query.sources[slot].on = on
        }
    }

    /// Of a column of the last table with one of a table before: mostly those that are made for it.
    private func equality(_ slot: Int, _ random: inout RandomValues) -> TestCondition {
        let other = random.below(slot)
        func key(_ slot: Int, _ random: inout RandomValues) -> TestColumn {
            TestColumn(slot, FieldPath(ColumnID(random.below(2))), schema.keyType)
        }
        var (left, right) = (key(slot, &random), key(other, &random))
        if random.oneIn(4) {
            for _ in 0..<8 {
                let (one, another) = (column(slot, &random), column(other, &random))
                guard one.type == another.type else { continue }
                (left, right) = (one, another)
                break
            }
        }
        let comparison: RowPredicate.Comparison = random.oneIn(12) && !left.type.isSimpleEnum ? .lessOrEqual : .equal
        return random.oneIn(2)
            ? .compare(comparison, .column(left), .column(right)) : .compare(comparison, .column(right), .column(left))
    }

    // MARK: Values

    /// A way to something that can be compared.
    private func column(_ slot: Int, _ random: inout RandomValues) -> TestColumn {
        let types = schema.types(query.sources[slot].table)
        let isWordless = features.contains(.wordless)
        for _ in 0..<20 {
            let position = random.below(types.count)
            var path = FieldPath(ColumnID(position))
            var type = types[position]
            while !isWordless && !type.isWritten || !random.oneIn(3) {
                if let payload = type.optionPayload {
                    path.steps.append(.payload(0))
                    type = payload
                } else if case .product(let product) = type, !product.elements.isEmpty, !type.isSpecialProduct {
                    let field = random.below(product.elements.count)
                    path.steps.append(.field(field))
                    type = product.elements[field].algebraicType
                } else if case .sum(let sum) = type, isWordless || !type.isSimpleEnum {
                    let tag = random.below(sum.variants.count)
                    path.steps.append(.payload(UInt8(tag)))
                    type = sum.variants[tag].algebraicType
                } else {
                    break
                }
            }
            if isWordless || type.isWritten { return TestColumn(slot, path, type) }
        }
        return TestColumn(slot, FieldPath(0), schema.keyType)
    }

    private func column(_ random: inout RandomValues) -> TestColumn { column(random.one(of: Array(slots)), &random) }

    /// Mostly one that is there.
    private func literal(for column: TestColumn, _ random: inout RandomValues) -> AlgebraicValue {
        let rows = rows[query.sources[column.slot].table]
        for _ in 0..<10 {
            var value: AlgebraicValue?
            if !random.oneIn(4), !rows.isEmpty {
                value = NaiveEvaluator.value(at: column.path, of: random.one(of: rows))
            }
            let chosen = value ?? random.fewValue(of: column.type)
            if features.contains(.wordless) || chosen.isWritten { return chosen }
        }
        return column.type == .f32 ? .f32(1.5) : column.type == .f64 ? .f64(1.5) : random.fewValue(of: column.type)
    }

    private mutating func operand(for column: TestColumn, _ random: inout RandomValues) -> TestValue {
        let value = literal(for: column, &random)
        guard features.contains(.parameters), random.oneIn(6) else { return .literal(value, column.type) }
        query.parameters.append(.init("p\(query.parameters.count)", column.type, value))
        return .parameter(query.parameters.count - 1, column.type)
    }

    private func number(_ column: TestColumn, _ random: inout RandomValues) -> TestValue {
        let arithmetic = random.one(of: Expression.Arithmetic.allCases)
        let right: TestValue = .literal(random.fewValue(of: column.type), column.type)
        return .arithmetic(arithmetic, .column(column), right)
    }

    private func isNumber(_ type: AlgebraicType) -> Bool { type.isNumeric && type != .i256 && type != .u256 }

    // MARK: Conditions

    private mutating func condition(_ random: inout RandomValues, depth: Int) -> TestCondition {
        if depth > 0 {
            switch random.below(8) {
            case 0: return .and((0..<1 + random.below(3)).map { _ in condition(&random, depth: depth - 1) })
            case 1, 2: return .or((0..<1 + random.below(3)).map { _ in condition(&random, depth: depth - 1) })
            case 3: return .not(condition(&random, depth: depth - 1))
            case 4: return alternatives(&random)
            default: break
            }
        }
        return test(column(&random), &random)
    }

    /// Ranges and values of one column, which may overlap; some with a condition more.
    private mutating func alternatives(_ random: inout RandomValues) -> TestCondition {
        let slot = random.one(of: Array(slots))
        let column = random.oneIn(3) ? column(slot, &random) : indexed(slot, &random) ?? column(slot, &random)
        if column.type.isSimpleEnum, !features.contains(.wordless) { return test(column, &random) }
        let value = TestValue.column(column)
        var parts: [TestCondition] = []
        for _ in 0..<2 + random.below(3) {
            var part: TestCondition
            switch random.below(4) {
            case 0:
                part = .between(value, operand(for: column, &random), operand(for: column, &random), isNegated: false)
            case 1:
                let values = (0..<1 + random.below(3)).map { _ in literal(for: column, &random) }
                part = .isIn(value, values, isNegated: false)
            case 2: part = .compare(.equal, value, operand(for: column, &random))
            default:
                let comparison = random.one(of: [RowPredicate.Comparison.less, .lessOrEqual, .greater, .greaterOrEqual])
                part = .compare(comparison, value, operand(for: column, &random))
            }
            if random.oneIn(6) { part = .and([part, test(self.column(slot, &random), &random)]) }
            parts.append(part)
        }
        return .or(parts)
    }

    /// A column that an index of the table begins with.
    private func indexed(_ slot: Int, _ random: inout RandomValues) -> TestColumn? {
        let table = schema.tables[query.sources[slot].table]
        let columns = table.indexes.compactMap(\.columns.first).compactMap { id -> TestColumn? in
            let type = table.columns[id.index].type
            return features.contains(.wordless) || type.isWritten ? TestColumn(slot, FieldPath(id), type) : nil
        }
        return columns.isEmpty ? nil : random.one(of: columns)
    }

    private mutating func test(_ column: TestColumn, _ random: inout RandomValues) -> TestCondition {
        let value = TestValue.column(column)
        if column.type.isSimpleEnum, !features.contains(.wordless) {
            // Cases have names and no order.
            let values = (0..<1 + random.below(2)).map { _ in literal(for: column, &random) }
            if random.oneIn(2) { return .isIn(value, values, isNegated: random.oneIn(3)) }
            return .compare(random.oneIn(2) ? .equal : .notEqual, value, .literal(values[0], column.type))
        }
        switch random.below(14) {
        case 0: return .isNull(value, isNegated: random.oneIn(2))
        case 1, 2:
            let values = (0..<1 + random.below(5)).map { _ in literal(for: column, &random) }
            return .isIn(value, values, isNegated: random.oneIn(4))
        case 3, 4:
            let (low, high) = (operand(for: column, &random), operand(for: column, &random))
            return .between(value, low, high, isNegated: random.oneIn(4))
        case 5...6 where column.type == .string || column.type == .bytes && features.contains(.wordless):
            let whole = literal(for: column, &random)
            let length = random.below(whole.characters.count + 1)
            // Any beginning of bytes; of a text one that is text.
            if case .string(let text) = whole {
                return .hasPrefix(
                    column, .string(String(text.prefix(length))), isNegated: random.oneIn(4))
            }
            return .hasPrefix(column, .bytes(Array(whole.characters.prefix(length))), isNegated: random.oneIn(4))
        case 5...7 where column.type == .bool: return .flag(column)
        case 8:
            let others = (0..<20).map { _ in self.column(&random) }.filter { $0.type == column.type && $0 != column }
            guard let other = others.first else { break }
            return .compare(comparison(&random), value, .column(other))
        case 9 where features.contains(.arithmetic) && isNumber(column.type):
            return .compare(comparison(&random), number(column, &random), operand(for: column, &random))
        case 10 where random.oneIn(6): return .constant(random.oneIn(2))
        default: break
        }
        let operand = operand(for: column, &random)
        let comparison = random.oneIn(2) ? .equal : comparison(&random)
        return random.oneIn(8) ? .compare(comparison, operand, value) : .compare(comparison, value, operand)
    }

    private func comparison(_ random: inout RandomValues) -> RowPredicate.Comparison {
        RowPredicate.Comparison(rawValue: UInt8(random.below(6))) ?? .equal
    }

    // MARK: Output

    private mutating func chooseColumns(_ random: inout RandomValues) {
        var columns: [(name: String, value: TestValue)] = []
        for number in 0..<1 + random.below(3) {
            let column = column(&random)
            let isComputed = features.contains(.arithmetic) && isNumber(column.type) && random.oneIn(4)
            columns.append(("r\(number)", isComputed ? self.number(column, &random) : .column(column)))
        }
        query.output = .columns(columns)
        query.isDistinct = random.oneIn(2)
    }

    private mutating func group(_ random: inout RandomValues) {
        for _ in 0..<random.one(of: [0, 1, 1, 2]) {
            let key = TestValue.column(column(&random))
            if !query.groups.contains(key) { query.groups.append(key) }
        }
        var columns = query.groups.enumerated().map { (name: "k\($0)", value: $1) }
        for number in 0..<1 + random.below(3) {
            let isComputed = features.contains(.computedGroups) && random.oneIn(5)
            columns.append((name: "n\(number)", value: isComputed ? computed(&random) : aggregate(&random)))
        }
        query.output = .columns(columns)
        guard random.oneIn(3) else { return }
        let aggregate = random.oneIn(2) ? columns[columns.count - 1].value : self.aggregate(&random)
        let bound = random.fewValue(of: aggregate.type)
        guard features.contains(.wordless) || bound.isWritten else { return }
        query.having = .compare(comparison(&random), aggregate, .literal(bound, aggregate.type))
    }

    private func aggregate(_ random: inout RandomValues) -> TestValue {
        let function = random.one(of: QueryAggregate.Function.allCases)
        if function == .count, random.oneIn(2) { return .aggregate(.count, nil, isDistinct: false) }
        let isSummed = function == .sum || function == .average
        for _ in 0..<10 {
            let column = column(random.one(of: Array(slots)), &random)
            guard !isSummed || isNumber(column.type.optionPayload ?? column.type) else { continue }
            if column.type.isSimpleEnum, function != .count, !features.contains(.wordless) { continue }
            return .aggregate(function, .column(column), isDistinct: random.oneIn(4))
        }
        return .aggregate(.count, nil, isDistinct: false)
    }

    /// A number that always fits.
    private func computed(_ random: inout RandomValues) -> TestValue {
        let operations: [Expression.Arithmetic] = [.add, .multiply, .divide, .remainder]
        let count = TestValue.aggregate(.count, nil, isDistinct: false)
        return .arithmetic(random.one(of: operations), count, .literal(.u64(UInt64(1 + random.below(3))), .u64))
    }

    // MARK: Order

    /// An order that leaves nothing open but between rows that look the same, and a part of the result.
    private mutating func cut(_ random: inout RandomValues) {
        var terms: [TestValue] = []
        switch query.output {
        case .columns(let columns):
            terms = columns.map(\.value).shuffled(using: &random)
            // Different rows are in the order of what is seen of them.
            if !query.isDistinct, random.oneIn(3) {
                terms.insert(query.isGrouped ? aggregate(&random) : .column(column(&random)), at: 0)
            }
        case .rows(let slot):
            guard let total = totalOrder(slot) else { return }
            if !query.isDistinct {
                terms = (0..<random.below(3)).map { _ in .column(column(&random)) }
                // Which an index may yield rows in order of.
                if random.oneIn(2), let first = indexed(slot, &random) { terms.insert(.column(first), at: 0) }
            }
            terms += total
        }
        query.order = terms.map { ($0, random.oneIn(3)) }
        query.isOrdered = true
        if !random.oneIn(4) { query.limit = UInt64(random.below(6)) }
        if random.oneIn(3) { query.offset = UInt64(random.below(4)) }
    }

    /// Columns in which different rows of a table differ; nil if no text names them all.
    private func totalOrder(_ slot: Int) -> [TestValue]? {
        let table = schema.tables[query.sources[slot].table]
        if !table.primaryKey.isEmpty { return [.column(TestColumn(slot, FieldPath(0), schema.keyType))] }
        var terms: [TestValue] = []
        for (position, stored) in table.columns.enumerated() {
            guard features.contains(.wordless) || (stored.type.optionPayload ?? stored.type).isWritten else {
                return nil
            }
            terms.append(.column(TestColumn(slot, FieldPath(ColumnID(position)), stored.type)))
        }
        return terms
    }
}

extension AlgebraicType {
    /// Whether texts of queries can compare values of the type.
    var isWritten: Bool {
        switch self {
        case .product: isSpecialProduct && !isTimeDuration
        case .sum: isSimpleEnum
        case .ref: false
        case .array(let element): element == .u8
        default: true
        }
    }
}

extension AlgebraicValue {
    /// Whether texts of queries can say the value.
    var isWritten: Bool {
        switch self {
        case .f32(let number): number.isFinite
        case .f64(let number): number.isFinite
        case .product(let fields): fields.allSatisfy(\.isWritten)
        default: true
        }
    }
}
