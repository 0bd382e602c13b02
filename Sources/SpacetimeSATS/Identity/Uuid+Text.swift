extension Uuid {
    /// A random UUID (version 4) of 128 random bits, six of which are overwritten.
    public static func v4(random: UInt128) -> Uuid { Uuid(number: random).marked(version: 4) }

    /// A UUID that sorts by time (version 7).
    ///
    /// `counter` has 31 bits and tells UUIDs of the same millisecond apart; go on with ``counter(after:)``. `random`
    /// holds four random bytes, the first in its highest bits; the top bit is not used. Times before 1970 or past 48
    /// bits of milliseconds wrap around.
    public static func v7(timestamp: Timestamp, counter: UInt32, random: UInt32) -> Uuid {
        let milliseconds = UInt64(bitPattern: timestamp.microsecondsSinceUnixEpoch / 1_000) & 0xffff_ffff_ffff
        let counter = UInt128(counter & 0x7fff_ffff)
        var number = UInt128(milliseconds) << 80
        number |= (counter >> 23 & 0xff) << 64
        number |= (counter >> 15 & 0xff) << 48
        number |= (counter >> 7 & 0xff) << 40
        number |= (counter & 0x7f) << 33
        number |= UInt128(random & 0x7fff_ffff)
        return Uuid(number: number).marked(version: 7)
    }

    /// The counter for the next ``v7(timestamp:counter:random:)``.
    public static func counter(after counter: UInt32) -> UInt32 { (counter &+ 1) & 0x7fff_ffff }

    private func marked(version: UInt128) -> Uuid {
        let cleared = number & ~(0xf << 76 | 0b11 << 62)
        return Uuid(number: cleared | version << 76 | 0b10 << 62)
    }

    /// The version nibble: 4 for random, 7 for time-ordered UUIDs.
    public var version: UInt8 { UInt8(truncatingIfNeeded: number >> 76 & 0xf) }

    /// From the usual 36 characters, or from 32 digits without hyphens, in either case; nil for anything else.
    public init?(_ text: String) {
        let characters = [UInt8](text.utf8)
        var digits = characters
        if characters.count == 36 {
            let hyphens = [8, 13, 18, 23]
            guard hyphens.allSatisfy({ characters[$0] == UInt8(ascii: "-") }) else { return nil }
            for position in hyphens.reversed() { digits.remove(at: position) }
        }
        guard digits.count == 32, let bytes = Hexadecimal.bytes(String(decoding: digits, as: UTF8.self)) else {
            return nil
        }
        self.init(number: UInt128(bigEndianByteArray: bytes))
    }
}

extension Uuid: CustomStringConvertible, LosslessStringConvertible {
    /// Lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    public var description: String {
        var text = Hexadecimal.text(number.bigEndianByteArray)
        for offset in [20, 16, 12, 8] { text.insert("-", at: text.index(text.startIndex, offsetBy: offset)) }
        return text
    }
}
