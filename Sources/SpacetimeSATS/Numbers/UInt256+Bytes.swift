extension UInt256 {
    /// The 32 bytes, most significant first.
    public var bigEndianBytes: [UInt8] {
        [word3, word2, word1, word0].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) }
        }
    }

    /// The 32 bytes, least significant first, as in BSATN.
    public var littleEndianBytes: [UInt8] { bigEndianBytes.reversed() }

    /// From 32 bytes, most significant first; nil for any other number of bytes.
    public init?(bigEndianBytes bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        func word(_ start: Int) -> UInt64 { bytes[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(words: word(24), word(16), word(8), word(0))
    }

    /// From 32 bytes, least significant first; nil for any other number of bytes.
    public init?(littleEndianBytes bytes: [UInt8]) { self.init(bigEndianBytes: bytes.reversed()) }

    /// From one to 64 hexadecimal digits of either case, without prefix; nil for anything else.
    public init?(hex: String) {
        let digits = hex.utf8
        guard !digits.isEmpty, digits.count <= 64 else { return nil }
        var high: UInt128 = 0
        var low: UInt128 = 0
        for character in digits {
            guard let value = Hexadecimal.value(character) else { return nil }
            high = high << 4 | low >> 124
            low = low << 4 | UInt128(value)
        }
        self.init(high: high, low: low)
    }

    /// Lower-case hexadecimal digits without leading zeros; `0` for zero.
    public var hex: String {
        high == 0
            ? String(low, radix: 16)
            : String(high, radix: 16) + String(repeating: "0", count: 32 - String(low, radix: 16).count)
                + String(low, radix: 16)
    }
}
