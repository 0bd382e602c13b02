public import SpacetimeSATS

/// A number, or an optional one, of which queries compute sums and averages.
///
/// | Column | Sum |
/// | --- | --- |
/// | `Int8` … `Int64`, `UInt8` … `UInt64` | `Int128`, `UInt128`: no number of rows exceeds them |
/// | `Int128`, `UInt128` | `Int256`, `UInt256` |
/// | `Int256`, `UInt256` | the same, nil if the sum does not fit |
/// | `Float`, `Double` | `Double`: the exact sum, rounded once |
public protocol SummableColumnValue: OrderedColumnValue {
    /// The sum of one value or more.
    associatedtype Sum: OrderedColumnValue
    /// The sum where there may be nothing to add up.
    associatedtype OptionalSum: OrderedColumnValue = Sum?
    /// The average of one value or more.
    associatedtype Average: OrderedColumnValue = Double
}

extension Int8: SummableColumnValue { public typealias Sum = Int128 }
extension Int16: SummableColumnValue { public typealias Sum = Int128 }
extension Int32: SummableColumnValue { public typealias Sum = Int128 }
extension Int64: SummableColumnValue { public typealias Sum = Int128 }
extension Int128: SummableColumnValue { public typealias Sum = Int256 }
extension UInt8: SummableColumnValue { public typealias Sum = UInt128 }
extension UInt16: SummableColumnValue { public typealias Sum = UInt128 }
extension UInt32: SummableColumnValue { public typealias Sum = UInt128 }
extension UInt64: SummableColumnValue { public typealias Sum = UInt128 }
extension UInt128: SummableColumnValue { public typealias Sum = UInt256 }
extension Float: SummableColumnValue { public typealias Sum = Double }
extension Double: SummableColumnValue { public typealias Sum = Double }

extension Int256: SummableColumnValue {
    public typealias Sum = Int256?
    public typealias OptionalSum = Int256?
}
extension UInt256: SummableColumnValue {
    public typealias Sum = UInt256?
    public typealias OptionalSum = UInt256?
}

extension Optional: SummableColumnValue where Wrapped: SummableColumnValue {
    public typealias Sum = Wrapped.OptionalSum
    public typealias OptionalSum = Wrapped.OptionalSum
    public typealias Average = Double?
}
