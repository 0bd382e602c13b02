package import SpacetimeEngine
import SpacetimeSATS

/// Finds what was made of a text by another one that differs from it in numbers and texts only: by one look at its bytes, without
/// reading its tokens.
///
/// A text is known by all of its bytes but for plain numbers (`15`, `1.5`) and plain texts (`'a'`), which are cut out. Where they
/// begin and end depends on nothing but the bytes around them, so texts with equal rests have the same tokens but for those. A
/// text with anything that is not as plain as that, as a comment, is not found here.
package struct SQLTextTable {
    /// A number or a text that was cut out.
    private struct Literal {
        let start: Int
        let end: Int
        let isText: Bool
    }

    /// What a cut literal is.
    private enum Place {
        /// A value of the template.
        case value(isNegative: Bool)
        /// A part of the query's shape: it must be these bytes.
        case fixed([UInt8])
    }

    /// Where a parameter gets its value.
    private struct Source {
        /// Which of the literals; nil if it has a name.
        let literal: Int?
        let isNegative: Bool
        let type: AlgebraicType
        let form: Form
    }

    /// Types whose values are made in a few steps.
    private enum Form {
        case unsigned(width: Int)
        case signed(width: Int)
        case text
        case other

        init(_ type: AlgebraicType) {
            self =
                switch type {
                case .u8: .unsigned(width: 1)
                case .u16: .unsigned(width: 2)
                case .u32: .unsigned(width: 4)
                case .u64: .unsigned(width: 8)
                case .i8: .signed(width: 1)
                case .i16: .signed(width: 2)
                case .i32: .signed(width: 4)
                case .i64: .signed(width: 8)
                case .string: .text
                default: .other
                }
        }
    }

    private final class Entry {
        let key: [UInt8]
        let places: [Place]
        let sources: [Source]
        let value: AnyObject

        init(key: [UInt8], places: [Place], sources: [Source], value: AnyObject) {
            self.key = key
            self.places = places
            self.sources = sources
            self.value = value
        }
    }

    private let countLimit: Int
    private let byteLimit: Int
    private var entries: [UInt64: Entry] = [:]
    private var byteCount = 0

    // Of the text at hand.
    private var key: [UInt8] = []
    private var literals: [Literal] = []
    /// The values of the parameters, one behind the other, and where each ends.
    private var values: [UInt8] = []
    private var ends: [Int] = []

    /// - Parameters:
    ///   - countLimit: how many texts are kept; one more, and all are forgotten.
    ///   - byteLimit: of texts.
    package init(countLimit: Int = 2_000, byteLimit: Int = 4 << 20) {
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    // MARK: Finding

    /// What was entered for the text, or for one with other literals. Nil if there is nothing, or if a literal is no value of its
    /// parameter's type. Afterwards the values are there.
    package mutating func find(_ text: String) -> AnyObject? {
        var text = text
        return text.withUTF8 { bytes in
            guard cut(bytes), let entry = entries[hash], entry.key == key, matches(entry, bytes),
                makeValues(entry, bytes)
            else { return nil }
            return entry.value
        }
    }

    /// Gives each parameter of the query that was found its value in BSATN; those with names are left out.
    package func forEachValue(
        _ body: (_ parameter: Int, _ value: UnsafeRawBufferPointer) throws(EngineError) -> Void
    ) throws(EngineError) {
        var start = 0
        for (parameter, end) in ends.enumerated() {
            if end >= 0 {
                let range = start..<end
                try values.withBytes { (bytes) throws(EngineError) in
                    try body(parameter, UnsafeRawBufferPointer(rebasing: bytes[range]))
                }
                start = end
            }
        }
    }

    /// The same as arrays; nil for those with names.
    package var foundValues: [[UInt8]?] {
        var start = 0
        return ends.map { end in
            if end < 0 { return nil }
            defer { start = end }
            return Array(values[start..<end])
        }
    }

    // MARK: Entering

    /// Notes what was made of a text.
    ///
    /// - Parameters:
    ///   - select: the query that it is.
    ///   - template: of the text.
    package mutating func enter(_ text: String, _ select: BoundSelect, _ template: SQLTemplate, _ value: AnyObject) {
        guard select.isTemplate else { return }
        var text = text
        let places: [Place]? = text.withUTF8 { bytes in
            guard cut(bytes) else { return nil }
            return literals.map { literal in
                for range in template.ranges where range.end == literal.end && range.start <= literal.start {
                    return .value(isNegative: bytes[range.start] == UInt8(ascii: "-"))
                }
                return .fixed(Array(bytes[literal.start..<literal.end]))
            }
        }
        guard let places else { return }
        var sources: [Source] = []
        for (parameter, number) in zip(select.query.parameters, select.literals) {
            var literal: Int?
            if let number {
                literal = literals.firstIndex { $0.end == template.ranges[number].end }
                // It is written in a way that is not looked for here.
                if literal == nil { return }
            }
            var isNegative = false
            if let literal, case .value(let sign) = places[literal] { isNegative = sign }
            sources.append(
                Source(
                    literal: literal, isNegative: isNegative, type: parameter.type, form: Form(parameter.type)))
        }
        if entries.count >= countLimit || byteCount + key.count > byteLimit {
            entries = [:]
            byteCount = 0
        }
        let entry = Entry(key: key, places: places, sources: sources, value: value)
        if let old = entries.updateValue(entry, forKey: hash) { byteCount -= old.key.count }
        byteCount += key.count
    }

    // MARK: Cutting

    private static let literalLimit = 256

    /// Puts the text without its literals into `key`; false if there is something in it that is not plain.
    private mutating func cut(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        key.removeAll(keepingCapacity: true)
        literals.removeAll(keepingCapacity: true)
        if bytes.count > SQLText.byteLimit { return false }
        var position = 0
        var copied = 0
        // Whether the byte before belongs to a word, to which a digit would belong, too.
        var isInWord = false
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case 0x61...0x7A, 0x41...0x5A, UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
                isInWord = true
                position += 1
            case 0x30...0x39:
                if isInWord {
                    position += 1
                    continue
                }
                if position > 0, bytes[position - 1] == UInt8(ascii: ".") { return false }
                let end = Self.endOfNumber(bytes, position)
                guard end > 0 else { return false }
                add(Literal(start: position, end: end, isText: false), bytes, &copied)
                position = end
            case UInt8(ascii: "'"):
                // Behind a word it is no text but bytes.
                if isInWord { return false }
                var end = position + 1
                while end < bytes.count, bytes[end] != byte { end += 1 }
                // A doubled quote stands for a quote.
                if end >= bytes.count || end + 1 < bytes.count && bytes[end + 1] == byte { return false }
                add(Literal(start: position, end: end + 1, isText: true), bytes, &copied)
                position = end + 1
            case UInt8(ascii: "\""):
                position += 1
                while position < bytes.count, bytes[position] != byte { position += 1 }
                position += 1
                isInWord = false
            case UInt8(ascii: "-"), UInt8(ascii: "/"):
                // A comment, perhaps.
                if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "-") { return false }
                if position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "*") { return false }
                isInWord = false
                position += 1
            case ..<0x09, 0x0E..<0x20: return false
            default:
                isInWord = false
                position += 1
            }
        }
        if literals.count > Self.literalLimit { return false }
        if copied < bytes.count { key.append(contentsOf: bytes[copied...]) }
        return true
    }

    /// Digits, and perhaps a point and more digits; 0 if there is something else behind them.
    @inline(__always)
    private static func endOfNumber(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] >= 0x30, bytes[end] <= 0x39 { end += 1 }
        if end < bytes.count, bytes[end] == UInt8(ascii: ".") {
            end += 1
            while end < bytes.count, bytes[end] >= 0x30, bytes[end] <= 0x39 { end += 1 }
        }
        if end == bytes.count { return end }
        switch bytes[end] {
        case 0x61...0x7A, 0x41...0x5A, UInt8(ascii: "_"), UInt8(ascii: "$"), UInt8(ascii: "."), 0x80...: return 0
        default: return end
        }
    }

    /// No text has such bytes, so a cut literal is mistaken for nothing.
    @inline(__always)
    private mutating func add(_ literal: Literal, _ bytes: UnsafeBufferPointer<UInt8>, _ copied: inout Int) {
        if copied < literal.start { key.append(contentsOf: bytes[copied..<literal.start]) }
        key.append(literal.isText ? 2 : 1)
        literals.append(literal)
        copied = literal.end
    }

    private var hash: UInt64 {
        key.withUnsafeBytes { bytes in
            var hash = UInt64(truncatingIfNeeded: bytes.count)
            func mix(_ word: UInt64) {
                let (high, low) = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
                hash = high ^ low &+ 0xD6E8_FEB8_6659_FD93
            }
            var place = 0
            while place + 8 <= bytes.count {
                mix(bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                place += 8
            }
            var rest: UInt64 = 0
            while place < bytes.count {
                rest = rest << 8 | UInt64(bytes[place])
                place += 1
            }
            mix(rest)
            return hash
        }
    }

    // MARK: Values

    /// Whether the literals that belong to the query's shape are those of the text that was entered.
    private func matches(_ entry: Entry, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for position in 0..<literals.count {
            guard case .fixed(let expected) = entry.places[position] else { continue }
            let literal = literals[position]
            guard bytes[literal.start..<literal.end].elementsEqual(expected) else { return false }
        }
        return true
    }

    /// False if a literal is no value of its type.
    private mutating func makeValues(_ entry: Entry, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        values.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        for position in 0..<entry.sources.count {
            guard let number = entry.sources[position].literal else {
                ends.append(-1)
                continue
            }
            guard append(literals[number], entry.sources[position], bytes) else { return false }
            ends.append(values.count)
        }
        return true
    }

    private mutating func append(
        _ literal: Literal, _ source: Source, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        switch source.form {
        case .unsigned(let width) where !literal.isText && !source.isNegative:
            guard let number = Self.number(bytes, literal), width == 8 || number >> UInt64(width * 8) == 0 else {
                break
            }
            append(number, width)
            return true
        case .signed(let width) where !literal.isText:
            guard let number = Self.number(bytes, literal) else { break }
            let limit = UInt64(1) << UInt64(width * 8 - 1)
            guard source.isNegative ? number <= limit : number < limit else { break }
            append(source.isNegative ? 0 &- number : number, width)
            return true
        case .text where literal.isText:
            append(UInt64(literal.end - literal.start - 2), 4)
            values.append(contentsOf: bytes[(literal.start + 1)..<(literal.end - 1)])
            return true
        default: break
        }
        // Whatever else there is, read as ever.
        let range = literal.isText ? (literal.start + 1)..<(literal.end - 1) : literal.start..<literal.end
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        let form: SQLLiteral = literal.isText ? .string(text) : .number(source.isNegative ? "-" + text : text)
        guard let value = form.value(as: source.type) else { return false }
        values.append(contentsOf: value.bsatn())
        return true
    }

    @inline(__always)
    private mutating func append(_ number: UInt64, _ width: Int) {
        withUnsafeBytes(of: number.littleEndian) { values.append(contentsOf: $0.prefix(width)) }
    }

    /// Nil if there is a point, or if the number is too large.
    @inline(__always)
    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ literal: Literal) -> UInt64? {
        // So many digits fit.
        guard literal.end - literal.start <= 19 else { return nil }
        var number: UInt64 = 0
        for position in literal.start..<literal.end {
            let digit = bytes[position] &- 0x30
            if digit > 9 { return nil }
            number = number &* 10 &+ UInt64(digit)
        }
        return number
    }
}
