// Memory safety. Valid images: a value is read up to the length that it has, and room was reserved for as many bytes
// as are appended without looking.

/// Order-preserving bytes: comparing two encodings byte by byte gives the key order of the values.
///
/// | Value | Encoding |
/// | --- | --- |
/// | Bool, unsigned | big-endian |
/// | signed | big-endian with the sign bit flipped |
/// | float | big-endian bits; negative: all bits flipped, else the sign bit; -0 as +0, every NaN as the same greatest value |
/// | String, bytes | each 0x00 as 0x00 0xFF; ended by 0x00 0x00 |
/// | array | each element behind 0x01; ended by 0x00 |
/// | product | its fields, back to back |
/// | sum | the tag, then the payload |
///
/// Each encoding ends itself, so a key of several columns is the concatenation of its columns, and the encodings that
/// begin with `e` are exactly those in `e ..< successor(e)`.
extension TypeProgram {
    /// Appends the key bytes of the value at `address`, which must be valid, and returns the bytes that the value takes.
    @discardableResult
    func appendKey(_ node: Int32, at address: UnsafeRawPointer, to key: inout KeyBuffer) -> Int {
        let entry = nodes[Int(node)]
        switch entry.kind {
        case .bool, .unsigned, .signed:
            let size = Int(entry.fixedSize)
            key.reserve(size)
            for i in 0..<size {
                let byte = unsafe address.load(fromByteOffset: size &- 1 &- i, as: UInt8.self)
                key.appendReserved(i == 0 && entry.kind == .signed ? byte ^ 0x80 : byte)
            }
            return size
        case .float:
            if entry.fixedSize == 4 {
                unsafe key.append(
                    bigEndian: UInt64(orderedBits(Float(bitPattern: address.loadUnaligned(as: UInt32.self)))) << 32, 4)
            } else {
                unsafe key.append(bigEndian: orderedBits(Double(bitPattern: address.loadUnaligned(as: UInt64.self))), 8)
            }
            return Int(entry.fixedSize)
        case .string, .bytes:
            let count = unsafe Int(address.loadUnaligned(as: UInt32.self))
            key.reserve(count &* 2 &+ 2)
            for i in 0..<count {
                let byte = unsafe address.load(fromByteOffset: 4 &+ i, as: UInt8.self)
                key.appendReserved(byte)
                if byte == 0 { key.appendReserved(0xFF) }
            }
            key.appendReserved(0)
            key.appendReserved(0)
            return 4 &+ count
        case .array:
            let count = unsafe Int(address.loadUnaligned(as: UInt32.self))
            let child = children[Int(entry.firstChild)]
            var offset = 4
            for _ in 0..<count {
                key.append(1)
                unsafe offset &+= appendKey(child, at: address + offset, to: &key)
            }
            key.append(0)
            return offset
        case .product:
            var offset = 0
            for i in 0..<Int(entry.childCount) {
                unsafe offset &+= appendKey(children[Int(entry.firstChild) &+ i], at: address + offset, to: &key)
            }
            return offset
        case .sum:
            let tag = unsafe address.load(as: UInt8.self)
            key.append(tag)
            return unsafe 1 &+ appendKey(children[Int(entry.firstChild) &+ Int(tag)], at: address + 1, to: &key)
        }
    }
}

/// The bits of a float, rearranged so that unsigned order is the total order of the specification.
func orderedBits(_ value: Double) -> UInt64 {
    if value.isNaN { return .max }
    let bits = value == 0 ? 0 : value.bitPattern
    return bits >> 63 == 1 ? ~bits : bits | 1 << 63
}

func orderedBits(_ value: Float) -> UInt32 {
    if value.isNaN { return .max }
    let bits = value == 0 ? 0 : value.bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 1 << 31
}

/// Memory for key bytes that is used again and again.
typealias KeyBuffer = Buffer<UInt8>

extension Buffer<UInt8> {
    init() { self.init(capacity: 64) }
}

/// The first eight key bytes as a number, padded with zeros: unequal prefixes order like the keys.
func keyPrefix(_ key: UnsafeRawBufferPointer) -> UInt64 {
    if key.count >= 8 { return unsafe UInt64(bigEndian: key.loadUnaligned(as: UInt64.self)) }
    var value: UInt64 = 0
    for i in 0..<key.count { unsafe value |= UInt64(key[i]) << UInt64(56 - 8 * i) }
    return value
}

/// Byte order, a proper prefix being smaller: negative, zero or positive.
func compareBytes(_ lhs: UnsafeRawBufferPointer, _ rhs: UnsafeRawBufferPointer) -> Int {
    let count = min(lhs.count, rhs.count)
    if count > 0, let left = lhs.baseAddress, let right = rhs.baseAddress {
        let order = unsafe compareMemory(left, right, count)
        if order != 0 { return order }
    }
    return lhs.count - rhs.count
}
