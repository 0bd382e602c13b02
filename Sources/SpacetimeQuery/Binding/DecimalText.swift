import SpacetimeSATS

/// A decimal number as a statement has it, exact: `-1.50e3` is minus 15 times ten to the second.
struct DecimalText {
    let isNegative: Bool
    /// Without leading and trailing zeros; empty for zero.
    let digits: [UInt8]
    /// The power of ten of the last digit.
    let exponent: Int

    /// The digits of the largest integer that a column holds.
    private static let integerDigits = 78

    /// Nil for anything but digits, with or without a sign, a point and an exponent.
    init?(_ text: String) {
        var rest = text.utf8[...]
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var digits: [UInt8] = []
        var exponent = 0
        var hasPoint = false
        var hasDigits = false
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else if byte >= 48, byte <= 57 {
                hasDigits = true
                digits.append(byte)
                if hasPoint { exponent -= 1 }
            } else {
                break
            }
            rest.removeFirst()
        }
        guard hasDigits else { return nil }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            var shift = rest.dropFirst()
            let isDown = shift.first == UInt8(ascii: "-")
            if isDown || shift.first == UInt8(ascii: "+") { shift.removeFirst() }
            guard !shift.isEmpty, shift.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
            // What does not fit is far beyond every number of every column.
            let amount = Int(Substring(shift)) ?? 1 << 40
            exponent += isDown ? -min(amount, 1 << 40) : min(amount, 1 << 40)
            rest = rest[rest.endIndex...]
        }
        guard rest.isEmpty else { return nil }
        while digits.last == 48 {
            digits.removeLast()
            exponent += 1
        }
        self.digits = Array(digits.drop { $0 == 48 })
        self.exponent = self.digits.isEmpty ? 0 : exponent
    }

    /// The magnitude, if the number is whole and has 256 bits.
    var wholeMagnitude: UInt256? {
        guard exponent >= 0, digits.count + exponent <= Self.integerDigits else { return nil }
        let all = digits + Array(repeating: 48, count: exponent)
        return all.isEmpty ? .zero : UInt256(String(decoding: all, as: UTF8.self))
    }
}
