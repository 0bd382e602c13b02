// Arrays of these types lie in memory as they do on the wire (on little-endian machines), so they travel in one copy.
// `Bool` is not among them: its bytes must be checked. 256-bit integers are, being plain words, least significant first.

extension Bool: SpacetimeType {
    /// `bool`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .bool }
    /// Reads 1 byte.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readBool() }
    /// Writes 1 byte.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 1.
    @inlinable public static var bsatnFixedSize: Int? { 1 }
}

extension UInt8: SpacetimeType {
    /// `u8`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .u8 }
    /// Reads 1 byte.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readU8() }
    /// Writes 1 byte.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 1.
    @inlinable public static var bsatnFixedSize: Int? { 1 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [UInt8] {
        try reader.readFixedArray(UInt8.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [UInt8], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Int8: SpacetimeType {
    /// `i8`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .i8 }
    /// Reads 1 byte.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readI8() }
    /// Writes 1 byte.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 1.
    @inlinable public static var bsatnFixedSize: Int? { 1 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Int8] {
        try reader.readFixedArray(Int8.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Int8], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension UInt16: SpacetimeType {
    /// `u16`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .u16 }
    /// Reads 2 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readU16() }
    /// Writes 2 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 2.
    @inlinable public static var bsatnFixedSize: Int? { 2 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [UInt16] {
        try reader.readFixedArray(UInt16.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [UInt16], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Int16: SpacetimeType {
    /// `i16`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .i16 }
    /// Reads 2 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readI16() }
    /// Writes 2 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 2.
    @inlinable public static var bsatnFixedSize: Int? { 2 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Int16] {
        try reader.readFixedArray(Int16.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Int16], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension UInt32: SpacetimeType {
    /// `u32`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .u32 }
    /// Reads 4 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readU32() }
    /// Writes 4 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 4.
    @inlinable public static var bsatnFixedSize: Int? { 4 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [UInt32] {
        try reader.readFixedArray(UInt32.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [UInt32], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Int32: SpacetimeType {
    /// `i32`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .i32 }
    /// Reads 4 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readI32() }
    /// Writes 4 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 4.
    @inlinable public static var bsatnFixedSize: Int? { 4 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Int32] {
        try reader.readFixedArray(Int32.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Int32], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension UInt64: SpacetimeType {
    /// `u64`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .u64 }
    /// Reads 8 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readU64() }
    /// Writes 8 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 8.
    @inlinable public static var bsatnFixedSize: Int? { 8 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [UInt64] {
        try reader.readFixedArray(UInt64.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [UInt64], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Int64: SpacetimeType {
    /// `i64`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .i64 }
    /// Reads 8 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readI64() }
    /// Writes 8 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 8.
    @inlinable public static var bsatnFixedSize: Int? { 8 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Int64] {
        try reader.readFixedArray(Int64.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Int64], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension UInt128: SpacetimeType {
    /// `u128`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .u128 }
    /// Reads 16 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readU128() }
    /// Writes 16 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 16.
    @inlinable public static var bsatnFixedSize: Int? { 16 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [UInt128] {
        try reader.readFixedArray(UInt128.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [UInt128], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Int128: SpacetimeType {
    /// `i128`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .i128 }
    /// Reads 16 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readI128() }
    /// Writes 16 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 16.
    @inlinable public static var bsatnFixedSize: Int? { 16 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Int128] {
        try reader.readFixedArray(Int128.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Int128], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension UInt256: SpacetimeType {
    /// `u256`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .u256 }
    /// Reads 32 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readU256() }
    /// Writes 32 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 32.
    @inlinable public static var bsatnFixedSize: Int? { 32 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [UInt256] {
        try reader.readFixedArray(UInt256.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [UInt256], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Int256: SpacetimeType {
    /// `i256`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .i256 }
    /// Reads 32 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readI256() }
    /// Writes 32 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 32.
    @inlinable public static var bsatnFixedSize: Int? { 32 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Int256] {
        try reader.readFixedArray(Int256.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Int256], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Float: SpacetimeType {
    /// `f32`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .f32 }
    /// Reads 4 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readF32() }
    /// Writes 4 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 4.
    @inlinable public static var bsatnFixedSize: Int? { 4 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Float] {
        try reader.readFixedArray(Float.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Float], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}

extension Double: SpacetimeType {
    /// `f64`, inline.
    @inlinable public static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType { .f64 }
    /// Reads 8 bytes.
    @inlinable public init(from reader: inout BSATNReader) throws(BSATNError) { self = try reader.readF64() }
    /// Writes 8 bytes.
    @inlinable public func encode(to writer: inout BSATNWriter) { writer.write(self) }
    /// Always 8.
    @inlinable public static var bsatnFixedSize: Int? { 8 }
    /// Reads all elements in one copy.
    @inlinable public static func decodeArray(from reader: inout BSATNReader) throws(BSATNError) -> [Double] {
        try reader.readFixedArray(Double.self)
    }
    /// Writes all elements in one copy.
    @inlinable public static func encodeArray(_ values: [Double], to writer: inout BSATNWriter) {
        writer.writeFixedArray(values)
    }
}
