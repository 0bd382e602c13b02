public import SpacetimeSATS

/// A type whose values conditions can compare by `<`: numbers, text, times, identities, and optionals of these.
///
/// An enum that has `@SpacetimeType` may be declared one, too; its cases are then ordered as they are written:
///
/// ```swift
/// extension Priority: OrderedColumnValue {}
/// ```
///
/// Whatever a type's own `<` says, conditions go by the order of the database; see ``ColumnExpression``.
public protocol OrderedColumnValue: SpacetimeType {
    /// The type itself, or what an optional wraps.
    associatedtype Compared: OrderedColumnValue = Self
    /// How many optionals there are around ``Compared``.
    static var _optionalDepth: Int { get }
}

extension OrderedColumnValue {
    public static var _optionalDepth: Int { 0 }
}

extension Optional: OrderedColumnValue where Wrapped: OrderedColumnValue {
    public typealias Compared = Wrapped.Compared
    public static var _optionalDepth: Int { Wrapped._optionalDepth + 1 }
}

extension Int8: OrderedColumnValue {}
extension Int16: OrderedColumnValue {}
extension Int32: OrderedColumnValue {}
extension Int64: OrderedColumnValue {}
extension Int128: OrderedColumnValue {}
extension Int256: OrderedColumnValue {}
extension UInt8: OrderedColumnValue {}
extension UInt16: OrderedColumnValue {}
extension UInt32: OrderedColumnValue {}
extension UInt64: OrderedColumnValue {}
extension UInt128: OrderedColumnValue {}
extension UInt256: OrderedColumnValue {}
extension Float: OrderedColumnValue {}
extension Double: OrderedColumnValue {}
extension String: OrderedColumnValue {}
extension Timestamp: OrderedColumnValue {}
extension TimeDuration: OrderedColumnValue {}
extension Identity: OrderedColumnValue {}
extension ConnectionId: OrderedColumnValue {}
extension Uuid: OrderedColumnValue {}
