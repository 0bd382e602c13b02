/// A Swift type whose values can be a column, a field, an argument or a result.
///
/// Integers of exact width, `Bool`, `Float`, `Double`, `String`, arrays, optionals, `Result` and this module's special
/// types conform. Your own structs and enums conform through the macros; by hand it looks like this:
///
/// ```swift
/// struct Point: SpacetimeType {
///     var x, y: Int32
///     static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
///         types.declare(Self.self, name: "Point") { types in
///             .product([("x", Int32.algebraicType(in: &types)), ("y", Int32.algebraicType(in: &types))])
///         }
///     }
///     init(from reader: inout BSATNReader) throws(BSATNError) {
///         x = try Int32(from: &reader)
///         y = try Int32(from: &reader)
///     }
///     func encode(to writer: inout BSATNWriter) {
///         x.encode(to: &writer)
///         y.encode(to: &writer)
///     }
/// }
/// ```
public protocol SpacetimeType: Sendable {
    /// The type as written at a use: inline for primitive and special types, `.ref` for declared types, which enter
    /// themselves in `types` on their first use.
    static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType

    /// Reads one value. Must throw, never trap, whatever the bytes; a decoder that can call itself without an array in
    /// between must use ``BSATNReader/enter()`` and ``BSATNReader/leave()``.
    init(from reader: inout BSATNReader) throws(BSATNError)

    /// Writes the value. Strings and arrays of 2^32 or more bytes or elements cannot be written and stop the process.
    func encode(to writer: inout BSATNWriter)

    /// The number of bytes of every value of the type, or nil if values differ in size.
    ///
    /// Nil by default. A type whose values take no bytes at all must say 0, or arrays of it cannot be read back.
    static var bsatnFixedSize: Int? { get }

    /// Reads an array of this type. Override only to read many elements in one piece.
    static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Self]

    /// Writes an array of this type. Override together with ``decodeArray(from:)-swift.type.method``.
    static func encodeArray(_ values: [Self], to writer: inout BSATNWriter)
}

extension SpacetimeType {
    /// Values differ in size.
    @inlinable public static var bsatnFixedSize: Int? { nil }

    /// Reads a count and the elements one by one.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Self] {
        let size = bsatnFixedSize
        let count = try reader.readCount(minimumElementSize: size ?? 1)
        var values: [Self] = []
        // An element may be larger in memory than on the wire, so no more is reserved than the input is long.
        values.reserveCapacity(Swift.min(count, 16 &+ reader.remaining / Swift.max(1, MemoryLayout<Self>.stride)))
        // Only a type of varying size can contain itself.
        if size == nil { try reader.enter() }
        for _ in 0..<count { values.append(try Self(from: &reader)) }
        if size == nil { reader.leave() }
        return values
    }

    /// Writes a count and the elements one by one.
    @inlinable public static func encodeArray(_ values: [Self], to writer: inout BSATNWriter) {
        if let size = bsatnFixedSize { writer.reserve(values.count &* size &+ 4) }
        writer.writeCount(values.count)
        for value in values { value.encode(to: &writer) }
    }

    /// Reads a value that takes up all of `bsatn`; bytes left over are an error.
    @inlinable public init(bsatn: [UInt8]) throws(BSATNError) {
        // The bytes of `UInt8` are all initialised.
        var reader = unsafe BSATNReader(bsatn.span.bytes)
        self = try Self(from: &reader)
        try reader.finish()
    }

    /// The value's BSATN in a fresh array. On hot paths keep a ``BSATNWriter`` instead.
    @inlinable public func bsatn() -> [UInt8] {
        var writer = BSATNWriter(reservingCapacity: Self.bsatnFixedSize ?? 0)
        encode(to: &writer)
        return writer.toArray()
    }
}
