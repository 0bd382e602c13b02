import SpacetimeSATS
import SpacetimeSchema
import Testing

/// Breaks one rule each and expects that rule, and no other, to be reported.
@Suite struct RuleTests {
    struct Breach: Sendable, CustomTestStringConvertible {
        var name: String
        var code: SchemaErrorCode
        /// The place as it is printed.
        var path: String
        var spoil: @Sendable (inout ModuleBuilder) -> Void

        init(
            _ name: String, _ code: SchemaErrorCode, _ path: String,
            _ spoil: @escaping @Sendable (inout ModuleBuilder) -> Void
        ) {
            self.name = name
            self.code = code
            self.path = path
            self.spoil = spoil
        }

        var testDescription: String { name }
    }

    static func expectOnly(_ breach: Breach) {
        var module = ModuleBuilder.full
        breach.spoil(&module)
        let errors = module.errors()
        #expect(errors.map(\.code) == [breach.code], "\(errors)")
        #expect(errors.first?.path.description == breach.path)
    }

    @Test(arguments: types) func ofTypes(breach: Breach) { Self.expectOnly(breach) }
    @Test(arguments: tables) func ofTables(breach: Breach) { Self.expectOnly(breach) }
    @Test(arguments: functions) func ofFunctions(breach: Breach) { Self.expectOnly(breach) }
    @Test(arguments: views) func ofViews(breach: Breach) { Self.expectOnly(breach) }
    @Test(arguments: names) func ofNames(breach: Breach) { Self.expectOnly(breach) }

    static let types: [Breach] = [
        Breach("a type's reference leads nowhere", .invalidTypeRef, "type 'Lost'") {
            $0.definitions.append(RawTypeDef(sourceName: "Lost", ref: 999_999))
        },
        Breach("an integer is declared", .notValidForDefinition, "type 'Number'") { $0.declare("Number", .u32) },
        Breach("a special type is declared", .notValidForDefinition, "type 'Maybe'") {
            $0.declare("Maybe", .option(.u32))
        },
        Breach("a nameless field", .namelessTypeDefElement, "type 'Pair', element '0'") {
            $0.declare("Pair", .product(ProductType([.init(name: nil, algebraicType: .u8)])))
        },
        Breach("a field that is no identifier", .identifierInvalidContinue, "type 'Odd', element 'a b'") {
            $0.declare("Odd", .product([("a b", .u8)]))
        },
        Breach("a field that becomes none", .identifierInvalidStart, "type 'Odd', element '_1'") {
            $0.declare("Odd", .product([("_1", .u8)]))
        },
        Breach("an inline product", .nonSpecialTypeNotAUse, "type 'Outer', element 'inner'") {
            $0.declare("Outer", .product([("inner", .array(.product([("x", .u8)])))]))
        },
        Breach("an undeclared type", .nonDeclaredTypeDef, "type 'Outer', element 'inner'") {
            let ref = $0.declare("Outer", .product([("inner", .ref(UInt32($0.types.count + 1)))]))
            $0.types.append(.product([("x", .u8)]))
            _ = ref
        },
        Breach("a reference within that leads nowhere", .invalidTypeRef, "type 'Outer', element 'inner'") {
            $0.declare("Outer", .product([("inner", .option(.ref(77)))]))
        },
        Breach("a cycle of undeclared references", .recursiveTypeRef, "type 'Outer', element 'inner'") {
            let next = UInt32($0.types.count + 1)
            $0.declare("Outer", .product([("inner", .ref(next))]))
            $0.types += [.array(.ref(next + 1)), .ref(next)]
        },
        Breach("unsorted fields", .typeHasIncorrectOrdering, "type 'Mess'") {
            $0.declare("Mess", .product([("b", .u8), ("a", .u8)]))
            $0.definitions[$0.definitions.count - 1].customOrdering = false
        },
        Breach("more variants than a tag can tell apart", .tooManyVariants, "type 'Many'") {
            $0.declare("Many", .sum((0...256).map { ("v\($0)", .unit) }))
        },
        Breach("two types of one name after conversion", .duplicateTypeName, "type 'Color'") {
            $0.declare("Color", .product([("x", .u8)]))
        },
        Breach("a type name without letters", .identifierEmpty, "type 'a::_'") {
            $0.declare("_", .product([("x", .u8)]))
            $0.definitions[$0.definitions.count - 1].scope = ["a"]
        },
    ]

    static let tables: [Breach] = [
        Breach("rows of an enum", .invalidProductTypeRef, "table 'extra'") {
            $0.tables.append(RawTableDefV10(sourceName: "extra", productTypeRef: 0))
        },
        Breach("rows of nothing", .invalidProductTypeRef, "table 'extra'") {
            $0.tables.append(RawTableDefV10(sourceName: "extra", productTypeRef: 500))
        },
        Breach("a nameless column", .unnamedColumn, "table 'extra', column 'col_1'") {
            let table = $0.table("extra", [("a", .u8)])
            let elements: [ProductType.Element] = [
                .init(name: "a", algebraicType: .u8), .init(name: nil, algebraicType: .u8),
            ]
            $0.types[Int($0.tables[table].productTypeRef)] = .product(ProductType(elements))
        },
        Breach("a column that is no identifier", .identifierInvalidStart, "table 'extra', column '1a'") {
            $0.table("extra", [("1a", .u8)])
        },
        Breach("a column that becomes nothing", .identifierEmpty, "table 'extra', column '_'") {
            $0.table("extra", [("_", .u8)])
        },
        Breach("columns alike after conversion", .duplicateColumnName, "table 'extra', column 'fooBar'") {
            $0.table("extra", [("foo_bar", .u8), ("fooBar", .u8)])
        },
        Breach("an inline sum as a column", .nonSpecialTypeNotAUse, "table 'extra', column 'a'") {
            $0.table("extra", [("a", .sum([("x", .unit)]))])
        },
        Breach("a reference to nowhere as a column", .invalidTypeRef, "table 'extra', column 'a'") {
            $0.table("extra", [("a", .ref(88))])
        },
        Breach("a recursive column", .recursiveTypeRef, "table 'extra', column 'a'") {
            let list = UInt32($0.types.count)
            $0.declare("List", .product([("next", .option(.ref(list)))]))
            $0.table("extra", [("a", .ref(list))])
        },
        Breach("a key without constraint", .missingPrimaryKeyUniqueConstraint, "table 'extra'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].primaryKey = [0]
        },
        Breach("a key on a missing column", .columnNotFound, "table 'extra'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].primaryKey = [1]
        },
        Breach("a key that repeats a column", .duplicateColumns, "table 'extra'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].primaryKey = [0, 0]
        },
        Breach(
            "a constraint without index", .uniqueConstraintWithoutIndex,
            "table 'extra', unique constraint 'extra_a_key'"
        ) {
            let table = $0.table("extra", [("a", .u8), ("b", .u8)])
            $0.tables[table].constraints = [RawConstraintDef(data: .unique([0]))]
            $0.index(table, .btree([0, 1]))
        },
        Breach("a unique float", .floatInKey, "table 'extra', column 'a'") { $0.uniqueTable(.f64) },
        Breach("a unique optional float", .floatInKey, "table 'extra', column 'a'") { $0.uniqueTable(.option(.f32)) },
        Breach("a unique list of floats", .floatInKey, "table 'extra', column 'a'") { $0.uniqueTable(.array(.f32)) },
        Breach("a unique struct with a float", .floatInKey, "table 'extra', column 'a'") {
            let ref = $0.declare("Place", .product([("n", .u8), ("x", .option(.f64))]))
            $0.uniqueTable(.ref(ref))
        },
        Breach("a unique enum with a float", .floatInKey, "table 'extra', column 'a'") {
            let ref = $0.declare("Form", .sum([("circle", .f64), ("point", .unit)]))
            $0.uniqueTable(.ref(ref), isPrimary: true)
        },
        Breach("an index on a missing column", .columnNotFound, "table 'extra', index 'extra_source_0'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.index(table, .hash([0, 9]))
        },
        Breach("an index that repeats a column", .duplicateColumns, "table 'extra', index 'extra_source_0'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.index(table, .btree([0, 0]))
        },
        Breach("an index on nothing", .emptyColumnList, "table 'extra', index 'extra_source_0'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.index(table, .btree([]))
        },
        Breach("a direct index on text", .directIndexOnBadType, "table 'extra', index 'extra_source_0'") {
            let table = $0.table("extra", [("a", .string)])
            $0.index(table, .direct(0))
        },
        Breach("an index without source name", .missingIndexSourceName, "table 'extra', index '0'") {
            let table = $0.table("extra", [("a", .string)])
            $0.tables[table].indexes = [RawIndexDef(sourceName: nil, algorithm: .btree([0]))]
        },
        Breach("an odd accessor", .identifierInvalidContinue, "table 'extra', index 'i'") {
            let table = $0.table("extra", [("a", .string)])
            $0.tables[table].indexes = [RawIndexDef(sourceName: "i", accessorName: "a.b", algorithm: .btree([0]))]
        },
        Breach("a sequence on text", .invalidSequenceColumnType, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .string)])
            $0.tables[table].sequences = [RawSequenceDef(column: 0)]
        },
        Breach("a sequence on a missing column", .columnNotFound, "table 'extra', sequence ''") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].sequences = [RawSequenceDef(column: 3)]
        },
        Breach("two sequences", .oneAutoInc, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].sequences = [RawSequenceDef(column: 0), RawSequenceDef(sourceName: "s", column: 0)]
        },
        Breach("a start below the minimum", .invalidSequenceRange, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].sequences = [RawSequenceDef(column: 0, start: 4, minimum: 5)]
        },
        Breach("a maximum below the minimum", .invalidSequenceRange, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .i8)])
            $0.tables[table].sequences = [RawSequenceDef(column: 0, start: 0, maximum: 0)]
        },
        Breach("an increment of zero", .invalidSequenceIncrement, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].sequences = [RawSequenceDef(column: 0, increment: 0)]
        },
        Breach("an increment beyond the range", .invalidSequenceIncrement, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].sequences = [RawSequenceDef(column: 0, maximum: 10, increment: -9)]
        },
        Breach("a default for a missing column", .columnNotFound, "table 'extra'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.tables[table].defaultValues = [RawColumnDefaultValue(column: 1, value: [1])]
        },
        Breach("a default of another type", .columnDefaultValueMalformed, "table 'extra', column 'a'") {
            let table = $0.table("extra", [("a", .u32)])
            $0.tables[table].defaultValues = [RawColumnDefaultValue(column: 0, value: [1])]
        },
        Breach("a reserved name", .tableNameReserved, "table 'st_mine'") { $0.table("st_mine", [("a", .u8)]) },
        Breach("a table name without letters", .identifierEmpty, "table '__'") { $0.table("__", [("a", .u8)]) },
    ]

    static let functions: [Breach] = [
        Breach("a nameless parameter", .namelessParameter, "reducer 'extra', parameter '0'") {
            let parameters = ProductType([.init(name: nil, algebraicType: .u8)])
            $0.reducers.append(RawReducerDefV10(sourceName: "extra", parameters: parameters))
        },
        Breach("two parameters of one name", .duplicateParameterName, "reducer 'extra', parameter 'a'") {
            $0.reducer("extra", [("a", .u8), ("a", .u8)])
        },
        Breach("an inline parameter", .nonSpecialTypeNotAUse, "reducer 'extra', parameter 'a'") {
            $0.reducer("extra", [("a", .product([("x", .u8)]))])
        },
        Breach("an inline result", .nonSpecialTypeNotAUse, "procedure 'extra'") {
            $0.procedures.append(RawProcedureDefV10(sourceName: "extra", returnType: .product([("x", .u8)])))
        },
        Breach("a reducer with a result", .invalidReducerReturnType, "reducer 'extra'") {
            $0.reducers.append(RawReducerDefV10(sourceName: "extra", okReturnType: .u8))
        },
        Breach("a reducer with another failure", .invalidReducerReturnType, "reducer 'extra'") {
            $0.reducers.append(RawReducerDefV10(sourceName: "extra", errReturnType: .u8))
        },
        Breach("a lifecycle without reducer", .lifecycleWithoutReducer, "lifecycle 'onConnect'") {
            $0.lifecycleReducers.append(RawLifecycleReducerDef(lifecycle: .onConnect, functionName: "nobody"))
        },
        Breach("a lifecycle twice", .duplicateLifecycle, "lifecycle 'onInit'") {
            $0.reducer("extra")
            $0.lifecycleReducers.append(RawLifecycleReducerDef(lifecycle: .onInit, functionName: "extra"))
        },
        Breach("a reducer for two lifecycles", .duplicateLifecycle, "lifecycle 'onConnect'") {
            $0.lifecycleReducers.append(RawLifecycleReducerDef(lifecycle: .onConnect, functionName: "start"))
        },
        Breach("a lifecycle reducer with parameters", .lifecycleReducerHasParameters, "lifecycle 'onConnect'") {
            $0.reducer("extra", [("a", .u8)])
            $0.lifecycleReducers.append(RawLifecycleReducerDef(lifecycle: .onConnect, functionName: "extra"))
        },
        Breach("a schedule for no table", .tableNotFound, "schedule 'nowhere'") {
            $0.schedules.append(
                RawScheduleDefV10(tableName: "nowhere", scheduleAtColumn: 0, functionName: "tick"))
        },
        Breach("two schedules", .duplicateSchedule, "table 'Timer'") { $0.schedules.append($0.schedules[0]) },
        Breach("a schedule at another column", .scheduledIncorrectColumns, "table 'Timer', schedule 'timer_sched'") {
            $0.schedules[0].scheduleAtColumn = 0
        },
        Breach("a schedule without a key", .scheduledIncorrectColumns, "table 'Timer', schedule 'timer_sched'") {
            $0.tables[1].primaryKey = []
        },
        Breach("a schedule at a missing column", .columnNotFound, "table 'Timer', schedule 'timer_sched'") {
            $0.schedules[0].scheduleAtColumn = 7
        },
        Breach("a schedule for no function", .missingScheduledFunction, "table 'Timer'") {
            $0.schedules[0].functionName = "nobody"
        },
        Breach("a schedule for a function without the row", .incorrectScheduledFunctionParams, "table 'Timer'") {
            $0.schedules[0].functionName = "addPlayer"
        },
        Breach("an odd route", .invalidHttpRoutePath, "HTTP route '/A'") { $0.routes[0].path = "/A" },
        Breach("a relative route", .invalidHttpRoutePath, "HTTP route 'hook'") { $0.routes[0].path = "hook" },
        Breach("a route twice", .duplicateHttpRoute, "HTTP route '/hook'") { $0.routes.append($0.routes[0]) },
        Breach("a route under any method", .duplicateHttpRoute, "HTTP route '/hook'") {
            $0.routes.append(RawHttpRouteDef(handlerFunction: "onHook", method: .any, path: "/hook"))
        },
        Breach("a route to nobody", .missingHttpHandler, "HTTP route '/hook'") {
            $0.routes[0].handlerFunction = "nobody"
        },
    ]

    static let views: [Breach] = [
        Breach("a view of an integer", .invalidViewReturnType, "view 'extra'") {
            $0.views.append(RawViewDef(sourceName: "extra", index: 9, returnType: .array(.u8)))
        },
        Breach("a view of an enum", .invalidProductTypeRef, "view 'extra'") {
            $0.views.append(RawViewDef(sourceName: "extra", index: 9, returnType: .array(.ref(0))))
        },
        Breach("a key for no view", .viewPrimaryKeyViewNotFound, "view 'nowhere'") {
            $0.viewPrimaryKeys.append(RawViewPrimaryKeyDef(viewSourceName: "nowhere", columns: ["id"]))
        },
        Breach("two keys", .repeatedViewPrimaryKey, "view 'me'") { $0.viewPrimaryKeys.append($0.viewPrimaryKeys[0]) },
        Breach("a key of two columns", .multipleViewPrimaryKeyColumns, "view 'me'") {
            $0.viewPrimaryKeys[0].columns = ["id", "color"]
        },
        Breach("a key on a missing column", .viewPrimaryKeyColumnNotFound, "view 'me'") {
            $0.viewPrimaryKeys[0].columns = ["player_name"]
        },
    ]

    static let names: [Breach] = [
        Breach("two tables", .duplicateName, "table 'player'") { $0.table("player", [("a", .u8)]) },
        Breach("a table and a view", .duplicateName, "view 'timer'") {
            let row = AlgebraicType.ref($0.tables[0].productTypeRef)
            $0.views.append(RawViewDef(sourceName: "timer", index: 9, returnType: .array(row)))
        },
        Breach(
            "two indexes of one source name", .duplicateName,
            "table 'extra', index 'extra_source_0'"
        ) {
            let table = $0.table("extra", [("a", .u8), ("b", .u8)])
            $0.index(table, .btree([0]))
            $0.index(table, .btree([1]))
            $0.tables[table].indexes[1].sourceName = "extra_source_0"
        },
        Breach("an explicit index name that a table has", .duplicateName, "table 'extra', index 'extra_source_0'") {
            let table = $0.table("extra", [("a", .u8)])
            $0.index(table, .btree([0]))
            $0.explicitNames.append(
                RawExplicitName(.index, sourceName: "extra_source_0", canonicalName: "player"))
        },
        Breach("two functions", .duplicateFunctionName, "procedure 'AddPlayer'") {
            $0.procedures.append(RawProcedureDefV10(sourceName: "AddPlayer"))
        },
        Breach("a reducer and a view", .duplicateFunctionName, "view 'start'") {
            let row = AlgebraicType.ref($0.tables[0].productTypeRef)
            $0.views.append(RawViewDef(sourceName: "start", index: 9, returnType: .array(row)))
        },
        Breach("two handlers", .duplicateHttpHandlerName, "HTTP handler 'OnHook'") { $0.handlers.append("OnHook") },
        Breach("an explicit name that is none", .identifierInvalidContinue, "table 'Player'") {
            $0.explicitNames = [RawExplicitName(.table, sourceName: "Player", canonicalName: "a.b")]
            $0.tables[0].indexes.removeLast(2)
        },
        Breach("two explicit names", .duplicateExplicitName, "explicit name 'Player'") {
            $0.explicitNames = [
                RawExplicitName(.table, sourceName: "Player", canonicalName: "a"),
                RawExplicitName(.table, sourceName: "Player", canonicalName: "b"),
            ]
        },
        Breach("two submodules", .duplicateName, "submodule 'lib'") {
            $0.submodules = Array(
                repeating: RawSubmodule(namespace: "lib", module: RawModuleDefV10()), count: 2)
        },
        Breach("an odd namespace", .identifierInvalidContinue, "submodule 'a.b'") {
            $0.submodules = [RawSubmodule(namespace: "a.b", module: RawModuleDefV10())]
        },
        Breach("a long namespace", .namespaceTooLong, "submodule '\(String(repeating: "n", count: 64))'") {
            let namespace = String(repeating: "n", count: 64)
            $0.submodules = [RawSubmodule(namespace: namespace, module: RawModuleDefV10())]
        },
        Breach("a lifecycle in a submodule", .lifecycleInSubmodule, "submodule 'lib', lifecycle 'onInit'") {
            $0.submodules = [RawSubmodule(namespace: "lib", module: ModuleBuilder.full.raw)]
        },
    ]

    @Test func allErrorsComeTogether() {
        var module = ModuleBuilder.full
        let breaches = [Self.types[1], Self.tables[0], Self.functions[4], Self.views[0], Self.names[5]]
        for breach in breaches { breach.spoil(&module) }
        #expect(Set(module.codes()) == Set(breaches.map(\.code)))
    }

    @Test func messagesNamePlaceAndRemedy() throws {
        var module = ModuleBuilder()
        module.table("player", [("foo_bar", .u8), ("fooBar", .u8)])
        let error = try #require(module.errors().first)
        #expect(
            error.description == """
                table 'player', column 'fooBar': columns 0 and 1 are both named 'foo_bar'; rename one of them \
                [duplicateColumnName]
                """)
    }
}
