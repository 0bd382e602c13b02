import Testing

/// The bytes that pairs of hexadecimal digits stand for; blanks between them mean nothing.
func bytes(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    precondition(digits.count.isMultiple(of: 2), "half a byte in '\(text)'")
    var bytes: [UInt8] = []
    var rest = digits[...]
    while !rest.isEmpty {
        guard let byte = UInt8(rest.prefix(2), radix: 16) else { preconditionFailure("'\(rest.prefix(2))' is no byte") }
        bytes.append(byte)
        rest = rest.dropFirst(2)
    }
    return bytes
}

/// Checks bytes against pairs of hexadecimal digits, where `__` stands for any byte: times differ each time.
func expect(
    _ found: [UInt8], is pattern: String, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    let characters = Array(pattern.filter { !$0.isWhitespace })
    var shown = ""
    for (position, byte) in found.enumerated() {
        let pair = String(byte, radix: 16)
        let isFree = position * 2 < characters.count && characters[position * 2] == "_"
        shown += isFree ? "__" : pair.count == 1 ? "0" + pair : pair
    }
    #expect(shown == String(characters), comment, sourceLocation: sourceLocation)
}

/// Little-endian, as all numbers in messages are.
func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

/// A text behind its length.
func counted(_ text: String) -> [UInt8] { littleEndian(UInt32(text.utf8.count)) + Array(text.utf8) }

/// What many messages hold: bytes behind their length.
func counted(_ bytes: [UInt8]) -> [UInt8] { littleEndian(UInt32(bytes.count)) + bytes }
