extension JSON {
    /// Parses a whole text; nothing but white space may follow the value.
    public init(parsing text: String) throws(JSONError) { try self.init(parsing: [UInt8](text.utf8)) }

    /// Parses a whole UTF-8 text. Nesting past ``depthLimit`` throws, as do malformed UTF-8 and lone surrogates.
    public init(parsing utf8: [UInt8]) throws(JSONError) {
        try self.init(parsing: utf8, depthLimit: Self.depthLimit, valueLimit: .max)
    }

    /// With other limits: to the nesting, since the parser calls itself once for each level; and to how many values there are
    /// in all, each of which takes many times the memory of its text.
    package init(
        parsing utf8: [UInt8], depthLimit: Int = JSON.depthLimit, valueLimit: Int = .max
    ) throws(JSONError) {
        var parser = JSONParser(bytes: utf8, depthLimit: depthLimit, valueLimit: valueLimit)
        self = try parser.document()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let depthLimit: Int
    let valueLimit: Int
    var valueCount = 0
    var offset = 0

    init(bytes: [UInt8], depthLimit: Int, valueLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        self.valueLimit = valueLimit
    }

    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func failure(_ expected: String) -> JSONError { .syntax(at: offset, expected: expected) }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw failure("the end") }
        return value
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    /// Takes `character` if it comes next, white space aside.
    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
        guard accept(character) else { throw failure("\"\(character)\"") }
    }

    mutating func value(depth: Int) throws(JSONError) -> JSON {
        skipSpace()
        valueCount += 1
        guard valueCount <= valueLimit else { throw .tooManyValues(limit: valueLimit) }
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), .some(48...57): return .number(try number())
        default: throw failure("a value")
        }
    }

    mutating func word(_ spelling: String, _ value: JSON) throws(JSONError) -> JSON {
        guard bytes[offset...].starts(with: spelling.utf8) else { throw failure(spelling) }
        offset += spelling.utf8.count
        return value
    }

    mutating func array(depth: Int) throws(JSONError) -> JSON {
        guard depth < depthLimit else { throw .tooDeep(limit: depthLimit) }
        try expect("[")
        var elements: [JSON] = []
        if accept("]") { return .array(elements) }
        repeat { elements.append(try value(depth: depth + 1)) } while accept(",")
        try expect("]")
        return .array(elements)
    }

    mutating func object(depth: Int) throws(JSONError) -> JSON {
        guard depth < depthLimit else { throw .tooDeep(limit: depthLimit) }
        try expect("{")
        var members: [JSON.Member] = []
        if accept("}") { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a key") }
            let key = try string()
            try expect(":")
            members.append(JSON.Member(key, try value(depth: depth + 1)))
        } while accept(",")
        try expect("}")
        return .object(members)
    }

    mutating func number() throws(JSONError) -> String {
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        if next == UInt8(ascii: "0") { offset += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            offset += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    mutating func digits() throws(JSONError) {
        let start = offset
        while let byte = next, byte >= 48, byte <= 57 { offset += 1 }
        guard offset > start else { throw failure("a digit") }
    }

    mutating func string() throws(JSONError) -> String {
        let start = offset
        offset += 1
        var content: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw failure("no control characters in a string") }
            offset += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &content) } else { content.append(byte) }
        }
        guard next != nil else { throw failure("the end of a string") }
        offset += 1
        // The bytes of `UInt8` are all initialised.
        guard let text = unsafe content.withUnsafeBytes({ unsafe validatedString($0) }) else {
            throw .syntax(at: start, expected: "UTF-8")
        }
        return text
    }

    mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw failure("an escape") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0c)
        case UInt8(ascii: "n"): content.append(0x0a)
        case UInt8(ascii: "r"): content.append(0x0d)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: try escapedScalar().utf8)
        default:
            offset -= 1
            throw failure("an escape")
        }
    }

    /// The scalar of `XXXX` or, for those beyond 16 bits, of the surrogate pair `XXXX\uXXXX`.
    mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let first = try fourDigits()
        var code = first
        if first >= 0xd800, first < 0xdc00 {
            guard bytes[offset...].starts(with: "\\u".utf8) else { throw failure("a low surrogate") }
            offset += 2
            let second = try fourDigits()
            guard second >= 0xdc00, second < 0xe000 else { throw failure("a low surrogate") }
            code = 0x1_0000 + (first - 0xd800) << 10 + (second - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("no lone surrogate") }
        return scalar
    }

    mutating func fourDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Hexadecimal.value(byte) else { throw failure("four hexadecimal digits") }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }
}
