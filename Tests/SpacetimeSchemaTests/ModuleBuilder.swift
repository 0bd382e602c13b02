import SpacetimeSATS
import SpacetimeSchema

/// A module definition to spoil: a valid one, unless a test changes it.
struct ModuleBuilder {
    var types: [AlgebraicType] = []
    var definitions: [RawTypeDef] = []
    var tables: [RawTableDefV10] = []
    var reducers: [RawReducerDefV10] = []
    var procedures: [RawProcedureDefV10] = []
    var views: [RawViewDef] = []
    var schedules: [RawScheduleDefV10] = []
    var lifecycleReducers: [RawLifecycleReducerDef] = []
    var rowLevelSecurity: [String] = []
    var policy: CaseConversionPolicy?
    var explicitNames: [RawExplicitName] = []
    var handlers: [String] = []
    var routes: [RawHttpRouteDef] = []
    var viewPrimaryKeys: [RawViewPrimaryKeyDef] = []
    var submodules: [RawSubmodule] = []

    /// Declares a type and returns its reference.
    @discardableResult
    mutating func declare(_ name: String, _ type: AlgebraicType) -> UInt32 {
        let ref = UInt32(types.count)
        types.append(type)
        definitions.append(RawTypeDef(sourceName: name, ref: ref))
        return ref
    }

    /// Adds a table with a declared row type and returns its position.
    @discardableResult
    mutating func table(_ name: String, _ columns: [(String, AlgebraicType)]) -> Int {
        let ref = declare("Row\(tables.count)", .product(columns))
        tables.append(RawTableDefV10(sourceName: name, productTypeRef: ref))
        return tables.count - 1
    }

    /// Makes one column of a table its primary key, with constraint and index.
    mutating func key(_ table: Int, _ columns: [ColumnID]) {
        tables[table].primaryKey = columns
        unique(table, columns)
    }

    mutating func unique(_ table: Int, _ columns: [ColumnID]) {
        tables[table].constraints.append(RawConstraintDef(data: .unique(columns)))
        index(table, .btree(columns))
    }

    /// A table `extra` with one column `a`, which is unique.
    mutating func uniqueTable(_ type: AlgebraicType, isPrimary: Bool = false) {
        let table = table("extra", [("a", type)])
        if isPrimary { key(table, [0]) } else { unique(table, [0]) }
    }

    mutating func index(_ table: Int, _ algorithm: RawIndexAlgorithm) {
        let count = tables[table].indexes.count
        tables[table].indexes.append(
            RawIndexDef(sourceName: "\(tables[table].sourceName)_source_\(count)", algorithm: algorithm))
    }

    mutating func reducer(_ name: String, _ parameters: [(String, AlgebraicType)] = []) {
        reducers.append(RawReducerDefV10(sourceName: name, parameters: ProductType(parameters)))
    }

    var raw: RawModuleDefV10 {
        var sections: [RawModuleDefV10.Section] = [
            .typespace(Typespace(types)), .types(definitions), .tables(tables), .reducers(reducers),
            .procedures(procedures), .views(views), .schedules(schedules), .lifecycleReducers(lifecycleReducers),
            .rowLevelSecurity(rowLevelSecurity.map { RawRowLevelSecurityDef(sql: $0) }),
            .explicitNames(explicitNames), .httpHandlers(handlers.map { RawHttpHandlerDef(sourceName: $0) }),
            .httpRoutes(routes), .viewPrimaryKeys(viewPrimaryKeys), .submodules(submodules),
        ]
        if let policy { sections.append(.caseConversionPolicy(policy)) }
        return RawModuleDefV10(sections: sections)
    }

    func validated(_ options: ValidationOptions = ValidationOptions()) throws(SchemaErrors) -> ModuleSchema {
        try ModuleSchema(validating: raw, options: options)
    }

    /// The errors of the definition, none if it is valid.
    func errors(_ options: ValidationOptions = ValidationOptions()) -> [SchemaError] {
        do throws(SchemaErrors) {
            _ = try validated(options)
            return []
        } catch {
            return error.errors
        }
    }

    func codes(_ options: ValidationOptions = ValidationOptions()) -> [SchemaErrorCode] {
        errors(options).map(\.code)
    }

    /// A table with a key, a sequence, a schedule and a default, two views, functions and routes: one of everything.
    static var full: ModuleBuilder {
        var module = ModuleBuilder()
        let color = module.declare("color", .sum([("Red", .unit), ("DarkGreen", .unit)]))
        let player = module.table("Player", [("id", .u64), ("PlayerName", .string), ("color", .ref(color))])
        module.key(player, [0])
        module.index(player, .hash([1, 2]))
        module.index(player, .direct(2))
        module.tables[player].sequences = [RawSequenceDef(column: 0)]
        module.tables[player].defaultValues = [RawColumnDefaultValue(column: 2, value: [1, 0xff])]
        let timer = module.table("Timer", [("id", .u64), ("at", .scheduleAt)])
        module.key(timer, [0])
        module.reducer("addPlayer", [("theName", .string), ("color", .option(.ref(color)))])
        module.reducer("tick", [("timer", .ref(module.tables[timer].productTypeRef))])
        module.reducer("start")
        module.schedules = [RawScheduleDefV10(tableName: "Timer", scheduleAtColumn: 1, functionName: "tick")]
        module.lifecycleReducers = [RawLifecycleReducerDef(lifecycle: .onInit, functionName: "start")]
        module.procedures = [RawProcedureDefV10(sourceName: "countThem", returnType: .u64)]
        let row = AlgebraicType.ref(module.tables[player].productTypeRef)
        module.views = [
            RawViewDef(sourceName: "me", index: 0, returnType: .option(row)),
            RawViewDef(sourceName: "everyone", index: 0, isAnonymous: true, returnType: .array(row)),
            RawViewDef(sourceName: "asked", index: 1, returnType: .product([("__query__", row)])),
        ]
        module.viewPrimaryKeys = [RawViewPrimaryKeyDef(viewSourceName: "me", columns: ["PlayerName"])]
        module.handlers = ["onHook"]
        module.routes = [RawHttpRouteDef(handlerFunction: "onHook", method: .method(.post), path: "/hook")]
        module.rowLevelSecurity = ["SELECT * FROM player", "SELECT * FROM player"]
        return module
    }
}
