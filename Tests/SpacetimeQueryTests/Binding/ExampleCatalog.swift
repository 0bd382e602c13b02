import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

@testable import SpacetimeQuery

/// The tables of the examples of the language's description, and some that go beyond them.
enum ExampleCatalog {
    static let player = TableID(0)
    static let item = TableID(1)
    static let grid = TableID(2)

    static let position = AlgebraicType.product([("x", .f32), ("y", .f32)])
    static let shape = AlgebraicType.sum([
        ("circle", .product([("radius", .u32)])), ("label", .string), ("nothing", .unit),
    ])
    static let mood = AlgebraicType.sum([("calm", .unit), ("angry", .unit)])

    static let tables: [SQLCatalog.Table] = {
        var schemas: [TableSchema] = [
            TableSchema(
                name: "player",
                columns: [
                    ("id", .u64), ("name", .string), ("owner", .identity), ("online", .bool), ("level", .u32),
                    ("score", .i128), ("big", .u256), ("ratio", .f32), ("joined", .timestamp), ("blob", .bytes),
                    ("tag", .option(.u32)), ("cid", .connectionId), ("uid", .uuid),
                ], primaryKey: [0],
                indexes: [
                    IndexSchema(name: "player_name", columns: [1], isUnique: true),
                    IndexSchema(name: "player_owner", columns: [2]), IndexSchema(name: "player_level", columns: [4]),
                ], sequences: [SequenceSchema(name: "player_id_seq", column: 0)]),
            TableSchema(
                name: "item", columns: [("id", .u64), ("player_id", .u64), ("kind", .u32)], primaryKey: [0],
                indexes: [IndexSchema(name: "item_player", columns: [1])]),
            TableSchema(
                name: "grid", columns: [("id", .u64), ("x", .i32), ("z", .i32)], primaryKey: [0],
                indexes: [IndexSchema(name: "grid_x_z", columns: [1, 2])]),
            TableSchema(name: "log", columns: [("msg", .string)]),
            TableSchema(name: "secret", columns: [("id", .u64)], primaryKey: [0], access: .private),
            TableSchema(name: "ping", columns: [("id", .u32)], isEvent: true),
            TableSchema(name: "top", columns: [("id", .u64), ("player_id", .u64), ("kind", .u32)]),
            TableSchema(name: "st_client", columns: [("identity", .u256), ("connection_id", .u128)], kind: .system),
            TableSchema(
                name: "st_connection_credentials", columns: [("connection_id", .u128), ("jwt_payload", .string)],
                access: .private, kind: .system),
            // Beyond the examples
            TableSchema(
                name: "entity",
                columns: [
                    ("id", .u64), ("position", position), ("shape", shape), ("mood", mood), ("age", .timeDuration),
                    ("due", .scheduleAt), ("nested", .option(position)), ("list", .array(.u64)), ("owner", .identity),
                ], primaryKey: [0]),
            TableSchema(name: "lib.items", columns: [("id", .u64), ("label", .string)], primaryKey: [0]),
            TableSchema(
                name: "pong", columns: [("id", .u32)], indexes: [IndexSchema(name: "pong_id", columns: [0])],
                isEvent: true),
            TableSchema(
                name: "settings", columns: [("key", .string), ("number", .u32), ("note", .option(.string))],
                primaryKey: [0], defaults: [DefaultValueSchema(column: 1, bytes: [7, 0, 0, 0])]),
            TableSchema(name: "cell", columns: [("id", .u32)], primaryKey: [0]),
        ]
        var renamed = TableSchema(name: "new_name", columns: [("id", .u64), ("old_column", .string)], primaryKey: [0])
        renamed.sourceName = "OldName"
        renamed.columns[1].sourceName = "OldColumn"
        schemas.append(renamed)
        return schemas.enumerated().map {
            SQLCatalog.Table(TableID(UInt32($0)), $1, isView: $1.name == "top")
        }
    }()

    static let catalog = SQLCatalog(tables)

    static func bind(
        _ text: String, _ language: SQLLanguage = .adHoc, isOwner: Bool = true, lifting: Bool = false
    ) throws(SQLError) -> BoundStatement {
        let template: SQLTemplate?
        if lifting { template = try SQLTemplate(text) } else { template = nil }
        return try SQLBinder.statement(text, in: catalog, language: language, isOwner: isOwner, template: template)
    }

    static func select(
        _ text: String, _ language: SQLLanguage = .adHoc, isOwner: Bool = true, lifting: Bool = false
    ) throws -> BoundSelect {
        switch try bind(text, language, isOwner: isOwner, lifting: lifting) {
        case .select(let select), .explain(let select, _): return select
        default: throw NoSelect()
        }
    }

    struct NoSelect: Error {}
}
