/// Bytes as hexadecimal text and back.
public enum Hexadecimal {
    /// Two lower-case digits per byte.
    public static func text(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            digits.append(digit(byte >> 4))
            digits.append(digit(byte & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The bytes that `text` spells, or nil if it has an odd number of digits or anything else than digits. No prefix.
    public static func bytes(_ text: String) -> [UInt8]? { bytes(text.utf8[...]) }

    static func bytes(_ digits: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for character in digits {
            guard let value = value(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }

    static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 48...57: character - 48
        case 65...70: character - 55
        case 97...102: character - 87
        default: nil
        }
    }

    /// `count` bytes from `count * 2` digits, after the prefixes that identities and connection ids may carry.
    static func prefixedBytes(_ text: String, count: Int) -> [UInt8]? {
        var digits = text.utf8[...]
        if digits.starts(with: "0x".utf8) { digits = digits.dropFirst(2) }
        // A leading X' is dropped too, without asking for the closing quote: that is what the wire partner does.
        if digits.starts(with: "X'".utf8) { digits = digits.dropFirst(2) }
        guard digits.count == count * 2 else { return nil }
        return bytes(digits)
    }
}
