/// Hashes bytes: those of a row, or of a key in it.
///
/// The secret is drawn anew by each client, because the bytes come from others: who does not know it cannot make rows that
/// all fall into one place of a table. Nothing that is seen from outside depends on a hash.
struct RowHash: Sendable {
    private let secret: UInt64

    init(secret: UInt64) { self.secret = secret }

    /// Eight bytes a step, folded by a multiplication; the last step may overlap the one before.
    @inline(__always)
    func callAsFunction(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let count = bytes.count
        var hash = Self.fold(secret ^ UInt64(truncatingIfNeeded: count), 0x9E37_79B9_7F4A_7C15)
        if count >= 8 {
            var offset = 0
            while offset &+ 8 < count {
                // The condition keeps the load inside of the bytes.
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                hash = Self.fold(hash ^ word, 0xD6E8_FEB8_6659_FD93)
                offset &+= 8
            }
            // There are at least eight bytes, so the last eight are inside, too.
            let word = bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            hash = Self.fold(hash ^ word, 0xA076_1D64_78BD_642F)
        } else {
            var word: UInt64 = 0
            if count >= 4 {
                // The two words are inside, and overlap if there are fewer than eight bytes.
                word = UInt64(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self)) << 32
                word |= UInt64(bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
            } else {
                for byte in bytes { word = word << 8 | UInt64(byte) }
            }
            hash = Self.fold(hash ^ word, 0xA076_1D64_78BD_642F)
        }
        return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
    }

    /// The hash of several pieces, of which the first ones have this hash.
    @inline(__always)
    func combine(_ first: UInt32, _ next: UInt32) -> UInt32 {
        let hash = Self.fold(secret ^ UInt64(first) << 32 ^ UInt64(next), 0x9E37_79B9_7F4A_7C15)
        return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
    }

    @inline(__always) private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}

/// Whether bytes are the same: eight at a time, since rows are short and a call costs more.
@inline(__always)
func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    let count = left.count
    guard right.count == count else { return false }
    var offset = 0
    while offset &+ 8 <= count {
        // The condition keeps both loads inside.
        if left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        {
            return false
        }
        offset &+= 8
    }
    if offset == count { return true }
    if count >= 8 {
        // There are at least eight bytes, so the last eight are inside, and some of them were compared already.
        return left.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            == right.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    }
    if count >= 4 {
        // The first four and the last four, which are inside and may overlap.
        return left.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            == right.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            && left.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
                == right.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
    }
    while offset < count {
        if left[offset] != right[offset] { return false }
        offset &+= 1
    }
    return true
}
