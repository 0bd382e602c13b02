/// A JSON text taken apart, with nothing lost: numbers keep their digits, objects their order and duplicates.
public indirect enum JSON: Hashable, Sendable {
    /// A key of an object with its value.
    public struct Member: Hashable, Sendable {
        /// The key, escapes undone.
        public var key: String
        /// What stands under the key.
        public var value: JSON

        /// A key with its value.
        public init(_ key: String, _ value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number as it is spelled, since 256-bit integers and shortest floats fit no single Swift type.
    case number(String)
    /// A string, escapes undone.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object. Whether a key may be repeated is for the reader to say.
    case object([Member])

    /// An integer of any width.
    public static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }

    /// How deeply arrays and objects may be nested in a text.
    public static var depthLimit: Int { 128 }
}

extension JSON {
    /// The value under `key` if this is an object with exactly one such key.
    public subscript(key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        let found = members.filter { $0.key.hasSameBytes(as: key) }
        return found.count == 1 ? found[0].value : nil
    }

    /// The text of a string.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The elements of an array.
    public var arrayValue: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// An integer in range and spelled without fraction and exponent.
    public func integerValue<Number: FixedWidthInteger>(as type: Number.Type = Number.self) -> Number? {
        guard case .number(let text) = self else { return nil }
        return Number(text)
    }
}

extension String {
    /// Equality of the UTF-8 bytes, where Swift's `==` takes differently composed characters for the same.
    func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// Why a JSON text could not be read, or a value not be written as JSON.
public enum JSONError: Error, Hashable, Sendable {
    /// At byte `at` the text is not JSON; `expected` says what could have stood there.
    case syntax(at: Int, expected: String)
    /// Arrays and objects are nested more than `limit` levels deep.
    case tooDeep(limit: Int)
    /// There are more than `limit` values in the text.
    case tooManyValues(limit: Int)
    /// At `path` (such as `.items[3].name`) stands something that does not denote a value of the type wanted.
    case mismatch(path: String, expected: String)
    /// The type holds a reference that leads nowhere in the typespace given.
    case unresolvedRef(UInt32)
    /// A field at `path` has no name, and the style needs one.
    case namelessField(path: String)
}

extension JSONError: CustomStringConvertible {
    /// One sentence for people.
    public var description: String {
        switch self {
        case .syntax(let at, let expected): "malformed JSON at byte \(at): expected \(expected)"
        case .tooDeep(let limit): "JSON is nested deeper than \(limit) levels"
        case .tooManyValues(let limit): "JSON has more than \(limit) values"
        case .mismatch(let path, let expected): "JSON at \(path.isEmpty ? "the top" : path): expected \(expected)"
        case .unresolvedRef(let ref): "type reference \(ref) leads nowhere"
        case .namelessField(let path): "the field \(path) has no name, which this JSON style needs"
        }
    }
}
