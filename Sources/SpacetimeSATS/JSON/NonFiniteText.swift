/// Floats that no JSON number stands for, as text.
package protocol FloatWithBits: BinaryFloatingPoint, LosslessStringConvertible {
    associatedtype Bits: FixedWidthInteger & UnsignedInteger
    var bitPattern: Bits { get }
    init(bitPattern: Bits)
}

extension Float: FloatWithBits {}
extension Double: FloatWithBits {}

extension FloatWithBits {
    /// `NaN`, `Infinity`, `-Infinity`, or `NaN(0x7ff8000000000005)` with the bits of a not-a-number other than Swift's
    /// `.nan`; nil for numbers.
    package var nonFiniteText: String? {
        if isInfinite { return self < 0 ? "-Infinity" : "Infinity" }
        guard isNaN else { return nil }
        return bitPattern == Self.nan.bitPattern ? "NaN" : "NaN(0x\(String(bitPattern, radix: 16)))"
    }

    /// Nil for anything that ``nonFiniteText`` does not spell.
    package init?(nonFiniteText text: String) {
        switch text {
        case "NaN": self = .nan
        case "Infinity": self = .infinity
        case "-Infinity": self = -.infinity
        default:
            let bytes = text.utf8
            guard bytes.starts(with: "NaN(0x".utf8), bytes.last == UInt8(ascii: ")"),
                let bits = Bits(String(decoding: bytes.dropFirst(6).dropLast(), as: UTF8.self), radix: 16)
            else { return nil }
            let value = Self(bitPattern: bits)
            guard value.isNaN else { return nil }
            self = value
        }
    }
}
