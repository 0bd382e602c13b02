public import SpacetimeSATS

/// A type whose parts conditions can look into: `$0.position.x`. Conformance comes from ``SpacetimeType(name:)``.
public protocol FieldedType: SpacetimeType {
    /// A struct without stored properties whose members describe the parts.
    associatedtype _SpacetimeFields: Sendable
}

extension FieldedType {
    static var _fields: _SpacetimeFields {
        precondition(MemoryLayout<_SpacetimeFields>.size == 0, "descriptions of fields must have no stored properties")
        // A type of no bytes has one value, which can be made from nothing.
        return unsafeBitCast((), to: _SpacetimeFields.self)
    }
}

/// A field of a struct, by its position.
public struct _Field<Value>: Sendable {
    let position: Int
    public init(_ position: Int) { self.position = position }
}

/// The only payload of an enum's case, without a label.
public struct _Payload<Value>: Sendable {
    let tag: UInt8
    public init(_ tag: UInt8) { self.tag = tag }
}

/// The payloads of an enum's case that are stored as a product.
public struct _Payloads<Fields: Sendable>: Sendable {
    let tag: UInt8
    let fields: Fields

    public init(_ tag: UInt8, _ fields: Fields) {
        self.tag = tag
        self.fields = fields
    }
}

/// `Optional`, where a constraint has to say so.
public protocol _OptionalColumnValue: SpacetimeType {
    associatedtype _Wrapped: SpacetimeType
}

extension _OptionalColumnValue {
    /// True for an optional of an optional.
    static var _isDouble: Bool { _Wrapped.self is any _OptionalColumnValue.Type }
}

extension Optional: _OptionalColumnValue where Wrapped: SpacetimeType {
    public typealias _Wrapped = Wrapped
}

extension ScheduleAt: FieldedType {
    public struct _SpacetimeFields: Sendable {
        public var interval: _Payload<TimeDuration> { .init(0) }
        public var time: _Payload<Timestamp> { .init(1) }
    }
}
