package import SpacetimeSATS

/// The readable text of the values of one column: what CSV holds, and the TEXT columns of an SQLite file.
///
/// | Type | Text |
/// | --- | --- |
/// | `Bool`, integers of all widths | `true`, `-12` |
/// | floats | shortest decimal; `NaN`, `Infinity`, `-Infinity`, `NaN(0x7ff8000000000005)` |
/// | `String` | itself |
/// | bytes | `0x` and hexadecimal digits |
/// | identity, connection id, UUID | as displayed: 64 and 32 hexadecimal digits, 36 characters |
/// | timestamp, duration, schedule | RFC 3339 in UTC; seconds with six decimals; one or the other |
/// | a case without payload | its name |
/// | anything else | JSON that reads back exactly |
///
/// The text of an optional is that of its value, and there is none for `nil`. An optional of an optional is JSON when
/// present. Text and type together give the value back bit for bit.
package struct ColumnText: Sendable {
    private enum Form {
        case number, float32, float64, text, bytes
        case identity, connectionId, uuid, timestamp, duration, schedule
        case sum(SumType)
        case json
    }

    /// Says why a text is no value of the column.
    package struct Problem: Error {
        package var text: String
    }

    private let type: AlgebraicType
    /// The type whose text it is: the payload of an optional.
    private let payload: AlgebraicType
    private let form: Form
    /// Whether some values have no text.
    package let isOptional: Bool
    /// Whether a present value is read and written together with the optional around it.
    private let isWrapped: Bool

    package init(_ type: AlgebraicType) {
        self.type = type
        let inner = type.optionPayload
        isOptional = inner != nil
        isWrapped = inner?.optionPayload != nil
        payload = isWrapped ? type : inner ?? type
        form = isWrapped ? .json : Self.form(of: payload)
    }

    private static func form(of type: AlgebraicType) -> Form {
        switch type {
        case .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64, .i128, .u128, .i256, .u256: return .number
        case .f32: return .float32
        case .f64: return .float64
        case .string: return .text
        case .array(.u8): return .bytes
        case .product, .array, .ref: break
        case .sum(let sum): return type.isScheduleAt ? .schedule : .sum(sum)
        }
        if type.isIdentity { return .identity }
        if type.isConnectionId { return .connectionId }
        if type.isUuid { return .uuid }
        if type.isTimestamp { return .timestamp }
        return type.isTimeDuration ? .duration : .json
    }

    // MARK: Writing

    /// The text of a value of the column's type, nil for an absent optional.
    package func text(_ value: AlgebraicValue) throws(JSONError) -> String? {
        guard isOptional else { return try present(value) }
        guard case .sum(tag: 0, let inner) = value else { return nil }
        return try present(isWrapped ? value : inner)
    }

    private func present(_ value: AlgebraicValue) throws(JSONError) -> String {
        switch (form, value) {
        case (.number, .i256(let number)): return number.description
        case (.number, .u256(let number)): return number.description
        case (.float32, .f32(let number)):
            if let text = number.nonFiniteText { return text }
        case (.float64, .f64(let number)):
            if let text = number.nonFiniteText { return text }
        case (.text, .string(let text)): return text
        case (.bytes, .bytes(let bytes)): return "0x" + Hexadecimal.text(bytes)
        case (.sum(let sum), .sum(let tag, _)):
            if let name = Self.plainName(tag, sum) { return name }
        case (.identity, .product), (.connectionId, .product), (.uuid, .product), (.timestamp, .product),
            (.duration, .product), (.schedule, .sum):
            if let text = special(value.bsatn()) { return text }
        default: break
        }
        return try value.losslessJSON(type: payload)
    }

    private func special(_ bytes: [UInt8]) -> String? {
        switch form {
        case .identity: (try? Identity(bsatn: bytes))?.description
        case .connectionId: (try? ConnectionId(bsatn: bytes))?.description
        case .uuid: (try? Uuid(bsatn: bytes))?.description
        case .timestamp: (try? Timestamp(bsatn: bytes))?.description
        case .duration: (try? TimeDuration(bsatn: bytes))?.description
        case .schedule: (try? ScheduleAt(bsatn: bytes))?.description
        default: nil
        }
    }

    /// The name of a case without payload, if it cannot be mistaken for JSON or for another case.
    private static func plainName(_ tag: UInt8, _ sum: SumType) -> String? {
        let variant = sum.variants[Int(tag)]
        guard variant.algebraicType.isUnit, let name = variant.name, let first = name.utf8.first,
            first != UInt8(ascii: "{"), first != UInt8(ascii: "["), sum.tag(spelled: name) == Int(tag)
        else { return nil }
        return name
    }

    // MARK: Reading

    /// The value that a text stands for; nil stands for an absent one.
    ///
    /// Besides what ``text(_:)`` writes it takes any JSON of the type, which is what earlier versions wrote.
    package func value(_ text: String?) throws(Problem) -> AlgebraicValue {
        guard let text else {
            guard isOptional else { throw Problem(text: "a value is missing") }
            return .none
        }
        let value = try present(text)
        return isOptional && !isWrapped ? .some(value) : value
    }

    private func present(_ text: String) throws(Problem) -> AlgebraicValue {
        if let value = readable(text) { return value }
        do throws(JSONError) {
            return try AlgebraicValue(losslessJSON: text, type: payload)
        } catch {
            guard let expected else { throw Problem(text: "\(error)") }
            throw Problem(text: "expected \(expected), not \(Self.shown(text))")
        }
    }

    private func readable(_ text: String) -> AlgebraicValue? {
        switch form {
        case .number:
            if payload == .i256 { return Int256(text).map { .i256($0) } }
            if payload == .u256 { return UInt256(text).map { .u256($0) } }
            return nil
        case .float32: return Float(nonFiniteText: text).map { .f32($0) }
        case .float64: return Double(nonFiniteText: text).map { .f64($0) }
        case .text: return .string(text)
        case .bytes:
            guard text.utf8.starts(with: "0x".utf8) else { return nil }
            return Hexadecimal.bytes(String(text.unicodeScalars.dropFirst(2))).map { .bytes($0) }
        case .identity: return Identity(text).map { AlgebraicValue($0) }
        case .connectionId: return ConnectionId(text).map { AlgebraicValue($0) }
        case .uuid: return Uuid(text).map { AlgebraicValue($0) }
        case .timestamp: return Timestamp(text).map { AlgebraicValue($0) }
        case .duration: return TimeDuration(text).map { AlgebraicValue($0) }
        case .schedule: return ScheduleAt(text).map { AlgebraicValue($0) }
        case .sum(let sum):
            guard let tag = sum.tag(spelled: text), tag < sum.variants.count, sum.variants[tag].algebraicType.isUnit
            else { return nil }
            return .sum(tag: UInt8(truncatingIfNeeded: tag), .unit)
        case .json: return nil
        }
    }

    /// A text as a message shows it, cut if it is long.
    private static func shown(_ text: String) -> String {
        if text.isEmpty { return "an empty field" }
        let beginning = String(String.UnicodeScalarView(text.unicodeScalars.prefix(40)))
        return "'\(beginning)'" + (beginning.utf8.count < text.utf8.count ? " and so on" : "")
    }

    /// What to write, where JSON's own message would not say it.
    private var expected: String? {
        switch form {
        case .number where payload == .bool: "true or false"
        case .number where payload == .i256 || payload == .u256: "a number of up to 256 bits in decimal digits"
        case .float32, .float64: "a number in the range of the float, NaN, Infinity or -Infinity"
        case .bytes: "0x and an even number of hexadecimal digits"
        case .identity: "an identity of 64 hexadecimal digits"
        case .connectionId: "a connection id of 32 hexadecimal digits"
        case .uuid: "a UUID such as 00112233-4455-6677-8899-aabbccddeeff"
        case .timestamp: "a time such as 2023-11-14T22:13:20.123456Z"
        case .duration: "a duration in seconds such as 1.5"
        case .schedule: "a time such as 2023-11-14T22:13:20.123456Z or an interval in seconds such as 5.0"
        case .sum(let sum) where sum.isPlain:
            "one of the cases \(sum.variants.prefix(8).compactMap(\.name).joined(separator: ", "))"
                + (sum.variants.count > 8 ? ", …" : "")
        case .number: payload.wholeNumbers.map { "a whole number from \($0) to \($1)" }
        case .text, .sum, .json: nil
        }
    }
}

extension AlgebraicType {
    /// The least and the greatest value of an integer type of up to 128 bits.
    fileprivate var wholeNumbers: (String, String)? {
        func limits<Number: FixedWidthInteger>(_: Number.Type) -> (String, String) {
            ("\(Number.min)", "\(Number.max)")
        }
        return switch self {
        case .i8: limits(Int8.self)
        case .u8: limits(UInt8.self)
        case .i16: limits(Int16.self)
        case .u16: limits(UInt16.self)
        case .i32: limits(Int32.self)
        case .u32: limits(UInt32.self)
        case .i64: limits(Int64.self)
        case .u64: limits(UInt64.self)
        case .i128: limits(Int128.self)
        case .u128: limits(UInt128.self)
        default: nil
        }
    }
}

extension SumType {
    fileprivate var isPlain: Bool { variants.allSatisfy { $0.algebraicType.isUnit } }
}
