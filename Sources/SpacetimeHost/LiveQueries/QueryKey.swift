/// The bytes of a key: up to fifteen lie in the value itself, so that a million queries for numbers need no million arrays.
struct QueryKey: Hashable {
    /// Of a short key its bytes, the first in the lowest place, and its length in the highest.
    private var low: UInt64
    private var high: UInt64
    /// Of a longer key all its bytes; empty for a short one.
    private var long: [UInt8]

    private static let shortLimit = 15

    init(_ bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { QueryKey($0, bytes.count > Self.shortLimit ? bytes : []) }
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(bytes, bytes.count > Self.shortLimit ? Array(bytes) : [])
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ long: [UInt8]) {
        self.long = long
        low = 0
        high = 0
        guard bytes.count <= Self.shortLimit else { return }
        (low, high) = Self.words(bytes)
    }

    @inline(__always)
    private static func words(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var low: UInt64 = 0
        var high = UInt64(bytes.count) << 56
        if bytes.count >= 8 {
            low = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
            for position in 8..<bytes.count { high |= UInt64(bytes[position]) << UInt64((position - 8) * 8) }
        } else {
            for position in 0..<bytes.count { low |= UInt64(bytes[position]) << UInt64(position * 8) }
        }
        return (low, high)
    }

    @inline(__always)
    func isEqual(to bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.count <= Self.shortLimit {
            let (low, high) = Self.words(bytes)
            return self.low == low && self.high == high && long.isEmpty
        }
        return long.count == bytes.count && long.elementsEqual(bytes)
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if !long.isEmpty { return long.withUnsafeBytes(body) }
        let count = Int(high >> 56)
        return withUnsafeBytes(of: (low.littleEndian, (high & ~(0xFF << 56)).littleEndian)) {
            body(UnsafeRawBufferPointer(rebasing: $0[..<count]))
        }
    }
}
