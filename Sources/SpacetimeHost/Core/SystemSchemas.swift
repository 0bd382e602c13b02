import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// How the host's own tables look: names, columns and ids are those that clients know.
struct SystemSchemas {
    /// The id under which a table stands in `st_table`. Those of the module's tables begin at 4096.
    let id: UInt32
    let schema: TableSchema
    /// Whether its rows are kept in files.
    let isKept: Bool

    private init(
        _ id: UInt32, _ name: String, _ columns: [(String, AlgebraicType)], primaryKey: [ColumnID] = [],
        unique: [[ColumnID]] = [], hash: [ColumnID] = [], access: TableAccess = .public, isKept: Bool = false
    ) {
        self.id = id
        self.isKept = isKept
        func index(_ key: [ColumnID], _ algorithm: IndexAlgorithm) -> IndexSchema {
            let columns = key.map { columns[$0.index].0 }
            return IndexSchema(
                name: GeneratedName.index(table: name, columns: columns, algorithm: algorithm), algorithm: algorithm,
                columns: key, isUnique: true)
        }
        let indexes = (hash.isEmpty ? [] : [index(hash, .hash)]) + unique.map { index($0, .btree) }
        schema = TableSchema(
            name: name, columns: columns, primaryKey: primaryKey, indexes: indexes, access: access, kind: .system)
    }

    static let firstUserID: UInt32 = 4096

    static let columns = AlgebraicType.array(.u16)
    static let algorithm = AlgebraicType.sum([
        ("Unused", .u128), ("BTree", .product([("columns", columns)])), ("Direct", .product([("column", .u16)])),
        ("Hash", .product([("columns", columns)])),
    ])
    static let constraint = AlgebraicType.sum([("Unused", .u128), ("Unique", .product([("columns", columns)]))])
    static let variable = AlgebraicType.sum([
        ("Bool", .bool), ("I8", .i8), ("U8", .u8), ("I16", .i16), ("U16", .u16), ("I32", .i32), ("U32", .u32),
        ("I64", .i64), ("U64", .u64), ("I128", .i128), ("U128", .u128), ("F32", .f32), ("F64", .f64),
        ("String", .string),
    ])

    /// The tag of numbers of rows among the values of variables.
    static let tagOfU64: UInt8 = 8

    static let client = SystemSchemas(
        7, "st_client", [("identity", .u256), ("connection_id", .u128)], hash: [0, 1], isKept: true)
    static let credentials = SystemSchemas(
        11, "st_connection_credentials", [("connection_id", .u128), ("jwt_payload", .string)], primaryKey: [0],
        hash: [0], access: .private, isKept: true)
    static let variables = SystemSchemas(
        8, "st_var", [("name", .string), ("value", variable)], primaryKey: [0], hash: [0], isKept: true)

    /// By id.
    static let all: [SystemSchemas] = [
        SystemSchemas(
            1, "st_table",
            [
                ("table_id", .u32), ("table_name", .string), ("table_type", .string), ("table_access", .string),
                ("table_primary_key", .option(columns)),
            ], primaryKey: [0], unique: [[1]]),
        SystemSchemas(
            2, "st_column", [("table_id", .u32), ("col_pos", .u16), ("col_name", .string), ("col_type", .bytes)],
            unique: [[0, 1]]),
        SystemSchemas(
            3, "st_sequence",
            [
                ("sequence_id", .u32), ("sequence_name", .string), ("table_id", .u32), ("col_pos", .u16),
                ("increment", .i128), ("start", .i128), ("min_value", .i128), ("max_value", .i128),
                ("allocated", .i128),
            ], primaryKey: [0]),
        SystemSchemas(
            4, "st_index",
            [
                ("index_id", .u32), ("table_id", .u32), ("index_name", .string), ("index_algorithm", algorithm),
            ], primaryKey: [0]),
        SystemSchemas(
            5, "st_constraint",
            [
                ("constraint_id", .u32), ("constraint_name", .string), ("table_id", .u32),
                ("constraint_data", constraint),
            ], primaryKey: [0]),
        SystemSchemas(
            6, "st_module",
            [
                ("database_identity", .u256), ("owner_identity", .u256), ("program_kind", .u8),
                ("program_hash", .u256), ("program_bytes", .bytes), ("module_version", .string),
            ]), client, variables,
        SystemSchemas(
            9, "st_scheduled",
            [
                ("schedule_id", .u32), ("table_id", .u32), ("reducer_name", .string), ("schedule_name", .string),
                ("at_column", .u16),
            ], primaryKey: [0], unique: [[1]]),
        SystemSchemas(10, "st_row_level_security", [("table_id", .u32), ("sql", .string)], primaryKey: [1]),
        credentials,
        SystemSchemas(
            12, "st_view",
            [
                ("view_id", .u32), ("view_name", .string), ("table_id", .option(.u32)), ("is_public", .bool),
                ("is_anonymous", .bool),
            ], primaryKey: [0], unique: [[1]]),
        SystemSchemas(
            13, "st_view_param",
            [("view_id", .u32), ("param_pos", .u16), ("param_name", .string), ("param_type", .bytes)],
            unique: [[0, 1]]),
        SystemSchemas(
            14, "st_view_column",
            [("view_id", .u32), ("col_pos", .u16), ("col_name", .string), ("col_type", .bytes)], unique: [[0, 1]]),
        SystemSchemas(
            15, "st_view_sub",
            [
                ("view_id", .u32), ("arg_id", .u64), ("identity", .u256), ("num_subscribers", .u64),
                ("has_subscribers", .bool), ("last_called", .timestamp),
            ]),
        SystemSchemas(16, "st_view_arg", [("id", .u64), ("bytes", .bytes)], primaryKey: [0]),
        SystemSchemas(17, "st_event_table", [("table_id", .u32)], primaryKey: [0]),
        SystemSchemas(
            18, "st_table_accessor", [("table_name", .string), ("accessor_name", .string)], unique: [[0], [1]]),
        SystemSchemas(19, "st_index_accessor", [("index_name", .string), ("accessor_name", .string)]),
        SystemSchemas(
            20, "st_column_accessor", [("table_name", .string), ("col_name", .string), ("accessor_name", .string)]),
    ]
}
