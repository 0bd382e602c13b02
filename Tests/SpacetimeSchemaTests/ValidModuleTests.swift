import SpacetimeSATS
import SpacetimeSchema
import Testing

@Suite struct ValidModuleTests {
    @Test func theFullModuleIsValid() {
        #expect(ModuleBuilder.full.errors() == [])
        #expect(ModuleBuilder().errors() == [])
    }

    @Test func rawModulesSurviveEncoding() throws {
        var module = ModuleBuilder.full
        module.policy = CaseConversionPolicy.none
        module.explicitNames = [RawExplicitName(.index, sourceName: "a", canonicalName: "b")]
        module.submodules = [RawSubmodule(namespace: "lib", module: ModuleBuilder.full.raw)]
        module.routes.append(RawHttpRouteDef(handlerFunction: "onHook", method: .any, path: ""))
        module.routes.append(RawHttpRouteDef(handlerFunction: "onHook", method: .method(.other("BREW")), path: "/x"))
        #expect(try RawModuleDefV10(decoding: module.raw.bsatn()) == module.raw)
    }

    @Test func ofTwoSectionsOfAKindTheFirstCounts() {
        let raw = RawModuleDefV10(sections: [
            .rowLevelSecurity([RawRowLevelSecurityDef(sql: "first")]),
            .rowLevelSecurity([RawRowLevelSecurityDef(sql: "second")]),
        ])
        #expect(raw.rowLevelSecurity.map(\.sql) == ["first"])
        #expect(raw.caseConversionPolicy == .snakeCase)
    }

    @Test func namesAreConvertedAndSourceNamesKept() throws {
        let schema = try ModuleBuilder.full.validated()
        let player = schema.tables[0]
        #expect(player.name == "player")
        #expect(player.sourceName == "Player")
        #expect(player.columns.map(\.name) == ["id", "player_name", "color"])
        #expect(player.columns.map(\.sourceName) == ["id", "PlayerName", "color"])
        #expect(player.columns[2].type == .sum([("red", .unit), ("darkGreen", .unit)]))
        #expect(player.indexes.map(\.name).contains("player_player_name_color_idx_hash"))
        #expect(player.indexes.map(\.algorithm) == [.btree, .hash, .direct])
        #expect(schema.types.map(\.name) == ["Color", "Row0", "Row1"])
        #expect(schema.reducers.map(\.name) == ["add_player", "tick", "start"])
        #expect(schema.reducers[0].parameters.map(\.name) == ["theName", "color"])
        #expect(schema.reducers[0].parameters.map(\.clientName) == ["the_name", "color"])
        #expect(schema.table(named: "Player") == player)
        #expect(schema.table(named: "player") == player)
    }

    @Test func withoutAPolicyNamesStayAsTheyAre() throws {
        var module = ModuleBuilder.full
        module.policy = CaseConversionPolicy.none
        let schema = try module.validated()
        #expect(schema.tables[0].columns.map(\.name) == ["id", "PlayerName", "color"])
        #expect(schema.tables[0].columns[2].type == .sum([("Red", .unit), ("DarkGreen", .unit)]))
        #expect(schema.types[0].name == "color")
        #expect(schema.typespace == schema.sourceTypespace)
    }

    @Test func specialTypesKeepTheirNames() throws {
        var module = ModuleBuilder()
        let columns: [(String, AlgebraicType)] = [
            ("at", .scheduleAt), ("who", .identity), ("maybe", .option(.result(.timestamp, .string))), ("id", .uuid),
        ]
        module.table("t", columns)
        #expect(try module.validated().tables[0].columns.map(\.type) == columns.map(\.1))
    }

    @Test func explicitNamesReplaceConversionAndGeneration() throws {
        var module = ModuleBuilder.full
        module.explicitNames = [
            RawExplicitName(.table, sourceName: "Player", canonicalName: "THE_Player"),
            RawExplicitName(.function, sourceName: "addPlayer", canonicalName: "ADD"),
            RawExplicitName(.function, sourceName: "me", canonicalName: "MySelf"),
            RawExplicitName(.index, sourceName: "Player_source_1", canonicalName: "byName"),
        ]
        let schema = try module.validated()
        #expect(schema.tables[0].name == "THE_Player")
        #expect(schema.tables[0].indexes[0].name == "THE_Player_id_idx_btree")
        #expect(schema.tables[0].indexes[1].name == "byName")
        #expect(schema.tables[0].indexes[1].sourceName == "Player_source_1")
        #expect(schema.tables[0].sequences[0].name == "THE_Player_id_seq")
        #expect(schema.reducers[0].name == "ADD")
        #expect(schema.views[0].name == "MySelf")
    }

    @Test func schedulesAndLifecyclesMakeFunctionsPrivate() throws {
        let schema = try ModuleBuilder.full.validated()
        #expect(schema.tables[1].schedule == ScheduleSchema(name: "timer_sched", column: 1, functionName: "tick"))
        #expect(schema.reducers.map(\.isClientCallable) == [true, false, false])
        #expect(schema.reducers.map(\.lifecycle) == [nil, nil, .onInit])
        #expect(schema.reducer(for: .onInit)?.id == 2)
        #expect(schema.reducer(for: .onConnect) == nil)
    }

    @Test func defaultsLoseBytesBehindTheValueAndTheLastOneWins() throws {
        var module = ModuleBuilder.full
        #expect(try module.validated().tables[0].defaults == [DefaultValueSchema(column: 2, bytes: [1])])
        module.tables[0].defaultValues = [
            RawColumnDefaultValue(column: 2, value: [1]),
            RawColumnDefaultValue(column: 1, value: [1, 0, 0, 0, 0x61]),
            RawColumnDefaultValue(column: 2, value: [0]),
        ]
        let expected = [
            DefaultValueSchema(column: 1, bytes: [1, 0, 0, 0, 0x61]), DefaultValueSchema(column: 2, bytes: [0]),
        ]
        #expect(try module.validated().tables[0].defaults == expected)
    }

    @Test func viewsHaveColumnsAndKeys() throws {
        let schema = try ModuleBuilder.full.validated()
        #expect(schema.views.map(\.result) == [.option, .array, .query])
        #expect(schema.views.map(\.primaryKey) == [[1], [], [0]])
        #expect(schema.views[1].columns == schema.tables[0].columns)
        #expect(schema.views[1].rowType == schema.tables[0].rowType)
    }

    @Test func queryViewsInheritNoKeyOnWhichTablesDisagree() throws {
        var module = ModuleBuilder.full
        module.tables.append(
            RawTableDefV10(sourceName: "other", productTypeRef: module.tables[0].productTypeRef))
        #expect(try module.validated().views[2].primaryKey == [])
        module.tables[2].sourceName = "otherOne"
        module.key(2, [0])
        #expect(try module.validated().views[2].primaryKey == [0])
    }

    @Test func compositePrimaryKeysAreAnOption() throws {
        var module = ModuleBuilder()
        let table = module.table("t", [("a", .u32), ("b", .u32)])
        module.key(table, [0, 1])
        #expect(try module.validated().tables[0].primaryKey == [0, 1])
        #expect(module.codes(ValidationOptions(allowsCompositePrimaryKey: false)) == [.repeatedPrimaryKey])
        module.tables[table].constraints = []
        #expect(module.codes() == [.missingPrimaryKeyUniqueConstraint])
    }

    @Test func anIndexCoversAConstraintInAnyOrder() throws {
        var module = ModuleBuilder()
        let table = module.table("t", [("a", .u32), ("b", .u32)])
        module.index(table, .hash([0, 1]))
        module.tables[table].constraints = [RawConstraintDef(data: .unique([1, 0]))]
        let schema = try module.validated()
        #expect(schema.tables[0].indexes[0].isUnique)
        #expect(schema.tables[0].uniqueConstraints[0].name == "t_b_a_key")
    }

    @Test func recursiveTypesCanBePassedButNotStored() throws {
        var module = ModuleBuilder()
        let tree = module.declare("Tree", .product([("Children", .array(.ref(0)))]))
        module.reducer("plant", [("tree", .ref(tree))])
        let schema = try module.validated()
        #expect(schema.reducers[0].parameters[0].type == .ref(tree))
        #expect(schema.typespace[tree] == .product([("children", .array(.ref(0)))]))
        module.table("forest", [("tree", .ref(tree))])
        #expect(module.codes() == [.recursiveTypeRef])
    }

    @Test func submodulesHaveNamesOfTheirOwn() throws {
        var inner = ModuleBuilder.full
        inner.lifecycleReducers = []
        var module = ModuleBuilder.full
        module.submodules = [
            RawSubmodule(namespace: "a", module: inner.raw), RawSubmodule(namespace: "b", module: inner.raw),
        ]
        let schema = try module.validated()
        #expect(schema.submodules.map(\.namespace) == ["a", "b"])
        #expect(schema.submodules[0].module.tables == schema.tables)
        #expect(schema.submodules[0].module.httpRoutes == [])
        #expect(schema.httpRoutes == [HttpRouteSchema(handler: 0, method: .method(.post), path: "/hook")])
    }

    @Test func equalRowLevelSecurityTextsCountOnce() throws {
        #expect(try ModuleBuilder.full.validated().rowLevelSecurity.map(\.sql) == ["SELECT * FROM player"])
    }

    @Test func undeclaredReferencesMayLeadThroughDeclaredTypesBackToThemselves() throws {
        var module = ModuleBuilder()
        module.types = [.option(.ref(1)), .product([("next", .ref(0))])]
        module.definitions = [RawTypeDef(sourceName: "Node", ref: 1)]
        module.reducer("take", [("node", .ref(0))])
        #expect(module.errors() == [])
    }
}
