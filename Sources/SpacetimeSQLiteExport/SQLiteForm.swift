import CSQLite
import SpacetimeHost
import SpacetimeSATS

/// How a column of a type is kept in SQLite.
struct SQLiteForm {
    private enum Storage { case integer, real, text, blob }

    let type: AlgebraicType
    private let isOptional: Bool
    private let storage: Storage
    private let text: ColumnText

    init(_ type: AlgebraicType) {
        self.type = type
        text = ColumnText(type)
        isOptional = text.isOptional
        storage =
            switch type.optionPayload ?? type {
            case .bool, .i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64: .integer
            case .f32, .f64: .real
            case .array(.u8): .blob
            default: .text
            }
    }

    var declaration: String {
        let name =
            switch storage {
            case .integer: "INTEGER"
            case .real: "REAL"
            case .text: "TEXT"
            case .blob: "BLOB"
            }
        return isNullable ? name : name + " NOT NULL"
    }

    /// Whether NULL may stand in the column: SQLite has no not-a-number, which becomes NULL.
    var isNullable: Bool { isOptional || storage == .real }

    /// - Returns: what SQLite says; `SQLITE_TOOBIG` for texts and bytes past its limit, usually a thousand million bytes.
    func bind(_ value: AlgebraicValue, to statement: OpaquePointer, _ position: Int32) throws -> Int32 {
        if case .text = storage {
            guard let text = try text.text(value) else { return sqlite3_bind_null(statement, position) }
            return Self.bind(text, statement, position)
        }
        var value = value
        if isOptional {
            guard case .sum(tag: 0, let present) = value else { return sqlite3_bind_null(statement, position) }
            value = present
        }
        return switch value {
        case .bytes(let bytes): Self.bind(bytes, statement, position)
        case .f32(let number): sqlite3_bind_double(statement, position, Double(number))
        case .f64(let number): sqlite3_bind_double(statement, position, number)
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

    private static func bind(_ text: String, _ statement: OpaquePointer, _ position: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                sqlite3_bind_text64(
                    statement, position, characters.baseAddress ?? emptyText, UInt64(characters.count), transient,
                    UInt8(SQLITE_UTF8))
            }
        }
    }

    private static func bind(_ bytes: [UInt8], _ statement: OpaquePointer, _ position: Int32) -> Int32 {
        bytes.isEmpty
            ? sqlite3_bind_zeroblob(statement, position, 0)
            : sqlite3_bind_blob64(statement, position, bytes, UInt64(bytes.count), transient)
    }

    /// A null pointer would bind NULL.
    private static var emptyText: UnsafePointer<CChar> { UnsafePointer(bitPattern: 1).unsafelyUnwrapped }
    /// SQLite copies what it is given: the value -1, which C writes as a macro.
    private static var transient: sqlite3_destructor_type {
        unsafeBitCast(-1 as Int, to: sqlite3_destructor_type.self)
    }
}
