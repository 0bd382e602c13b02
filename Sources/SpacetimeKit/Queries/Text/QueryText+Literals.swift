import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

extension QueryText {
    /// What a float is that is too large for its type.
    static var infinity: String { "1e999" }

    /// Whether values of a type can be compared by all operators, with literals and with each other.
    static func isComparable(_ type: AlgebraicType) -> Bool {
        switch type {
        case .bool, .string, .array(.u8): true
        case _ where type.isNumeric: true
        default: type.isSpecialProduct
        }
    }

    /// A text in quotes.
    static func text(_ text: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "'")]
        for byte in text.utf8 {
            if byte == UInt8(ascii: "'") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "'"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A value as SQL has it. What a server would read as another value is refused.
    ///
    /// - Throws: `notPossible` if there is none.
    static func literal(_ value: AlgebraicValue, _ type: AlgebraicType) throws(DatabaseError) -> String {
        let sql: String
        let meaning: SQLLiteral
        switch value {
        case .bool(let value): return value ? "TRUE" : "FALSE"
        case .f32(let number): (sql, meaning) = float(Double(number), "\(number)")
        case .f64(let number): (sql, meaning) = float(number, "\(number)")
        case .string(let string): (sql, meaning) = (text(string), .string(string))
        case .bytes(let bytes):
            let digits = Hexadecimal.text(bytes)
            (sql, meaning) = ("X'\(digits)'", .hex(digits))
        case .product where type.isSpecialProduct: (sql, meaning) = try special(value, type)
        default:
            guard type.isInteger, let digits = value.integerText else {
                throw unsayable("a value of type \(type) has no literal")
            }
            (sql, meaning) = (digits, .number(digits))
        }
        guard meaning.value(as: type)?.bsatn() == value.bsatn() || value.isZero else {
            throw unsayable("\(value) has no literal")
        }
        return sql
    }

    private static func float(_ value: Double, _ text: String) -> (String, SQLLiteral) {
        let digits = value.isFinite ? text : value < 0 ? "-\(infinity)" : infinity
        return (digits, .number(digits))
    }

    private static func special(
        _ value: AlgebraicValue, _ type: AlgebraicType
    ) throws(DatabaseError) -> (String, SQLLiteral) {
        let bytes = value.bsatn()
        do throws(BSATNError) {
            if type.isIdentity {
                let digits = try Identity(bsatn: bytes).hex
                return ("0x\(digits)", .hex(digits))
            }
            if type.isConnectionId {
                let digits = try ConnectionId(bsatn: bytes).hex
                return ("0x\(digits)", .hex(digits))
            }
            let string =
                if type.isTimestamp { "\(try Timestamp(bsatn: bytes))" } else if type.isUuid {
                    "\(try Uuid(bsatn: bytes))"
                } else { "\(try TimeDuration(bsatn: bytes))" }
            return (text(string), .string(string))
        } catch {
            throw DatabaseError(
                .internalInconsistency, "a value of a condition is of another type: \(error)", cause: error)
        }
    }
}

extension AlgebraicValue {
    /// Whether a float is no number; nil for anything but floats.
    var isNaN: Bool? {
        switch self {
        case .f32(let number): number.isNaN
        case .f64(let number): number.isNaN
        default: nil
        }
    }

    /// Zeros with and without a sign are equal, and differ in their bytes.
    fileprivate var isZero: Bool {
        switch self {
        case .f32(let number): number == 0
        case .f64(let number): number == 0
        default: false
        }
    }

    fileprivate var integerText: String? {
        switch self {
        case .i8(let number): "\(number)"
        case .u8(let number): "\(number)"
        case .i16(let number): "\(number)"
        case .u16(let number): "\(number)"
        case .i32(let number): "\(number)"
        case .u32(let number): "\(number)"
        case .i64(let number): "\(number)"
        case .u64(let number): "\(number)"
        case .i128(let number): "\(number)"
        case .u128(let number): "\(number)"
        case .i256(let number): "\(number)"
        case .u256(let number): "\(number)"
        default: nil
        }
    }
}
