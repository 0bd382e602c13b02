// `Codable` of the types that have a readable text: they are that text, as a single value, and keys of objects where they
// are keys of dictionaries. The protocols belong to the standard library.

extension Decoder {
    /// Reads a value from its text.
    fileprivate func decodeText<Value: LosslessStringConvertible>(_ expected: String) throws -> Value {
        let container = try singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Value(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected \(expected), not '\(text)'")
        }
        return value
    }
}

extension Encoder {
    fileprivate func encodeText(_ value: some LosslessStringConvertible) throws {
        var container = singleValueContainer()
        try container.encode(value.description)
    }
}

/// A key that is a text.
private struct TextKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ value: some LosslessStringConvertible) { stringValue = value.description }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Identity: Codable, CodingKeyRepresentable {
    /// Reads 64 hexadecimal digits as a text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("an identity of 64 hexadecimal digits")
    }
    /// Writes ``hex`` as a text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension ConnectionId: Codable, CodingKeyRepresentable {
    /// Reads 32 hexadecimal digits as a text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a connection id of 32 hexadecimal digits")
    }
    /// Writes ``hex`` as a text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension Uuid: Codable, CodingKeyRepresentable {
    /// Reads the usual 36 characters as a text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a UUID such as 00112233-4455-6677-8899-aabbccddeeff")
    }
    /// Writes the usual 36 characters as a text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension Timestamp: Codable, CodingKeyRepresentable {
    /// Reads RFC 3339 text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a time such as 2023-11-14T22:13:20.123456Z")
    }
    /// Writes RFC 3339 text, `2023-11-14T22:13:20.123456Z`.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension TimeDuration: Codable, CodingKeyRepresentable {
    /// Reads seconds as a text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a duration in seconds such as +1.500000")
    }
    /// Writes seconds as a text, `+1.500000`.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension ScheduleAt: Codable, CodingKeyRepresentable {
    /// Reads the text of a time or of an interval; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText(
            "a time such as 2023-11-14T22:13:20.123456Z or an interval in seconds such as +5.000000")
    }
    /// Writes the text of the time or of the interval.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension UInt256: Codable, CodingKeyRepresentable {
    /// Reads decimal digits as a text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a number of up to 256 bits in decimal digits")
    }
    /// Writes decimal digits as a text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}

extension Int256: Codable, CodingKeyRepresentable {
    /// Reads decimal digits as a text; throws `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a signed number of up to 256 bits in decimal digits")
    }
    /// Writes decimal digits as a text.
    public func encode(to encoder: any Encoder) throws { try encoder.encodeText(self) }
    /// The key of a dictionary's entry: the same text.
    public var codingKey: any CodingKey { TextKey(self) }
    /// Nil if the key is not such a text.
    public init?<Key: CodingKey>(codingKey: Key) { self.init(codingKey.stringValue) }
}
