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
            for byte in bytes { word = word << 8 | UInt64(byte) }
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
