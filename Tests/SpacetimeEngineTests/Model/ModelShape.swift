import SpacetimeSATS
import SpacetimeSchema
import Testing

/// A table that the model tests use, and how its values are drawn.
struct ModelShape: Sendable, CustomTestStringConvertible {
    var schema: TableSchema
    /// Small numbers lie below this: the smaller, the more rows collide.
    var domain = 60
    /// Rows are kept to about this many.
    var rowLimit = 150
    /// Columns whose bytes are drawn with sizes around the limits of slots and pages.
    var sizedColumns: Set<Int> = []

    var testDescription: String { schema.name }

    private static func shape(
        _ name: String, _ columns: [(String, AlgebraicType)], primaryKey: [ColumnID] = [], indexes: [IndexSchema] = [],
        unique: [[ColumnID]] = [], sequences: [SequenceSchema] = [], isEvent: Bool = false, domain: Int = 60,
        rowLimit: Int = 150, sized: Set<Int> = []
    ) -> ModelShape {
        let constraints = unique.enumerated().map { UniqueConstraintSchema(name: "\(name)_unique_\($0)", columns: $1) }
        return ModelShape(
            schema: TableSchema(
                name: name, columns: columns, primaryKey: primaryKey, indexes: indexes, uniqueConstraints: constraints,
                sequences: sequences, isEvent: isEvent),
            domain: domain, rowLimit: rowLimit, sizedColumns: sized)
    }

    private static func index(_ name: String, _ columns: [ColumnID]) -> IndexSchema {
        IndexSchema(name: name, columns: columns)
    }

    private static func hash(_ name: String, _ columns: [ColumnID]) -> IndexSchema {
        IndexSchema(name: name, algorithm: .hash, columns: columns)
    }

    private static func direct(_ name: String, _ columns: [ColumnID]) -> IndexSchema {
        IndexSchema(name: name, algorithm: .direct, columns: columns)
    }

    private static func sequence(_ column: ColumnID) -> SequenceSchema {
        SequenceSchema(name: "sequence_\(column)", column: column)
    }

    static let all: [ModelShape] = keys + optionals + columns + sequences

    static let keys: [ModelShape] = [
        shape("fixed", [("id", .u64), ("a", .u32), ("b", .i16)], primaryKey: [0]),
        shape(
            "grown", [("id", .i64), ("a", .u8)], primaryKey: [0], indexes: [index("grown_a", [1])], domain: 6_000,
            rowLimit: 5_000),
        shape(
            "hashed", [("id", .u32), ("a", .u16)], primaryKey: [0], indexes: [hash("hashed_id", [0])], domain: 4_000,
            rowLimit: 2_000),
        shape(
            "names", [("name", .string), ("n", .i32)], primaryKey: [0], indexes: [hash("names_name", [0])]),
        shape("texts", [("name", .string), ("n", .i8)], primaryKey: [0]),
        shape("keyless", [("x", .u8), ("y", .string)]),
        shape("flags", [("x", .bool), ("y", .u8)], domain: 4),
        shape(
            "multi", [("id", .u32), ("a", .string), ("b", .i32), ("c", .u8)], primaryKey: [0],
            indexes: [index("multi_abc", [1, 2, 3]), index("multi_b", [2]), hash("multi_cb", [3, 2])], domain: 12),
        shape(
            "several", [("a", .u32), ("b", .string), ("c", .i64), ("d", .u8)], primaryKey: [0],
            indexes: [
                index("several_d", [3]), hash("several_b", [1]), index("several_c", [2]),
            ], unique: [[1], [2]], domain: 40),
        shape(
            "composite", [("a", .u8), ("b", .string), ("c", .u16)], primaryKey: [1, 0],
            indexes: [hash("composite_ca", [2, 0])], unique: [[2, 0]], domain: 10),
        shape(
            "direct", [("k", .u16), ("far", .u64), ("t", .string)], primaryKey: [0],
            indexes: [direct("direct_k", [0]), direct("direct_far", [1])], unique: [[1]]),
        shape(
            "trailing",
            [
                ("s", .string), ("id", .i64), ("e", .sum([("A", .unit), ("B", .unit), ("C", .unit)])),
                ("t", .timestamp),
            ], primaryKey: [1], indexes: [hash("trailing_e", [2]), index("trailing_te", [3, 2])]),
    ]

    static let optionals: [ModelShape] = [
        shape(
            "mails", [("mail", .option(.string)), ("id", .u32), ("n", .u8)], primaryKey: [1],
            indexes: [hash("mails_mail", [0])], unique: [[0]], domain: 30),
        shape("only_optional", [("x", .option(.u16)), ("n", .u8)], unique: [[0]], domain: 8),
        shape(
            "optional_pairs", [("a", .u8), ("b", .option(.i32)), ("c", .option(.f32)), ("n", .u8)],
            indexes: [hash("optional_pairs_ab", [0, 1])], unique: [[0, 1], [2]], domain: 6),
        shape("optional_key", [("k", .option(.i64)), ("n", .u8)], primaryKey: [0], domain: 20),
        shape(
            "optional_events", [("x", .option(.u8)), ("t", .string)], unique: [[0]], isEvent: true, domain: 4),
    ]

    static let columns: [ModelShape] = [
        shape(
            "floats", [("f", .f64), ("g", .f32), ("v", .u8)], primaryKey: [0],
            indexes: [hash("floats_g", [1]), index("floats_gv", [1, 2])], unique: [[1]], domain: 30),
        shape("keyless_floats", [("f", .f64), ("v", .bool)], indexes: [index("keyless_floats_f", [0])]),
        shape(
            "events", [("id", .u32), ("t", .string)], primaryKey: [0], indexes: [index("events_t", [1])], isEvent: true),
        shape(
            "big_events", [("id", .u8), ("t", .bytes)], primaryKey: [0], isEvent: true, rowLimit: 12, sized: [1]),
        shape(
            "event_log", [("t", .string), ("x", .u8), ("n", .u16)], indexes: [index("event_log_x", [1])],
            sequences: [sequence(2)], isEvent: true, domain: 4),
        shape("hits", [("damage", .u8), ("critical", .bool)], isEvent: true, domain: 3),
        shape(
            "sized", [("id", .u32), ("data", .bytes), ("tag", .u8)], primaryKey: [0],
            indexes: [index("sized_tag", [2])], rowLimit: 40, sized: [1]),
        shape(
            "pages", [("id", .u32), ("visits", .u32), ("text", .bytes), ("links", .bytes), ("last", .u8)],
            primaryKey: [0], rowLimit: 20, sized: [2, 3]),
        shape(
            "identities", [("owner", .identity), ("connection", .connectionId), ("n", .u8)], primaryKey: [0],
            indexes: [hash("identities_owner", [0]), index("identities_connection", [1])], unique: [[1]]),
        shape(
            "composites",
            [
                ("o", .option(.string)), ("list", .array(.i32)), ("p", .product([("x", .i8), ("y", .option(.f32))])),
                ("s", .scheduleAt), ("u", .unit),
            ], primaryKey: [0],
            indexes: [index("composites_list", [1]), hash("composites_p", [2]), index("composites_us", [4, 3])],
            unique: [[2]]),
    ]

    static let sequences: [ModelShape] = [
        shape("narrow", [("id", .u8), ("v", .u32)], primaryKey: [0], sequences: [sequence(0)], rowLimit: 200),
        shape("signed", [("v", .string), ("id", .i8)], primaryKey: [1], sequences: [sequence(1)]),
        shape("numbered", [("id", .u64), ("t", .string)], primaryKey: [0], sequences: [sequence(0)], domain: 400),
        shape(
            "renamed", [("name", .string), ("id", .i16)], primaryKey: [0], unique: [[1]],
            sequences: [SequenceSchema(name: "tens", column: 1, start: -15, minimum: -20, maximum: 900, increment: 5)]),
        shape(
            "two_sequences", [("a", .i256), ("b", .u16), ("c", .u8)], primaryKey: [1],
            sequences: [
                SequenceSchema(name: "down", column: 0, start: -1, minimum: -20, maximum: 5, increment: -3),
                sequence(1),
            ]),
    ]
}
