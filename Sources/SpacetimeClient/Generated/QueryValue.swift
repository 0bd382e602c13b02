public import SpacetimeSATS

/// A value that queries can compare a column with.
public protocol QueryValue: Sendable {
    /// The value as SQL has it.
    var _sql: String { get }
}

/// Texts of queries.
enum SQLText {
    /// A name, with its namespaces: `"lib"."users"`.
    static func name(_ name: String) -> String {
        name.split(separator: ".").map { quoted(String($0)) }.joined(separator: ".")
    }

    /// One part of a name.
    static func quoted(_ name: String) -> String { "\"" + doubled(name, "\"") + "\"" }

    /// A text with one of its signs written twice, as SQL has it between two of them.
    ///
    /// By scalars: a quote with an accent behind it is one character that is no quote, and to a server it is one all the same.
    static func doubled(_ text: String, _ quote: Unicode.Scalar) -> String {
        guard text.unicodeScalars.contains(quote) else { return text }
        var doubled = ""
        for scalar in text.unicodeScalars {
            if scalar == quote { doubled.unicodeScalars.append(scalar) }
            doubled.unicodeScalars.append(scalar)
        }
        return doubled
    }

    static func string(_ text: String) -> String { "'" + doubled(text, "'") + "'" }
}

extension QueryValue where Self: BinaryInteger {
    public var _sql: String { String(self) }
}

extension Int8: QueryValue {}
extension Int16: QueryValue {}
extension Int32: QueryValue {}
extension Int64: QueryValue {}
extension Int128: QueryValue {}
extension UInt8: QueryValue {}
extension UInt16: QueryValue {}
extension UInt32: QueryValue {}
extension UInt64: QueryValue {}
extension UInt128: QueryValue {}
extension Int256: QueryValue { public var _sql: String { "\(self)" } }
extension UInt256: QueryValue { public var _sql: String { "\(self)" } }

extension QueryValue where Self: BinaryFloatingPoint & CustomStringConvertible {
    /// What is no number has no text that servers take: they refuse the query.
    public var _sql: String { isInfinite ? (self < 0 ? "-1e999" : "1e999") : description }
}

extension Float: QueryValue {}
extension Double: QueryValue {}

extension Bool: QueryValue { public var _sql: String { self ? "TRUE" : "FALSE" } }
extension String: QueryValue { public var _sql: String { SQLText.string(self) } }
extension Identity: QueryValue { public var _sql: String { "0x\(hex)" } }
extension ConnectionId: QueryValue { public var _sql: String { "0x\(hex)" } }
extension Timestamp: QueryValue { public var _sql: String { SQLText.string("\(self)") } }
extension TimeDuration: QueryValue { public var _sql: String { SQLText.string("\(self)") } }
extension Uuid: QueryValue { public var _sql: String { SQLText.string("\(self)") } }
