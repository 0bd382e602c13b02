package import SpacetimeSATS

extension QueryAggregate.Function {
    /// The type of the result over values of a type, and whether there may be no result; nil if the function is not defined
    /// for these values.
    ///
    /// | Function | of | Result |
    /// | --- | --- | --- |
    /// | count | rows, anything | `u64` |
    /// | sum | `u8` … `u64`; `i8` … `i64` | `u128`; `i128`: no number of rows that can be counted exceeds them |
    /// | sum | `u128`, `u256`; `i128`, `i256` | `u256`; `i256`. Of 256 bits, no result if the sum does not fit |
    /// | sum | `f32`, `f64` | `f64`: the exact sum, rounded once |
    /// | average | integers, floats | `f64`: the exact sum divided by the count, rounded once |
    /// | min, max | anything | the type itself, in key order: of floats, NaN is the greatest |
    ///
    /// As in SQL, values that are missing take no part, and neither do options that are nil: the result is one of their
    /// payloads. Of no values at all there is no result but a count. Results do not depend on the order of the rows. Where
    /// values are equal in key order and have different bytes, as the zeros and the NaNs, a result is +0 or the ordinary
    /// NaN.
    ///
    /// - Parameters:
    ///   - argument: nil counts rows.
    ///   - isNullable: the argument may be missing, besides being nil.
    ///   - isGrouped: there are keys, so a group has one row at least.
    package func result(
        of argument: AlgebraicType?, isNullable: Bool, isGrouped: Bool
    ) -> (type: AlgebraicType, isNullable: Bool)? {
        if self == .count { return (.u64, false) }
        guard let argument else { return nil }
        let value = argument.optionPayload ?? argument
        let mayBeMissing = isNullable || argument.optionPayload != nil || !isGrouped
        if self == .min || self == .max { return (value, mayBeMissing) }
        guard let kind = SumKind(value) else { return nil }
        if self == .average { return (.f64, mayBeMissing) }
        switch kind {
        case .unsigned: return (.u128, mayBeMissing)
        case .signed: return (.i128, mayBeMissing)
        case .wideUnsigned: return (.u256, mayBeMissing || value == .u256)
        case .wideSigned: return (.i256, mayBeMissing || value == .i256)
        case .float, .double: return (.f64, mayBeMissing)
        case .none: return nil
        }
    }
}

/// How values are added up.
enum SumKind: UInt8 {
    case none
    /// Up to 64 bits, see ``IntegerSum``.
    case unsigned, signed
    /// 128 and 256 bits, see ``WideIntegerSum``.
    case wideUnsigned, wideSigned
    /// See ``FloatSum``.
    case float, double

    /// Nil if values of the type cannot be added up.
    init?(_ type: AlgebraicType) {
        switch type {
        case .u8, .u16, .u32, .u64: self = .unsigned
        case .i8, .i16, .i32, .i64: self = .signed
        case .u128, .u256: self = .wideUnsigned
        case .i128, .i256: self = .wideSigned
        case .f32: self = .float
        case .f64: self = .double
        default: return nil
        }
    }

    var byteCount: Int {
        switch self {
        case .none: 0
        case .unsigned, .signed: MemoryLayout<IntegerSum>.stride
        case .wideUnsigned, .wideSigned: MemoryLayout<WideIntegerSum>.stride
        case .float, .double: MemoryLayout<FloatSum>.stride
        }
    }
}

/// What is aggregated, compiled: the types of the keys, of the values that functions are computed of, and the functions.
/// The one definition of aggregates, for queries that are run and for those that are kept up to date.
package struct AggregateShape: Sendable {
    /// A value of each row, given to ``AggregateGroups`` once, however many functions are computed of it.
    package struct Input: Hashable, Sendable {
        package var type: AlgebraicType
        /// It may be missing, besides being nil.
        package var isNullable: Bool

        package init(_ type: AlgebraicType, isNullable: Bool = false) {
            self.type = type
            self.isNullable = isNullable
        }
    }

    package struct Output: Hashable, Sendable {
        package var function: QueryAggregate.Function
        /// The position of the input; nil counts rows.
        package var input: Int?
        /// Equal values take part once. Makes no difference to `min` and `max`.
        package var isDistinct: Bool

        package init(_ function: QueryAggregate.Function, of input: Int? = nil, isDistinct: Bool = false) {
            self.function = function
            self.input = input
            self.isDistinct = isDistinct
        }
    }

    package enum Failure: Error, Hashable, Sendable {
        /// There is no such function of values of that type.
        case undefined(QueryAggregate.Function, of: AlgebraicType?)
        /// A type that the engine does not store.
        case unsupportedType(reason: String)
    }

    /// The types of the columns of a result row: the keys, then the aggregates; options where there may be no result.
    package let resultTypes: [AlgebraicType]
    /// True if there are keys. Otherwise there is one group, even if there are no rows.
    package let isGrouped: Bool
    package let inputCount: Int

    let program: TypeProgram
    let keyNodes: [Int32]
    /// Bytes of every key, or -1.
    let keyByteCount: Int
    /// Keys that are equal in key order have equal bytes.
    let keysAreCanonical: Bool
    let columns: [AggregateColumn]
    let outputs: [CompiledOutput]
    /// Bytes that a group takes.
    let recordByteCount: Int

    struct CompiledOutput {
        var function: QueryAggregate.Function
        /// -1 counts rows.
        var column: Int32
        /// The result is an option.
        var isNullable: Bool
    }

    /// - Parameter keys: what rows are grouped by; an option where a key may be missing.
    package init(keys: [AlgebraicType], inputs: [Input], outputs: [Output]) throws(Failure) {
        isGrouped = !keys.isEmpty
        inputCount = inputs.count
        var compiler = AggregateCompiler(inputs, isGrouped: isGrouped)
        for key in keys { try compiler.addKey(key) }
        for output in outputs { try compiler.add(output) }
        recordByteCount = compiler.layOut()
        program = compiler.program
        keyNodes = compiler.keyNodes
        keyByteCount = compiler.keyByteCount
        keysAreCanonical = compiler.keysAreCanonical
        columns = compiler.columns
        self.outputs = compiler.outputs
        resultTypes = keys + compiler.resultTypes
    }
}
