extension JSON: CustomStringConvertible {
    /// The text without any white space. Costs time in proportion to its length.
    public var description: String {
        var printer = JSONPrinter()
        printer.write(self)
        return printer.text
    }

    /// ``description`` as UTF-8.
    public var utf8: [UInt8] {
        var printer = JSONPrinter()
        printer.write(self)
        return printer.bytes
    }
}

/// Collects JSON text.
package struct JSONPrinter {
    package private(set) var bytes: [UInt8] = []

    package init(reservingCapacity: Int = 0) { bytes.reserveCapacity(reservingCapacity) }

    /// Forgets what was appended, and keeps the memory.
    package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends text that needs no quoting.
    package mutating func write(raw text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends the digits of a number.
    mutating func write(_ number: some FixedWidthInteger) {
        // Digits are found from the last to the first.
        let end = bytes.count + (number < 0 ? 1 : 0)
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(48 + UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest != 0
        bytes[end...].reverse()
    }

    /// Appends UTF-8 that needs no quoting.
    package mutating func write(raw utf8: [UInt8]) { bytes.append(contentsOf: utf8) }

    package mutating func write(_ json: JSON) {
        switch json {
        case .null: write(raw: "null")
        case .bool(let value): write(raw: value ? "true" : "false")
        case .number(let text): write(raw: text)
        case .string(let text): write(quoted: text)
        case .array(let elements): writeList("[", "]", elements) { $0.write($1) }
        case .object(let members):
            writeList("{", "}", members) { printer, member in
                printer.write(quoted: member.key)
                printer.write(raw: ":")
                printer.write(member.value)
            }
        }
    }

    package mutating func writeList<Item>(
        _ open: String, _ close: String, _ items: [Item], _ body: (inout JSONPrinter, Item) -> Void
    ) {
        write(raw: open)
        for (index, item) in items.enumerated() {
            if index > 0 { write(raw: ",") }
            body(&self, item)
        }
        write(raw: close)
    }

    package mutating func write(quoted text: String) {
        var text = text
        text.withUTF8 { unsafe write(quotedUTF8: UnsafeRawBufferPointer($0)) }
    }

    /// Appends UTF-8 as a string, which it must be.
    mutating func write(quotedUTF8 text: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        // What needs no escape is appended in runs.
        var start = 0
        for index in 0..<text.count {
            let byte = unsafe text[index]
            if Self.needsEscape(byte) {
                unsafe bytes.append(contentsOf: text[start..<index])
                write(escaped: byte)
                start = index + 1
            }
        }
        unsafe bytes.append(contentsOf: text[start...])
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends two digits for each byte, as a string.
    mutating func write(digitsOf raw: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        for index in 0..<raw.count {
            let byte = unsafe raw[index]
            bytes.append(Hexadecimal.digit(byte >> 4))
            bytes.append(Hexadecimal.digit(byte & 15))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func write(escaped byte: UInt8) {
        switch byte {
        case 0x08: write(raw: "\\b")
        case 0x09: write(raw: "\\t")
        case 0x0a: write(raw: "\\n")
        case 0x0c: write(raw: "\\f")
        case 0x0d: write(raw: "\\r")
        case 0..<0x20:
            write(raw: "\\u00")
            bytes.append(Hexadecimal.digit(byte >> 4))
            bytes.append(Hexadecimal.digit(byte & 15))
        default:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        }
    }
}

extension JSON {
    /// The shortest decimal that reads back as `value`, always with a fraction or an exponent; `null` for NaN and the
    /// infinities, which JSON cannot express.
    public static func float(_ value: Float) -> JSON {
        value.isFinite ? .number(decimal(value.description, plainDigits: 13, leadingZeros: 6)) : .null
    }

    /// See ``float(_:)-(Float)``.
    public static func float(_ value: Double) -> JSON {
        value.isFinite ? .number(decimal(value.description, plainDigits: 16, leadingZeros: 5)) : .null
    }

    /// Respells what Swift prints (`1e+16`, `1e-05`): without exponent up to `plainDigits` digits before the point or
    /// fewer than `leadingZeros` zeros after it, otherwise with a bare exponent.
    private static func decimal(_ swift: String, plainDigits: Int, leadingZeros: Int) -> String {
        // Where Swift writes no exponent the spellings agree.
        if !swift.utf8.contains(UInt8(ascii: "e")) { return swift }
        let mantissa = swift.utf8.prefix { $0 != UInt8(ascii: "e") }
        // From here on ASCII digits only.
        var digits: [UInt8] = []
        var exponent = Int(String(Substring(swift.utf8.dropFirst(mantissa.count + 1)))) ?? 0
        var point: Int?
        for byte in mantissa {
            if byte == UInt8(ascii: ".") {
                point = digits.count
            } else if byte != UInt8(ascii: "-") {
                digits.append(byte)
            }
        }
        // From here on the number is 0.d₁d₂d₃… × 10^exponent.
        exponent += point ?? digits.count
        while digits.count > 1, digits.last == 48 { digits.removeLast() }
        while digits.count > 1, digits.first == 48 {
            digits.removeFirst()
            exponent -= 1
        }
        return (swift.utf8.first == UInt8(ascii: "-") ? "-" : "")
            + spelled(digits, exponent, plainDigits: plainDigits, leadingZeros: leadingZeros)
    }

    private static func spelled(
        _ digits: [UInt8], _ exponent: Int, plainDigits: Int, leadingZeros: Int
    ) -> String {
        func text(_ digits: ArraySlice<UInt8>) -> String { String(decoding: digits, as: UTF8.self) }
        if digits == [48] { return "0.0" }
        if exponent > plainDigits || exponent <= -leadingZeros {
            let fraction = digits.dropFirst()
            return "\(text(digits[..<1]))\(fraction.isEmpty ? "" : "." + text(fraction))e\(exponent - 1)"
        }
        if exponent <= 0 { return "0." + String(repeating: "0", count: -exponent) + text(digits[...]) }
        if digits.count <= exponent {
            return text(digits[...]) + String(repeating: "0", count: exponent - digits.count) + ".0"
        }
        return text(digits[..<exponent]) + "." + text(digits[exponent...])
    }
}
