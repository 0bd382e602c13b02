/// Texts of an address, in which `%41` stands for `A`.
enum PercentEncoding {
    /// A text without its percent signs; nil if they are not well-formed, or make no UTF-8.
    static func decoded(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension StringProtocol where UnicodeScalarView.SubSequence == Substring.UnicodeScalarView {
    /// What stands between the places where a sign of an address is, empty parts as well.
    ///
    /// By scalars, since to a `Character` the sign belongs to an accent behind it, and would not be found: in a request such a pair
    /// is a sign and an accent, as it is to everybody else who reads the address.
    func parts(at sign: Unicode.Scalar, maxSplits: Int = .max) -> [Substring] {
        unicodeScalars.split(separator: sign, maxSplits: maxSplits, omittingEmptySubsequences: false).map {
            Substring($0)
        }
    }
}
