import SpacetimeSATS
import SpacetimeSchema

/// Definitions that code is written for.
enum ExampleModules {
    private static func ref(_ position: UInt32) -> AlgebraicType { .ref(position) }

    /// Types in the order of their references.
    static func sections(_ types: [(String, AlgebraicType)]) -> [RawModuleDefV10.Section] {
        [
            .typespace(Typespace(types.map(\.1))),
            .types(
                types.enumerated().map { position, type in
                    let path = type.0.split(separator: ".").map(String.init)
                    return RawTypeDef(scope: Array(path.dropLast()), sourceName: path.last ?? "", ref: UInt32(position))
                }),
        ]
    }

    static func table(
        _ name: String, _ row: UInt32, key: [ColumnID] = [], unique: [[ColumnID]] = [],
        indexes: [(String, RawIndexAlgorithm)] = [], isPrivate: Bool = false, isEvent: Bool = false
    ) -> RawTableDefV10 {
        let keys = (key.isEmpty ? [] : [key]) + unique
        return RawTableDefV10(
            sourceName: name, productTypeRef: row, primaryKey: key,
            indexes: keys.map { columns in
                RawIndexDef(sourceName: "\(name)_key_\(columns)", accessorName: nil, algorithm: .btree(columns))
            }
                + indexes.map { RawIndexDef(sourceName: "\(name)_\($0.0)", accessorName: $0.0, algorithm: $0.1) },
            constraints: keys.map { RawConstraintDef(data: .unique($0)) },
            tableAccess: isPrivate ? .private : .public, isEvent: isEvent)
    }

    /// A game with what most modules have.
    static let game = RawModuleDefV10(
        sections: sections([
            (
                "Player",
                .product([("id", .u64), ("name", .string), ("joinedAt", .timestamp), ("motto", .option(.string))])
            ),
            ("Move", .sum([("pass", .unit), ("place", ref(2)), ("say", .string)])),
            ("Cell", .product([("x", .i32), ("y", .i32)])),
            ("ScoreEntry", .product([("id", .u64), ("playerId", .u64), ("points", .i32), ("lastMove", ref(1))])),
        ]) + [
            .tables([
                table("player", 0, key: [0], unique: [[1]]),
                table("scoreEntry", 3, key: [0], indexes: [("byPlayer", .btree([1]))]),
            ]),
            .reducers([
                RawReducerDefV10(
                    sourceName: "submitMove", parameters: ProductType([("playerId", .u64), ("move", ref(1))]))
            ]),
            .procedures([
                RawProcedureDefV10(
                    sourceName: "topScores", parameters: ProductType([("limit", .u32)]), returnType: .array(ref(3)))
            ]),
            .views([
                RawViewDef(sourceName: "myPlayer", index: 0, returnType: .array(ref(0))),
                RawViewDef(
                    sourceName: "scoresAbove", index: 1,
                    parameters: ProductType([("points", .i32), ("playerId", .option(.u64))]),
                    returnType: .array(ref(3))),
            ]),
            .viewPrimaryKeys([
                RawViewPrimaryKeyDef(viewSourceName: "myPlayer", columns: ["id"]),
                RawViewPrimaryKeyDef(viewSourceName: "scoresAbove", columns: ["id"]),
            ]),
        ])

    /// Modules inside of each other, names that generated code has itself, and cases that are called in another way here.
    static let nested: RawModuleDefV10 = {
        let deep = RawModuleDefV10(
            sections: sections([("Thing", .product([("size", .f32), ("tags", .array(.string))]))]) + [
                .tables([table("things", 0)]),
                .reducers([RawReducerDefV10(sourceName: "drop", parameters: ProductType([("thing", ref(0))]))]),
            ])
        let lib = RawModuleDefV10(
            sections: sections([
                ("User", .product([("id", .u64), ("level", ref(1)), ("levels", .array(ref(1)))])),
                ("Level", .sum([("low", .unit), ("high", .u8)])),
            ]) + [
                .tables([table("users", 0, key: [0]), table("secrets", 0, key: [0], isPrivate: true)]),
                .reducers([RawReducerDefV10(sourceName: "doIt", parameters: ProductType([("user", ref(0))]))]),
                .procedures([RawProcedureDefV10(sourceName: "best", returnType: .option(ref(0)))]),
                .views([
                    RawViewDef(
                        sourceName: "olderThan", index: 0, parameters: ProductType([("years", .u32)]),
                        returnType: .array(ref(0)))
                ]),
                .submodules([RawSubmodule(namespace: "deep", module: deep)]),
            ])
        return RawModuleDefV10(
            sections: sections([
                ("Row", .product([("id", .u64), ("columns", ref(1)), ("kind", ref(2))])),
                ("Columns", .product([("count", .u32)])),
                ("Kind", .sum([("RED_ONE", .unit), ("HTTPError", .unit), ("plain", .unit)])),
            ]) + [
                .tables([table("rows", 0, key: [0], indexes: [("byKind", .btree([2]))])]),
                .reducers([RawReducerDefV10(sourceName: "put", parameters: ProductType([("row", ref(0))]))]),
                .views([
                    RawViewDef(
                        sourceName: "ofKind", index: 0, parameters: ProductType([("kind", ref(2))]),
                        returnType: .array(ref(0)))
                ]),
                .submodules([RawSubmodule(namespace: "lib", module: lib)]),
                .caseConversionPolicy(.none),
            ])
    }()

    /// All types, kinds of indexes and of tables, and names that are words of some language or change a lot.
    static let everything: RawModuleDefV10 = {
        let numbers: [(String, AlgebraicType)] = [
            ("tiny", .i8), ("small", .i16), ("middle", .i32), ("large", .i64), ("huge", .i128), ("vast", .i256),
            ("byte", .u8), ("word", .u16), ("count", .u32), ("total", .u64), ("wide", .u128), ("widest", .u256),
            ("ratio", .f32), ("precise", .f64),
        ]
        let special: [(String, AlgebraicType)] = [
            ("flag", .bool), ("text", .string), ("raw", .bytes), ("who", .identity), ("connection", .connectionId),
            ("at", .timestamp), ("took", .timeDuration), ("token", .uuid), ("nothing", .unit),
            ("maybe", .option(ref(1))), ("outcome", .result(.u32, .string)), ("marks", .array(.option(.i32))),
            ("colors", .array(ref(1))),
        ]
        let types: [(String, AlgebraicType)] = [
            ("Sample", .product([("id", .u64)] + numbers + special)),
            ("Color", .sum([("red", .unit), ("green", .unit), ("self", .unit)])),
            (
                "HTTPLog",
                .product([("line2", .u32), ("player1Id", .u64), ("type", .string), ("class", ref(1)), ("event", .bool)])
            ),
            ("shapes.Tree", .product([("value", .u32), ("children", .array(ref(3)))])),
            ("Expr", .sum([("leaf", .i64), ("sum", .array(ref(4))), ("default", .unit)])),
            ("Job", .product([("id", .u64), ("when", .scheduleAt), ("notes", .array(.string))])),
            ("Empty", .product([])),
            ("Secret", .product([("id", .u32), ("text", .string)])),
            ("Blip", .product([("x", .f32), ("y", .f32)])),
        ]
        let byte = RawTableDefV10(
            sourceName: "sample", productTypeRef: 0, primaryKey: [0],
            indexes: [
                RawIndexDef(sourceName: "sample_id", accessorName: "id", algorithm: .btree([0])),
                RawIndexDef(sourceName: "sample_who", accessorName: "byWho", algorithm: .hash([18])),
                RawIndexDef(sourceName: "sample_byte", accessorName: "byByte", algorithm: .direct(7)),
                RawIndexDef(sourceName: "sample_pair", accessorName: "pair", algorithm: .btree([9, 20])),
                RawIndexDef(sourceName: "sample_silent", accessorName: nil, algorithm: .btree([15])),
                RawIndexDef(sourceName: "sample_iter", accessorName: "iter", algorithm: .btree([16])),
            ],
            constraints: [
                RawConstraintDef(data: .unique([0])), RawConstraintDef(data: .unique([9, 20])),
            ])
        return RawModuleDefV10(
            sections: sections(types) + [
                .tables([
                    byte,
                    RawTableDefV10(
                        sourceName: "httpLog", productTypeRef: 2,
                        indexes: [RawIndexDef(sourceName: "log_class", accessorName: "class", algorithm: .btree([3]))],
                        constraints: [RawConstraintDef(data: .unique([3]))]),
                    table("job", 5, key: [0]),
                    table("secret", 7, key: [0], isPrivate: true),
                    table("blip", 8, isEvent: true),
                    table("move", 8),
                ]),
                .reducers([
                    RawReducerDefV10(
                        sourceName: "move",
                        parameters: ProductType([("type", ref(1)), ("self", .string), ("done", .option(.bool))])),
                    RawReducerDefV10(sourceName: "tick"),
                    RawReducerDefV10(
                        sourceName: "grow", parameters: ProductType([("tree", ref(3)), ("expr", ref(4))])),
                    RawReducerDefV10(
                        sourceName: "judge", parameters: ProductType([("outcome", .result(.u32, .string))])),
                    RawReducerDefV10(sourceName: "runJob", parameters: ProductType([("job", ref(5))])),
                    RawReducerDefV10(sourceName: "begin"),
                    RawReducerDefV10(sourceName: "come"),
                ]),
                .procedures([
                    RawProcedureDefV10(sourceName: "nothing", returnType: .unit),
                    RawProcedureDefV10(
                        sourceName: "find", parameters: ProductType([("in", .string)]), returnType: .option(ref(2))),
                ]),
                .schedules([RawScheduleDefV10(tableName: "job", scheduleAtColumn: 1, functionName: "runJob")]),
                .lifecycleReducers([
                    RawLifecycleReducerDef(lifecycle: .onInit, functionName: "begin"),
                    RawLifecycleReducerDef(lifecycle: .onConnect, functionName: "come"),
                ]),
                .explicitNames([RawExplicitName(.table, sourceName: "httpLog", canonicalName: "web_log")]),
            ])
    }()
}
