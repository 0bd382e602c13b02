import SpacetimeQuery
public import SpacetimeSATS
import SpacetimeSchema

/// A value for a parameter of an SQL statement: `:room` gets its value by the name `room`.
///
/// Literals can be written as they are, and stand for what they would stand for in the statement: a text is also a time where
/// a column of times is compared with it, and a number fits into columns of all number types that can hold it. Other values
/// are those of any type that a column can have.
///
/// ```swift
/// try db.sql("SELECT name FROM monster WHERE zone = :zone AND id <> :own", ["zone": 7, "own": SQLValue(id)])
/// ```
public struct SQLValue: Sendable {
    private enum Form {
        case literal(SQLLiteral)
        case encoded([UInt8], AlgebraicType)
    }

    private let form: Form

    private init(literal: SQLLiteral) { form = .literal(literal) }

    /// A value of a type that a column can have.
    public init<Value: SpacetimeType>(_ value: Value) {
        var types = TypespaceBuilder()
        let type = Value.algebraicType(in: &types)
        form = .encoded(value.bsatn(), (try? types.typespace.resolved(type)) ?? type)
    }

    /// The value in BSATN as one of a type; nil if it is none. An option takes its values without more ado, and gives its own
    /// where one is wanted.
    package func bytes(as type: AlgebraicType) -> [UInt8]? {
        switch form {
        case .literal(let literal): return literal.value(as: type)?.bsatn()
        case .encoded(let bytes, let own):
            // Names of fields differ between code and database.
            if own.hasSameShape(as: type) { return bytes }
            if let payload = type.optionPayload, let inner = self.bytes(as: payload) { return [0] + inner }
            if let payload = own.optionPayload {
                return isNil ? nil : SQLValue(encoded: Array(bytes.dropFirst()), payload).bytes(as: type)
            }
            if type == .f32 || type == .f64, own == .f32 || own == .f64 { return Self.float(bytes, as: type) }
            return Self.number(bytes, own)?.value(as: type)?.bsatn()
        }
    }

    /// A float as one of the other width, if that loses nothing.
    private static func float(_ bytes: [UInt8], as type: AlgebraicType) -> [UInt8]? {
        if type == .f64 { return (try? Float(bsatn: bytes)).map { Double($0).bsatn() } }
        guard let wide = try? Double(bsatn: bytes) else { return nil }
        let narrow = Float(wide)
        return wide.isNaN || Double(narrow) == wide ? narrow.bsatn() : nil
    }

    /// True for what is no value.
    package var isNil: Bool {
        switch form {
        case .literal(let literal): literal == .null
        case .encoded(let bytes, let type): type.optionPayload != nil && bytes.first == 1
        }
    }

    private init(encoded bytes: [UInt8], _ type: AlgebraicType) { form = .encoded(bytes, type) }

    /// A number of one type as one that any number type can be made of that holds it.
    private static func number(_ bytes: [UInt8], _ type: AlgebraicType) -> SQLLiteral? {
        guard type.isNumeric, let value = try? AlgebraicValue(bsatn: bytes, type: type) else { return nil }
        return switch value {
        case .i8(let number): .number("\(number)")
        case .u8(let number): .number("\(number)")
        case .i16(let number): .number("\(number)")
        case .u16(let number): .number("\(number)")
        case .i32(let number): .number("\(number)")
        case .u32(let number): .number("\(number)")
        case .i64(let number): .number("\(number)")
        case .u64(let number): .number("\(number)")
        case .i128(let number): .number("\(number)")
        case .u128(let number): .number("\(number)")
        case .i256(let number): .number(number.description)
        case .u256(let number): .number(number.description)
        default: nil
        }
    }

    /// What the value is, for messages.
    package var typeText: String {
        switch form {
        case .literal(.number(let text)): "the number \(text)"
        case .literal(.string), .literal(.hex): "a text"
        case .literal(.bool): "a truth value"
        case .literal(.null): "nil"
        case .encoded(_, let type): "of type \(type.swiftText)"
        }
    }
}

extension SQLValue: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    public init(integerLiteral value: Int64) { self.init(literal: .number("\(value)")) }
    public init(floatLiteral value: Double) {
        // As digits it fits into a `Float` column as well, which holds the nearest number.
        if value.isFinite { self.init(literal: .number("\(value)")) } else { self.init(value) }
    }
    public init(stringLiteral value: String) { self.init(literal: .string(value)) }
    public init(booleanLiteral value: Bool) { self.init(literal: .bool(value)) }
    /// For options: no value.
    public init(nilLiteral: ()) { self.init(literal: .null) }
}
