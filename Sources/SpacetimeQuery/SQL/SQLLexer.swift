/// Cuts a text into tokens.
///
/// Names are case-sensitive and never folded; keywords are told from names by the parser. Strings know no escapes but the
/// doubled quote. A trailing `L` of a number is left out, as the PostgreSQL dialect does.
struct SQLLexer {
    private let text: SQLText
    private var offset = 0

    init(_ text: SQLText) { self.text = text }

    /// All tokens; the last is `end`.
    static func tokens(of text: SQLText) throws(SQLError) -> [SQLToken] {
        var lexer = SQLLexer(text)
        var tokens: [SQLToken] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private func byte(_ ahead: Int = 0) -> UInt8? {
        offset + ahead < text.bytes.count ? text.bytes[offset + ahead] : nil
    }

    private func token(_ kind: SQLToken.Kind, from start: Int) -> SQLToken {
        SQLToken(kind: kind, range: SourceRange(start, offset))
    }

    private func failure(_ reason: String, from start: Int) -> SQLError {
        SQLError(.syntax, reason, SourceRange(start, min(offset + 1, text.bytes.count)), in: text)
    }

    private mutating func next() throws(SQLError) -> SQLToken {
        try skipBlanks()
        let start = offset
        guard let first = byte() else { return token(.end, from: start) }
        switch first {
        case UInt8(ascii: "'"):
            let string = try quotedText(first, "a text")
            return token(.string(string), from: start)
        case UInt8(ascii: "\""):
            let name = try quotedText(first, "a name")
            if name.isEmpty { throw failure("a name in quotes is empty", from: start) }
            return token(.quoted(name), from: start)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            guard byte(1) == UInt8(ascii: "'") else { return try word(from: start) }
            offset += 1
            let digits = try quotedText(UInt8(ascii: "'"), "a hexadecimal value")
            guard digits.utf8.allSatisfy(Self.isHexDigit) else {
                throw failure("X'\(digits)' is no hexadecimal value", from: start)
            }
            return token(.hex(digits), from: start)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(from: start)
        case UInt8(ascii: "."):
            if let second = byte(1), Self.isDigit(second) { return try number(from: start) }
        case UInt8(ascii: ":"): return try parameter(from: start)
        default:
            if try isWordStart() { return try word(from: start) }
        }
        return try symbol(from: start)
    }

    // MARK: Blanks

    private mutating func skipBlanks() throws(SQLError) {
        while let current = byte() {
            switch (current, byte(1)) {
            case (0x20, _), (0x09...0x0D, _): offset += 1
            case (UInt8(ascii: "-"), UInt8(ascii: "-")):
                while let next = byte(), next != UInt8(ascii: "\n") { offset += 1 }
            case (UInt8(ascii: "/"), UInt8(ascii: "*")): try skipComment()
            default: return
            }
        }
    }

    /// Comments may hold comments, as in PostgreSQL.
    private mutating func skipComment() throws(SQLError) {
        let start = offset
        var depth = 0
        repeat {
            switch (byte(), byte(1)) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                depth += 1
                offset += 2
            case (UInt8(ascii: "*"), UInt8(ascii: "/")):
                depth -= 1
                offset += 2
            case (nil, _): throw failure("a comment does not end; close it with */", from: start)
            default: offset += 1
            }
        } while depth > 0
    }

    // MARK: Tokens

    /// The text between two quotes, of which doubled ones are one.
    private mutating func quotedText(_ quote: UInt8, _ what: String) throws(SQLError) -> String {
        let start = offset
        offset += 1
        var bytes: [UInt8] = []
        while let next = byte() {
            offset += 1
            if next == quote {
                guard byte() == quote else { return String(decoding: bytes, as: UTF8.self) }
                offset += 1
            }
            bytes.append(next)
        }
        throw failure("\(what) does not end; close it with \(Character(UnicodeScalar(quote)))", from: start)
    }

    private mutating func number(from start: Int) throws(SQLError) -> SQLToken {
        if byte() == UInt8(ascii: "0"), byte(1) == UInt8(ascii: "x") {
            offset += 2
            let digits = offset
            while let next = byte(), Self.isHexDigit(next) { offset += 1 }
            guard offset > digits else { throw failure("0x is followed by no hexadecimal digits", from: start) }
            return token(.hex(text[SourceRange(digits, offset)]), from: start)
        }
        skipDigits()
        if byte() == UInt8(ascii: ".") {
            offset += 1
            skipDigits()
        }
        if byte() == UInt8(ascii: "e") || byte() == UInt8(ascii: "E") {
            let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
            if let digit = byte(1 + sign), Self.isDigit(digit) {
                offset += 1 + sign
                skipDigits()
            }
        }
        let number = SQLToken.Kind.number(text[SourceRange(start, offset)])
        if byte() == UInt8(ascii: "L") { offset += 1 }
        return token(number, from: start)
    }

    private mutating func skipDigits() { while let next = byte(), Self.isDigit(next) { offset += 1 } }

    private mutating func parameter(from start: Int) throws(SQLError) -> SQLToken {
        offset += 1
        guard byte(0) != UInt8(ascii: ":") else {
            throw SQLError(
                .unsupported, "values are not converted by ::; write them as the column's type has them",
                SourceRange(start, offset + 1), in: text)
        }
        guard try isWordStart() else { throw failure("a colon is followed by no name of a parameter", from: start) }
        let name = offset
        try skipWord()
        return token(.parameter(text[SourceRange(name, offset)]), from: start)
    }

    private mutating func word(from start: Int) throws(SQLError) -> SQLToken {
        try skipWord()
        return token(.word(text[SourceRange(start, offset)]), from: start)
    }

    private mutating func symbol(from start: Int) throws(SQLError) -> SQLToken {
        for length in [2, 1] where offset + length <= text.bytes.count {
            let bytes = text.bytes[offset..<(offset + length)]
            guard bytes.allSatisfy({ $0 < 0x80 }),
                let symbol = SQLToken.Symbol(rawValue: String(decoding: bytes, as: UTF8.self))
            else { continue }
            offset += length
            return token(.symbol(symbol), from: start)
        }
        let (scalar, _) = try scalar()
        switch scalar {
        case "$", "?":
            throw SQLError(
                .unsupported, "parameters are written with a name, as :name", SourceRange(start, start + 1), in: text)
        case "`", "[":
            throw failure("names are quoted with double quotes", from: start)
        default: throw failure("'\(scalar)' has no meaning here", from: start)
        }
    }

    // MARK: Words

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte >= 0x41 && byte <= 0x46 || byte >= 0x61 && byte <= 0x66
    }

    /// The character at the offset, and its length in bytes.
    private func scalar() throws(SQLError) -> (Unicode.Scalar, Int) {
        // The text was made from a string, so its UTF-8 is right.
        let first = text.bytes[offset]
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        let end = min(offset + length, text.bytes.count)
        guard let scalar = String(decoding: text.bytes[offset..<end], as: UTF8.self).unicodeScalars.first else {
            throw failure("the text ends inside of a character", from: offset)
        }
        return (scalar, length)
    }

    private func isWordStart() throws(SQLError) -> Bool {
        guard let first = byte() else { return false }
        if first < 0x80 { return Self.isASCIILetter(first) || first == UInt8(ascii: "_") }
        return try scalar().0.properties.isAlphabetic
    }

    private mutating func skipWord() throws(SQLError) {
        while let next = byte() {
            if next < 0x80 {
                guard
                    Self.isASCIILetter(next) || Self.isDigit(next) || next == UInt8(ascii: "_")
                        || next == UInt8(ascii: "$")
                else { return }
                offset += 1
            } else {
                let (scalar, length) = try scalar()
                guard scalar.properties.isAlphabetic else { return }
                offset += length
            }
        }
    }

    private static func isASCIILetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A }
}
