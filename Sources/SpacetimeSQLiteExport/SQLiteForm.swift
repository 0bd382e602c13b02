import CSQLite
import SpacetimeSATS

/// How a column of a type is kept in SQLite.
struct SQLiteForm {
    enum Storage {
        case integer, real, text, blob
        /// Decimal digits.
        case digits
        case json
    }

    let type: AlgebraicType
    private let storage: Storage
    private let isOptional: Bool
    private let payload: AlgebraicType

    init(_ type: AlgebraicType) {
        self.type = type
        if let inner = type.optionPayload, let storage = Self.plainStorage(inner) {
            self.storage = storage
            payload = inner
            isOptional = true
        } else {
            storage = Self.plainStorage(type) ?? .json
            payload = type
            isOptional = false
        }
    }

    private static func plainStorage(_ type: AlgebraicType) -> Storage? {
        switch type {
        case .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64: .integer
        case .i128, .u128, .i256, .u256: .digits
        case .f32, .f64: .real
        case .string: .text
        case .array(.u8): .blob
        default:
            if type == .timestamp || type == .timeDuration {
                .integer
            } else if type == .identity || type == .connectionId || type == .uuid {
                .blob
            } else {
                nil
            }
        }
    }

    var declaration: String {
        let name =
            switch storage {
            case .integer: "INTEGER"
            case .real: "REAL"
            case .text, .digits, .json: "TEXT"
            case .blob: "BLOB"
            }
        // SQLite has no not-a-number: it becomes NULL.
        return isOptional || storage == .real ? name : name + " NOT NULL"
    }

    func bind(_ value: AlgebraicValue, to statement: OpaquePointer, _ position: Int32) throws {
        var value = value
        if isOptional {
            guard case .sum(tag: 0, let present) = value else {
                sqlite3_bind_null(statement, position)
                return
            }
            value = present
        }
        switch (storage, value) {
        case (.json, _): Self.bind(try value.json(style: .typed, type: payload), statement, position)
        case (_, .string(let text)): Self.bind(text, statement, position)
        case (_, .bytes(let bytes)): Self.bind(bytes, statement, position)
        case (_, .f32(let number)): sqlite3_bind_double(statement, position, Double(number))
        case (_, .f64(let number)): sqlite3_bind_double(statement, position, number)
        case (.digits, _): Self.bind(Self.digits(value), statement, position)
        case (.blob, .product(let fields)): Self.bind(Self.bigEndian(fields), statement, position)
        case (_, .product(let fields)): sqlite3_bind_int64(statement, position, Self.integer(fields.first ?? value))
        default: sqlite3_bind_int64(statement, position, Self.integer(value))
        }
    }

    private static func integer(_ value: AlgebraicValue) -> Int64 {
        switch value {
        case .bool(let truth): truth ? 1 : 0
        case .i8(let number): Int64(number)
        case .u8(let number): Int64(number)
        case .i16(let number): Int64(number)
        case .u16(let number): Int64(number)
        case .i32(let number): Int64(number)
        case .u32(let number): Int64(number)
        case .i64(let number): number
        case .u64(let number): Int64(bitPattern: number)
        default: 0
        }
    }

    private static func digits(_ value: AlgebraicValue) -> String {
        switch value {
        case .i128(let number): "\(number)"
        case .u128(let number): "\(number)"
        case .i256(let number): "\(number)"
        case .u256(let number): "\(number)"
        default: ""
        }
    }

    /// The number of an identity, a connection id or a UUID as bytes, most significant first.
    private static func bigEndian(_ fields: [AlgebraicValue]) -> [UInt8] {
        fields.first?.bsatn().reversed() ?? []
    }

    private static func bind(_ text: String, _ statement: OpaquePointer, _ position: Int32) {
        var text = text
        text.withUTF8 { bytes in
            _ = bytes.withMemoryRebound(to: CChar.self) { characters in
                sqlite3_bind_text64(
                    statement, position, characters.baseAddress ?? emptyText, UInt64(characters.count), transient,
                    UInt8(SQLITE_UTF8))
            }
        }
    }

    private static func bind(_ bytes: [UInt8], _ statement: OpaquePointer, _ position: Int32) {
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(statement, position, 0)
        } else {
            sqlite3_bind_blob64(statement, position, bytes, UInt64(bytes.count), transient)
        }
    }

    /// A null pointer would bind NULL.
    private static var emptyText: UnsafePointer<CChar> { UnsafePointer(bitPattern: 1).unsafelyUnwrapped }
    /// SQLite copies what it is given: the value -1, which C writes as a macro.
    private static var transient: sqlite3_destructor_type {
        unsafeBitCast(-1 as Int, to: sqlite3_destructor_type.self)
    }
}
