package import SpacetimeEngine
package import SpacetimeSATS
import SpacetimeSchema

extension NaiveEvaluator {
    /// Nil if it is missing.
    func value(_ expression: Expression, _ scope: Scope) throws -> AlgebraicValue? {
        switch expression {
        case .field(let field): return scope.rows[field.slot].flatMap { Self.value(at: field.path, of: $0) }
        case .literal(let bytes, let type): return try AlgebraicValue(bsatn: bytes, type: type)
        case .parameter(let position, _): return parameters[position]
        case .key(let position, _, _): return scope.keys[position]
        case .aggregate(let position, let type, _): return try scope.aggregates[position].value(as: type)
        case .arithmetic(let arithmetic, let left, let right):
            let operands = (try value(left, scope), try value(right, scope))
            guard let left = operands.0, let right = operands.1 else { return nil }
            return try Self.compute(arithmetic, left, right)
        case .constant, .compare, .isPresent, .isIn, .hasPrefix, .rows, .not, .and, .or:
            return .bool(try holds(expression, scope))
        }
    }

    func holds(_ expression: Expression, _ scope: Scope) throws -> Bool {
        switch expression {
        case .constant(let holds): return holds
        case .compare(let comparison, let left, let right):
            let operands = (try value(left, scope), try value(right, scope))
            guard let left = operands.0, let right = operands.1 else { return false }
            return Self.holds(left, comparison, right)
        case .isPresent(let operand): return try value(operand, scope) != nil
        case .isIn(let operand, let list):
            let values = try Self.values(of: list, operand.type)
            return try value(operand, scope).map { values.contains($0) } ?? false
        case .hasPrefix(let operand, let prefix):
            return try value(operand, scope).map { $0.characters.starts(with: prefix) } ?? false
        case .rows(let slot, let predicate):
            return try scope.rows[slot].map { try holds(predicate, $0, types[slot]) } ?? false
        case .not(let operand): return try !holds(operand, scope)
        case .and(let operands): return try all(operands) { try holds($0, scope) }
        case .or(let operands): return try any(operands) { try holds($0, scope) }
        case .field, .literal, .parameter, .key, .aggregate, .arithmetic:
            return try value(expression, scope) == .bool(true)
        }
    }

    /// Nil if the path leads to nothing.
    package static func value(at path: FieldPath, of row: Row) -> AlgebraicValue? {
        var value = row[path.column.index]
        for step in path.steps {
            switch (step, value) {
            case (.field(let position), .product(let fields)): value = fields[position]
            case (.payload(let tag), .sum(tag: let other, let payload)):
                guard tag == other else { return nil }
                value = payload
            default: return nil
            }
        }
        return value
    }

    static func holds(
        _ left: AlgebraicValue, _ comparison: RowPredicate.Comparison, _ right: AlgebraicValue
    ) -> Bool {
        switch comparison {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }

    static func values(of list: ValueList, _ type: AlgebraicType) throws -> [AlgebraicValue] {
        var reader = BSATNReader(list.bytes.span.bytes)
        var values: [AlgebraicValue] = []
        for _ in 0..<list.count { values.append(try AlgebraicValue(from: &reader, type: type)) }
        return values
    }

    // MARK: Conditions on one row

    /// Terms stand behind their operands, so their results lie on a stack.
    private func holds(_ predicate: RowPredicate, _ row: Row, _ types: [AlgebraicType]) throws -> Bool {
        var stack: [Bool] = []
        for term in predicate.normalTerms() {
            switch term {
            case .all: stack.append(true)
            case .none: stack.append(false)
            case .compare(let path, let comparison, let bytes):
                let value = Self.value(at: path, of: row)
                let literal = try AlgebraicValue(bsatn: bytes, type: path.type(in: types))
                stack.append(Self.holds(value, comparison, literal))
            case .compareParameter(let path, let comparison, let position):
                let value = Self.value(at: path, of: row)
                stack.append(Self.holds(value, comparison, value == nil ? nil : parameters[position]))
            case .compareFields(let path, let comparison, let other):
                switch (Self.value(at: path, of: row), Self.value(at: other, of: row)) {
                case (nil, nil): stack.append(comparison == .equal)
                case (let left?, let right?): stack.append(Self.holds(left, comparison, right))
                default: stack.append(comparison == .notEqual)
                }
            case .isPresent(let path): stack.append(Self.value(at: path, of: row) != nil)
            case .hasPrefix(let path, let prefix):
                stack.append(Self.value(at: path, of: row).map { $0.characters.starts(with: prefix) } ?? false)
            case .isIn(let path, let list):
                let values = try Self.values(of: list, path.type(in: types))
                stack.append(Self.value(at: path, of: row).map { values.contains($0) } ?? false)
            case .isInParameter(let path, let position):
                stack.append(Self.value(at: path, of: row).map { parameters[position].elements.contains($0) } ?? false)
            case .and:
                let right = stack.removeLast()
                stack[stack.count - 1] = stack[stack.count - 1] && right
            case .or:
                let right = stack.removeLast()
                stack[stack.count - 1] = stack[stack.count - 1] || right
            case .not: stack[stack.count - 1].toggle()
            }
        }
        return stack == [true]
    }

    /// Of a value that is missing only "not equal" holds, in conditions on one row.
    private static func holds(
        _ left: AlgebraicValue?, _ comparison: RowPredicate.Comparison, _ right: AlgebraicValue?
    ) -> Bool {
        guard let left, let right else { return comparison == .notEqual }
        return holds(left, comparison, right)
    }

    // MARK: Arithmetic

    private static func compute(
        _ arithmetic: Expression.Arithmetic, _ left: AlgebraicValue, _ right: AlgebraicValue
    ) throws -> AlgebraicValue {
        switch (left, right) {
        case (.i8(let left), .i8(let right)): .i8(try compute(arithmetic, left, right))
        case (.u8(let left), .u8(let right)): .u8(try compute(arithmetic, left, right))
        case (.i16(let left), .i16(let right)): .i16(try compute(arithmetic, left, right))
        case (.u16(let left), .u16(let right)): .u16(try compute(arithmetic, left, right))
        case (.i32(let left), .i32(let right)): .i32(try compute(arithmetic, left, right))
        case (.u32(let left), .u32(let right)): .u32(try compute(arithmetic, left, right))
        case (.i64(let left), .i64(let right)): .i64(try compute(arithmetic, left, right))
        case (.u64(let left), .u64(let right)): .u64(try compute(arithmetic, left, right))
        case (.i128(let left), .i128(let right)): .i128(try compute(arithmetic, left, right))
        case (.u128(let left), .u128(let right)): .u128(try compute(arithmetic, left, right))
        case (.f32(let left), .f32(let right)): .f32(compute(arithmetic, left, right))
        case (.f64(let left), .f64(let right)): .f64(compute(arithmetic, left, right))
        default: throw Failure.malformed("arithmetic with \(left) and \(right)")
        }
    }

    private static func compute<Number: FixedWidthInteger>(
        _ arithmetic: Expression.Arithmetic, _ left: Number, _ right: Number
    ) throws -> Number {
        if arithmetic == .divide || arithmetic == .remainder, right == 0 { throw Failure.divisionByZero }
        let (result, overflow) =
            switch arithmetic {
            case .add: left.addingReportingOverflow(right)
            case .subtract: left.subtractingReportingOverflow(right)
            case .multiply: left.multipliedReportingOverflow(by: right)
            case .divide: left.dividedReportingOverflow(by: right)
            // Of the least number and -1 it is 0, which fits, though the quotient does not.
            case .remainder: (left.remainderReportingOverflow(dividingBy: right).partialValue, false)
            }
        if overflow { throw Failure.overflow }
        return result
    }

    private static func compute<Number: BinaryFloatingPoint>(
        _ arithmetic: Expression.Arithmetic, _ left: Number, _ right: Number
    ) -> Number {
        switch arithmetic {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .remainder: left.truncatingRemainder(dividingBy: right)
        }
    }
}

// MARK: - Values

extension FieldPath {
    /// The type of what the path leads to, in rows with columns of these types.
    package func type(in types: [AlgebraicType]) throws -> AlgebraicType {
        var type = types[column.index]
        for step in steps {
            switch (step, type) {
            case (.field(let position), .product(let product)): type = product.elements[position].algebraicType
            case (.payload(let tag), .sum(let sum)): type = sum.variants[Int(tag)].algebraicType
            default: throw NaiveEvaluator.Failure.malformed("\(self) leads nowhere")
            }
        }
        return type
    }
}

extension AlgebraicValue {
    /// Of values that are equal and look different, the one that stands for all: +0, and the ordinary not-a-number.
    var ordinary: AlgebraicValue {
        switch self {
        case .f32(let number): .f32(number.isNaN ? .nan : number == 0 ? 0 : number)
        case .f64(let number): .f64(number.isNaN ? .nan : number == 0 ? 0 : number)
        case .array(let elements): .array(elements.map(\.ordinary))
        case .product(let fields): .product(fields.map(\.ordinary))
        case .sum(let tag, let payload): .sum(tag: tag, payload.ordinary)
        default: self
        }
    }

    /// What a text or bytes consist of.
    package var characters: [UInt8] {
        switch self {
        case .string(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        default: []
        }
    }

    /// The values of a list.
    package var elements: [AlgebraicValue] {
        switch self {
        case .array(let elements): elements
        case .bytes(let bytes): bytes.map { .u8($0) }
        default: []
        }
    }

    /// The number, if it is whole and has a place among 256 bits with a sign.
    package var wholeNumber: Int256? {
        switch self {
        case .i8(let number): Int256(Int128(number))
        case .u8(let number): Int256(Int128(number))
        case .i16(let number): Int256(Int128(number))
        case .u16(let number): Int256(Int128(number))
        case .i32(let number): Int256(Int128(number))
        case .u32(let number): Int256(Int128(number))
        case .i64(let number): Int256(Int128(number))
        case .u64(let number): Int256(Int128(number))
        case .i128(let number): Int256(number)
        case .u128(let number): Int256(isNegative: false, magnitude: UInt256(number))
        case .i256(let number): number
        case .u256(let number): Int256(isNegative: false, magnitude: number)
        default: nil
        }
    }

    package var floatingPoint: Double? {
        switch self {
        case .f32(let number): Double(number)
        case .f64(let number): number
        default: nil
        }
    }

    /// Nil if the number does not fit into the type.
    package init?(wholeNumber number: Int256, _ type: AlgebraicType) {
        func narrow<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
            Int128(exactly: number).flatMap { Number(exactly: $0) }
        }
        let magnitude = number < .zero ? nil : UInt256(bitPattern: number)
        let value: AlgebraicValue? =
            switch type {
            case .i8: narrow(Int8.self).map { .i8($0) }
            case .u8: narrow(UInt8.self).map { .u8($0) }
            case .i16: narrow(Int16.self).map { .i16($0) }
            case .u16: narrow(UInt16.self).map { .u16($0) }
            case .i32: narrow(Int32.self).map { .i32($0) }
            case .u32: narrow(UInt32.self).map { .u32($0) }
            case .i64: narrow(Int64.self).map { .i64($0) }
            case .u64: narrow(UInt64.self).map { .u64($0) }
            case .i128: Int128(exactly: number).map { .i128($0) }
            case .u128: magnitude.flatMap { UInt128(exactly: $0) }.map { .u128($0) }
            case .i256: .i256(number)
            case .u256: magnitude.map { .u256($0) }
            default: nil
            }
        guard let value else { return nil }
        self = value
    }
}
