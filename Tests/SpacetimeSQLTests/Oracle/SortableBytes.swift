import SpacetimeSATS

/// Values as SQLite compares them the way keys compare: small integers as numbers, everything else as bytes whose order is
/// that of the values.
///
/// SQLite itself has no not-a-number, one zero, no unsigned 64-bit integers and nothing wider, and no structs.
extension AlgebraicValue {
    func sortable() -> SQLiteDatabase.Value {
        if let number = smallInteger { return .integer(number) }
        if let characters = plainCharacters { return .blob(characters) }
        var bytes: [UInt8] = []
        appendSortable(to: &bytes)
        return .blob(bytes)
    }

    private var smallInteger: Int64? {
        switch self {
        case .bool(let truth): truth ? 1 : 0
        case .i8(let number): Int64(number)
        case .u8(let number): Int64(number)
        case .i16(let number): Int64(number)
        case .u16(let number): Int64(number)
        case .i32(let number): Int64(number)
        case .u32(let number): Int64(number)
        case .i64(let number): number
        default: nil
        }
    }

    private var plainCharacters: [UInt8]? {
        switch self {
        case .string(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        default: nil
        }
    }

    private func appendSortable(to bytes: inout [UInt8]) {
        switch self {
        case .bool(let truth): bytes.append(truth ? 1 : 0)
        case .i8(let number): Self.append(UInt8(bitPattern: number) ^ 0x80, to: &bytes)
        case .u8(let number): Self.append(number, to: &bytes)
        case .i16(let number): Self.append(UInt16(bitPattern: number) ^ 0x8000, to: &bytes)
        case .u16(let number): Self.append(number, to: &bytes)
        case .i32(let number): Self.append(UInt32(bitPattern: number) ^ 0x8000_0000, to: &bytes)
        case .u32(let number): Self.append(number, to: &bytes)
        case .i64(let number): Self.append(UInt64(bitPattern: number) ^ (1 << 63), to: &bytes)
        case .u64(let number): Self.append(number, to: &bytes)
        case .i128(let number): Self.append(UInt128(bitPattern: number) ^ (1 << 127), to: &bytes)
        case .u128(let number): Self.append(number, to: &bytes)
        case .i256(let number):
            bytes += UInt256(bitPattern: number).bigEndianBytes
            bytes[bytes.count - 32] ^= 0x80
        case .u256(let number): bytes += number.bigEndianBytes
        case .f32(let number): Self.append(Double(number), to: &bytes)
        case .f64(let number): Self.append(number, to: &bytes)
        case .string(let text): Self.append(characters: Array(text.utf8), to: &bytes)
        case .bytes(let characters): Self.append(characters: characters, to: &bytes)
        case .array(let elements):
            for element in elements {
                bytes.append(1)
                element.appendSortable(to: &bytes)
            }
            bytes.append(0)
        case .product(let fields): for field in fields { field.appendSortable(to: &bytes) }
        case .sum(let tag, let payload):
            bytes.append(tag)
            payload.appendSortable(to: &bytes)
        }
    }

    private static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }

    /// Negative numbers backwards, below the others; one zero; not-a-number above everything.
    private static func append(_ number: Double, to bytes: inout [UInt8]) {
        let bits: UInt64 =
            if number.isNaN { .max } else if number == 0 { 1 << 63 } else if number < 0 { ~number.bitPattern } else {
                number.bitPattern | 1 << 63
            }
        append(bits, to: &bytes)
    }

    /// Zeros are marked, since two of them end the text.
    private static func append(characters: [UInt8], to bytes: inout [UInt8]) {
        for byte in characters { bytes += byte == 0 ? [0, 1] : [byte] }
        bytes += [0, 0]
    }
}

extension AlgebraicType {
    /// Whether SQLite has the values as numbers, and can compute with them.
    var isSmallInteger: Bool {
        switch self {
        case .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64: true
        default: false
        }
    }
}
