/// A value of any SATS type, for code that learns of types only at run time. Rows on hot paths stay in BSATN.
///
/// Equality, order and hash are those of keys: −0 equals +0, all NaNs are equal to each other and greater than any
/// number, text compares by its UTF-8 bytes. For whole rows, where floats compare by their bits, use
/// ``hasSameBytes(as:)``.
@frozen public enum AlgebraicValue: Sendable {
    /// A truth value.
    case bool(Bool)
    /// A signed 8-bit integer.
    case i8(Int8)
    /// An unsigned 8-bit integer.
    case u8(UInt8)
    /// A signed 16-bit integer.
    case i16(Int16)
    /// An unsigned 16-bit integer.
    case u16(UInt16)
    /// A signed 32-bit integer.
    case i32(Int32)
    /// An unsigned 32-bit integer.
    case u32(UInt32)
    /// A signed 64-bit integer.
    case i64(Int64)
    /// An unsigned 64-bit integer.
    case u64(UInt64)
    // Wide integers are boxed, so that the common cases stay at 17 bytes.
    /// A signed 128-bit integer.
    indirect case i128(Int128)
    /// An unsigned 128-bit integer.
    indirect case u128(UInt128)
    /// A signed 256-bit integer.
    indirect case i256(Int256)
    /// An unsigned 256-bit integer.
    indirect case u256(UInt256)
    /// A 32-bit float.
    case f32(Float)
    /// A 64-bit float.
    case f64(Double)
    /// Text.
    case string(String)
    /// An array of `u8`. Every array of that type takes this form, the empty one too; `array` of `u8` values would
    /// differ from it.
    case bytes([UInt8])
    /// An array of any other type.
    case array([AlgebraicValue])
    /// The fields of a product in order.
    case product([AlgebraicValue])
    /// The variant at position `tag`, and its payload.
    indirect case sum(tag: UInt8, AlgebraicValue)

    /// The value of the unit type.
    @inlinable public static var unit: AlgebraicValue { .product([]) }
    /// The absent value of an option.
    @inlinable public static var none: AlgebraicValue { .sum(tag: 1, .unit) }
    /// The present value of an option.
    @inlinable public static func some(_ payload: AlgebraicValue) -> AlgebraicValue { .sum(tag: 0, payload) }
}

extension AlgebraicValue {
    /// The special product of an identity.
    public init(_ identity: Identity) { self = .product([.u256(identity.number)]) }
    /// The special product of a connection id.
    public init(_ connectionId: ConnectionId) { self = .product([.u128(connectionId.number)]) }
    /// The special product of a time.
    public init(_ timestamp: Timestamp) { self = .product([.i64(timestamp.microsecondsSinceUnixEpoch)]) }
    /// The special product of a duration.
    public init(_ duration: TimeDuration) { self = .product([.i64(duration.microseconds)]) }
    /// The special product of a UUID.
    public init(_ uuid: Uuid) { self = .product([.u128(uuid.number)]) }
    /// The special sum of a schedule.
    public init(_ schedule: ScheduleAt) {
        switch schedule {
        case .interval(let duration): self = .sum(tag: 0, AlgebraicValue(duration))
        case .time(let time): self = .sum(tag: 1, AlgebraicValue(time))
        }
    }
}
