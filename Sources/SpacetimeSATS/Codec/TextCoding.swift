// `Codable` of the types that have a readable text: they are that text, as a single value, and keys of objects where they
// are keys of dictionaries. The protocols belong to the standard library.

/// A type that is coded as its text: reads it from a single value and writes it as one, also as the key of a dictionary's
/// entry. Reading anything else throws `DecodingError`, or gives no key.
public protocol _TextCodable: Codable, CodingKeyRepresentable, LosslessStringConvertible {
    /// What the text is, with an example, for the error over another one.
    static var _textForm: String { get }
}

extension _TextCodable {
    /// Reads the value from its text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(Self._textForm), not '\(text)'")
        }
        self = value
    }

    /// Writes the value as its text, the one that `description` shows.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(stringValue: description) }

    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

/// A key that is a text.
private struct TextKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Identity: _TextCodable {
    public static var _textForm: String { "an identity of 64 hexadecimal digits" }
}

extension ConnectionId: _TextCodable {
    public static var _textForm: String { "a connection id of 32 hexadecimal digits" }
}

extension Uuid: _TextCodable {
    public static var _textForm: String { "a UUID such as 00112233-4455-6677-8899-aabbccddeeff" }
}

extension Timestamp: _TextCodable {
    public static var _textForm: String { "a time such as 2023-11-14T22:13:20.123456Z" }
}

extension TimeDuration: _TextCodable {
    public static var _textForm: String { "a duration in seconds such as +1.500000" }
}

extension ScheduleAt: _TextCodable {
    public static var _textForm: String {
        "a time such as 2023-11-14T22:13:20.123456Z or an interval in seconds such as +5.000000"
    }
}

extension UInt256: _TextCodable {
    public static var _textForm: String { "a number of up to 256 bits in decimal digits" }
}

extension Int256: _TextCodable {
    public static var _textForm: String { "a signed number of up to 256 bits in decimal digits" }
}
