/// Why a text is no statement, and where.
package struct SQLError: Error, Hashable, Sendable {
    package enum Code: Hashable, Sendable {
        /// There is no statement in the text.
        case empty
        /// The text does not follow the grammar.
        case syntax
        /// What the text asks for exists in SQL and is not offered here.
        case unsupported
        /// The text is too long, or nested too deeply.
        case tooLarge
        /// There is no table of that name, or none that the caller may read.
        case noSuchTable
        /// A name means nothing where it stands, or several things, or is given twice.
        case name
        /// A value has another type than is needed there, or its type cannot be told.
        case type
        /// There are more or fewer columns or values than there have to be.
        case count
        /// Tables are joined by columns that have no index, which this use does not allow.
        case index
    }

    package let code: Code
    /// What is wrong and what was expected, without the position.
    package let reason: String
    /// The part of the text that is meant.
    package let range: SourceRange
    /// Where it begins, counted from 1; columns in characters.
    package let line: Int
    package let column: Int

    init(_ code: Code, _ reason: String, _ range: SourceRange, in text: SQLText) {
        self.code = code
        self.reason = reason
        self.range = range
        (line, column) = text.place(of: range.start)
    }
}

extension SQLError: CustomStringConvertible {
    package var description: String { "line \(line), column \(column): \(reason)" }
}

/// A part of a text, as offsets of its UTF-8.
package struct SourceRange: Hashable, Sendable {
    package var start: Int
    package var end: Int

    init(_ start: Int, _ end: Int) {
        self.start = start
        self.end = end
    }

    /// From the beginning of this part to the end of a later one.
    func through(_ other: SourceRange) -> SourceRange { SourceRange(start, other.end) }
}

/// The UTF-8 of a statement.
struct SQLText: Sendable {
    /// Longer texts are refused before they are looked at.
    static let byteLimit = 50_000

    let bytes: [UInt8]

    init(_ text: String) throws(SQLError) {
        bytes = Array(text.utf8)
        guard bytes.count > Self.byteLimit else { return }
        let beginning = String(text.prefix(120))
        throw SQLError(
            .tooLarge,
            "the statement has \(bytes.count) bytes, and \(Self.byteLimit) are allowed; it begins with: \(beginning)",
            SourceRange(0, 0), in: self)
    }

    /// The text of a part; parts begin and end between characters.
    subscript(range: SourceRange) -> String { String(decoding: bytes[range.start..<range.end], as: UTF8.self) }

    /// Line and column of an offset, counted from 1.
    func place(of offset: Int) -> (line: Int, column: Int) {
        var line = 1
        var column = 1
        for byte in bytes[..<min(offset, bytes.count)] {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                // Bytes that continue a character do not count.
                column += 1
            }
        }
        return (line, column)
    }
}
