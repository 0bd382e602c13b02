import SpacetimeEngine
import SpacetimeSATS

extension Expression {
    /// The same value with fewer steps, where literals alone decide.
    var simplified: Expression {
        switch self {
        case .arithmetic(let operation, let left, let right):
            let (left, right) = (left.simplified, right.simplified)
            return Self.value(operation, left, right) ?? .arithmetic(operation, left, right)
        case .compare(let comparison, let left, let right):
            let (left, right) = (left.simplified, right.simplified)
            return Self.value(comparison, left, right).map(Expression.constant) ?? .compare(comparison, left, right)
        case .isPresent(let operand):
            let operand = operand.simplified
            return operand.isNullable ? .isPresent(operand) : .constant(true)
        case .isIn(_, let values) where values.count == 0: return .constant(false)
        case .isIn(let operand, let values): return .isIn(operand.simplified, values)
        case .hasPrefix(let operand, let bytes): return .hasPrefix(operand.simplified, bytes)
        // "All" is no truth of its own: it needs a row, which an outer join may not have found.
        case .rows(_, let predicate): return predicate == .none ? .constant(false) : self
        case .not(let operand):
            if case .constant(let holds) = operand.simplified { return .constant(!holds) }
            return .not(operand.simplified)
        case .and(let operands): return Self.joined(operands, by: true)
        case .or(let operands): return Self.joined(operands, by: false)
        case .field, .literal, .parameter, .key, .aggregate, .constant: return self
        }
    }

    /// - Parameter neutral: what changes nothing: true of "and", false of "or".
    private static func joined(_ operands: [Expression], by neutral: Bool) -> Expression {
        var parts: [Expression] = []
        for operand in operands {
            switch operand.simplified {
            case .constant(neutral): break
            case .constant: return .constant(!neutral)
            case let part: parts.append(part)
            }
        }
        if parts.isEmpty { return .constant(neutral) }
        if parts.count == 1 { return parts[0] }
        return neutral ? .and(parts) : .or(parts)
    }

    // MARK: Literals

    private static func value(
        _ comparison: RowPredicate.Comparison, _ left: Expression, _ right: Expression
    ) -> Bool? {
        guard case .literal(let first, let type) = left, case .literal(let second, _) = right else { return nil }
        // Equal bytes are equal values of any type. Whether others are in order only the type's own comparison knows, but for
        // integers.
        if first == second {
            return comparison == .equal || comparison == .lessOrEqual || comparison == .greaterOrEqual
        }
        guard let a = Integer(first, type), let b = Integer(second, type) else { return nil }
        return switch comparison {
        case .equal: a.value == b.value
        case .notEqual: a.value != b.value
        case .less: a.value < b.value
        case .lessOrEqual: a.value <= b.value
        case .greater: a.value > b.value
        case .greaterOrEqual: a.value >= b.value
        }
    }

    /// Nil also if there is no result: then the run says so.
    private static func value(_ operation: Arithmetic, _ left: Expression, _ right: Expression) -> Expression? {
        guard case .literal(let first, let type) = left, case .literal(let second, _) = right,
            let a = Integer(first, type), let b = Integer(second, type)
        else { return nil }
        let (value, overflow) =
            switch operation {
            case .add: a.value.addingReportingOverflow(b.value)
            case .subtract: a.value.subtractingReportingOverflow(b.value)
            case .multiply: a.value.multipliedReportingOverflow(by: b.value)
            case .divide: a.value.dividedReportingOverflow(by: b.value)
            case .remainder: a.value.remainderReportingOverflow(dividingBy: b.value)
            }
        guard !overflow, let bytes = Integer.bytes(value, type) else { return nil }
        return .literal(bytes, type)
    }

    /// An integer of at most 64 bits.
    private struct Integer {
        let value: Int128

        init?(_ bytes: [UInt8], _ type: AlgebraicType) {
            guard let (width, isSigned) = Self.form(type), bytes.count == width else { return nil }
            var bits: UInt64 = 0
            for byte in bytes.reversed() { bits = bits << 8 | UInt64(byte) }
            if isSigned {
                let shift = UInt64(64 - 8 * width)
                value = Int128((Int64(truncatingIfNeeded: bits) << shift) >> shift)
            } else {
                value = Int128(bits)
            }
        }

        static func form(_ type: AlgebraicType) -> (width: Int, isSigned: Bool)? {
            switch type {
            case .i8: (1, true)
            case .u8: (1, false)
            case .i16: (2, true)
            case .u16: (2, false)
            case .i32: (4, true)
            case .u32: (4, false)
            case .i64: (8, true)
            case .u64: (8, false)
            default: nil
            }
        }

        /// Nil if the value does not fit.
        static func bytes(_ value: Int128, _ type: AlgebraicType) -> [UInt8]? {
            guard let (width, isSigned) = form(type) else { return nil }
            let least: Int128 = isSigned ? -(1 << Int128(8 * width - 1)) : 0
            let greatest: Int128 = (1 << Int128(isSigned ? 8 * width - 1 : 8 * width)) - 1
            guard value >= least, value <= greatest else { return nil }
            return (0..<width).map { UInt8(truncatingIfNeeded: value >> Int128(8 * $0)) }
        }
    }
}
