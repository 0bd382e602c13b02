/// A SATS type: what a value is made of. Names of types are not part of it, names of fields and variants are.
@frozen public enum AlgebraicType: Hashable, Sendable {
    /// The type at this index of the surrounding ``Typespace``.
    case ref(UInt32)
    /// A tagged union.
    case sum(SumType)
    /// An ordered list of fields.
    case product(ProductType)
    /// Any number of elements of one type.
    indirect case array(AlgebraicType)
    /// UTF-8 text.
    case string
    /// A truth value.
    case bool
    /// A signed or unsigned integer of the stated width in bits.
    case i8, u8, i16, u16, i32, u32, i64, u64, i128, u128, i256, u256
    /// An IEEE-754 number of the stated width in bits.
    case f32, f64
}

extension AlgebraicType {
    /// A product of these fields.
    @inlinable public static func product(_ fields: [(String, AlgebraicType)]) -> AlgebraicType {
        .product(ProductType(fields))
    }

    /// A sum of these variants; at most 256, since the tag is a byte.
    @inlinable public static func sum(_ variants: [(String, AlgebraicType)]) -> AlgebraicType {
        .sum(SumType(variants))
    }

    /// The product of no fields: one value, no bytes.
    public static var unit: AlgebraicType { .product(ProductType([] as [ProductType.Element])) }

    /// The sum of no variants: no value at all.
    public static var never: AlgebraicType { .sum(SumType([] as [SumType.Variant])) }

    /// `Array(U8)`, which JSON writes as hexadecimal text.
    public static var bytes: AlgebraicType { .array(.u8) }

    /// `some: payload` (0) or `none` (1).
    public static func option(_ payload: AlgebraicType) -> AlgebraicType {
        .sum([("some", payload), ("none", .unit)])
    }

    /// `ok` (0) or `err` (1).
    public static func result(_ ok: AlgebraicType, _ err: AlgebraicType) -> AlgebraicType {
        .sum([("ok", ok), ("err", err)])
    }

    /// The type of `Identity`.
    public static var identity: AlgebraicType { .product([(ReservedName.identity, .u256)]) }

    /// The type of `ConnectionId`.
    public static var connectionId: AlgebraicType { .product([(ReservedName.connectionId, .u128)]) }

    /// The type of `Timestamp`.
    public static var timestamp: AlgebraicType { .product([(ReservedName.timestamp, .i64)]) }

    /// The type of `TimeDuration`.
    public static var timeDuration: AlgebraicType { .product([(ReservedName.timeDuration, .i64)]) }

    /// The type of `Uuid`.
    public static var uuid: AlgebraicType { .product([(ReservedName.uuid, .u128)]) }

    /// The type of `ScheduleAt`.
    public static var scheduleAt: AlgebraicType { .sum([("Interval", .timeDuration), ("Time", .timestamp)]) }
}

/// Field names by which the special products are recognised.
enum ReservedName {
    static let identity = "__identity__"
    static let connectionId = "__connection_id__"
    static let timestamp = "__timestamp_micros_since_unix_epoch__"
    static let timeDuration = "__time_duration_micros__"
    static let uuid = "__uuid__"
}
