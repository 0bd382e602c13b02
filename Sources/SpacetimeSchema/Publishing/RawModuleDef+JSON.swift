package import SpacetimeSATS

/// Definitions as JSON in the host's style, as generators of client code read them.
extension RawModuleDefV10 {
    /// `{"sections":[…]}`
    package var json: JSON { .object([.init("sections", .array(sections.map(\.json)))]) }
}

extension RawModuleDefV9 {
    package var json: JSON {
        .object([
            .init("typespace", typespace.json), .init("tables", .array(tables.map(\.json))),
            .init("reducers", .array(reducers.map(\.json))), .init("types", .array(types.map { $0.json("name") })),
            .init("misc_exports", .array(miscExports.map(\.json))),
            .init("row_level_security", .array(rowLevelSecurity.map(\.json))),
        ])
    }
}

extension RawModuleDefV10.Section {
    fileprivate var json: JSON {
        switch self {
        case .typespace(let typespace): .variant("Typespace", typespace.json)
        case .types(let types): .variant("Types", .array(types.map { $0.json("source_name") }))
        case .tables(let tables): .variant("Tables", .array(tables.map(\.json)))
        case .reducers(let reducers): .variant("Reducers", .array(reducers.map(\.json)))
        case .procedures(let procedures): .variant("Procedures", .array(procedures.map(\.json)))
        case .views(let views): .variant("Views", .array(views.map { $0.json("source_name") }))
        case .schedules(let schedules): .variant("Schedules", .array(schedules.map(\.json)))
        case .lifecycleReducers(let reducers): .variant("LifeCycleReducers", .array(reducers.map(\.json)))
        case .rowLevelSecurity(let rules): .variant("RowLevelSecurity", .array(rules.map(\.json)))
        case .caseConversionPolicy(let policy):
            .variant("CaseConversionPolicy", .variant(policy == .none ? "None" : "SnakeCase"))
        case .explicitNames(let names):
            .variant("ExplicitNames", .object([.init("entries", .array(names.map(\.json)))]))
        case .httpHandlers(let handlers):
            .variant("HttpHandlers", .array(handlers.map { .object([.init("source_name", .string($0.sourceName))]) }))
        case .httpRoutes(let routes): .variant("HttpRoutes", .array(routes.map(\.json)))
        case .viewPrimaryKeys(let keys): .variant("ViewPrimaryKeys", .array(keys.map(\.json)))
        case .submodules(let modules): .variant("Submodules", .array(modules.map(\.json)))
        }
    }
}

// MARK: Tables

extension RawTableDefV10 {
    fileprivate var json: JSON {
        .object([
            .init("source_name", .string(sourceName)), .init("product_type_ref", .integer(productTypeRef)),
            .init("primary_key", .columns(primaryKey)),
            .init("indexes", .array(indexes.map { $0.json("source_name") })),
            .init("constraints", .array(constraints.map { $0.json("source_name") })),
            .init("sequences", .array(sequences.map { $0.json("source_name") })),
            .init("table_type", tableType.json), .init("table_access", tableAccess.json),
            .init("default_values", .array(defaultValues.map { .object($0.members) })),
            .init("is_event", .bool(isEvent)),
        ])
    }
}

extension RawTableDefV9 {
    fileprivate var json: JSON {
        .object([
            .init("name", .string(name)), .init("product_type_ref", .integer(productTypeRef)),
            .init("primary_key", .columns(primaryKey)), .init("indexes", .array(indexes.map { $0.json("name") })),
            .init("constraints", .array(constraints.map { $0.json("name") })),
            .init("sequences", .array(sequences.map { $0.json("name") })),
            .init("schedule", .option(schedule?.json)), .init("table_type", tableType.json),
            .init("table_access", tableAccess.json),
        ])
    }
}

extension RawTableType {
    fileprivate var json: JSON { .variant(self == .system ? "System" : "User") }
}

extension RawTableAccess {
    fileprivate var json: JSON { .variant(self == .public ? "Public" : "Private") }
}

extension RawIndexDef {
    fileprivate func json(_ name: String) -> JSON {
        .object([
            .init(name, .name(sourceName)), .init("accessor_name", .name(accessorName)),
            .init("algorithm", algorithm.json),
        ])
    }
}

extension RawIndexAlgorithm {
    fileprivate var json: JSON {
        switch self {
        case .btree(let columns): .variant("BTree", .columns(columns))
        case .hash(let columns): .variant("Hash", .columns(columns))
        case .direct(let column): .variant("Direct", .integer(column.rawValue))
        }
    }
}

extension RawConstraintDef {
    fileprivate func json(_ name: String) -> JSON {
        let columns =
            switch data {
            case .unique(let columns): columns
            }
        return .object([
            .init(name, .name(sourceName)),
            .init("data", .variant("Unique", .object([.init("columns", .columns(columns))]))),
        ])
    }
}

extension RawSequenceDef {
    fileprivate func json(_ name: String) -> JSON {
        .object([
            .init(name, .name(sourceName)), .init("column", .integer(column.rawValue)),
            .init("start", .option(start.map { .integer($0) })),
            .init("min_value", .option(minimum.map { .integer($0) })),
            .init("max_value", .option(maximum.map { .integer($0) })), .init("increment", .integer(increment)),
        ])
    }
}

extension RawColumnDefaultValue {
    fileprivate var members: [JSON.Member] {
        [.init("col_id", .integer(column.rawValue)), .init("value", .string(Hexadecimal.text(value)))]
    }
}

extension RawScheduleDefV9 {
    fileprivate var json: JSON {
        .object([
            .init("name", .name(name)), .init("reducer_name", .string(reducerName)),
            .init("scheduled_at_column", .integer(scheduledAtColumn.rawValue)),
        ])
    }
}

extension RawScheduleDefV10 {
    fileprivate var json: JSON {
        .object([
            .init("source_name", .name(sourceName)), .init("table_name", .string(tableName)),
            .init("schedule_at_col", .integer(scheduleAtColumn.rawValue)),
            .init("function_name", .string(functionName)),
        ])
    }
}

// MARK: Functions

extension RawReducerDefV10 {
    fileprivate var json: JSON {
        .object([
            .init("source_name", .string(sourceName)), .init("params", parameters.json),
            .init("visibility", visibility.json), .init("ok_return_type", okReturnType.json),
            .init("err_return_type", errReturnType.json),
        ])
    }
}

extension RawReducerDefV9 {
    fileprivate var json: JSON {
        .object([
            .init("name", .string(name)), .init("params", parameters.json),
            .init("lifecycle", .option(lifecycle?.json)),
        ])
    }
}

extension RawFunctionVisibility {
    fileprivate var json: JSON { .variant(self == .private ? "Private" : "ClientCallable") }
}

extension Lifecycle {
    fileprivate var json: JSON { .variant(clientName) }

    /// What clients call the moment: `OnConnect`.
    package var clientName: String {
        switch self {
        case .onInit: "Init"
        case .onConnect: "OnConnect"
        case .onDisconnect: "OnDisconnect"
        }
    }
}

extension RawLifecycleReducerDef {
    fileprivate var json: JSON {
        .object([.init("lifecycle_spec", lifecycle.json), .init("function_name", .string(functionName))])
    }
}

extension RawProcedureDefV10 {
    fileprivate var json: JSON {
        .object([
            .init("source_name", .string(sourceName)), .init("params", parameters.json),
            .init("return_type", returnType.json), .init("visibility", visibility.json),
        ])
    }
}

extension RawViewDef {
    fileprivate func json(_ name: String) -> JSON {
        .object([
            .init(name, .string(sourceName)), .init("index", .integer(index)), .init("is_public", .bool(isPublic)),
            .init("is_anonymous", .bool(isAnonymous)), .init("params", parameters.json),
            .init("return_type", returnType.json),
        ])
    }
}

extension RawViewPrimaryKeyDef {
    fileprivate var json: JSON {
        .object([
            .init("view_source_name", .string(viewSourceName)),
            .init("columns", .array(columns.map { .string($0) })),
        ])
    }
}

extension RawMiscExportV9 {
    fileprivate var json: JSON {
        switch self {
        case .columnDefaultValue(let table, let value):
            .variant("ColumnDefaultValue", .object([.init("table", .string(table))] + value.members))
        case .procedure(let name, let parameters, let returnType):
            .variant(
                "Procedure",
                .object([
                    .init("name", .string(name)), .init("params", parameters.json),
                    .init("return_type", returnType.json),
                ]))
        case .view(let view): .variant("View", view.json("name"))
        }
    }
}

extension RawHttpRouteDef {
    fileprivate var json: JSON {
        .object([
            .init("handler_function", .string(handlerFunction)), .init("method", method.json),
            .init("path", .string(path)),
        ])
    }
}

extension RawMethodOrAny {
    fileprivate var json: JSON {
        switch self {
        case .any: .variant("Any")
        case .method(.other(let name)): .variant("Method", .variant("Extension", .string(name)))
        case .method(let method):
            .variant("Method", .variant(String(method.name.prefix(1)) + method.name.dropFirst().lowercased()))
        }
    }
}

// MARK: The rest

extension RawTypeDef {
    fileprivate func json(_ name: String) -> JSON {
        .object([
            .init(
                name,
                .object([
                    .init("scope", .array(scope.map { .string($0) })), .init(name, .string(sourceName)),
                ])),
            .init("ty", .integer(ref)), .init("custom_ordering", .bool(customOrdering)),
        ])
    }
}

extension RawRowLevelSecurityDef {
    fileprivate var json: JSON { .object([.init("sql", .string(sql))]) }
}

extension RawExplicitName {
    fileprivate var json: JSON {
        let name =
            switch kind {
            case .table: "Table"
            case .function: "Function"
            case .index: "Index"
            }
        return .variant(
            name,
            .object([
                .init("source_name", .string(sourceName)), .init("canonical_name", .string(canonicalName)),
            ]))
    }
}

extension RawSubmodule {
    fileprivate var json: JSON {
        .object([.init("namespace", .string(namespace)), .init("module", module.json)])
    }
}

extension JSON {
    fileprivate static func columns(_ columns: [ColumnID]) -> JSON {
        .array(columns.map { .integer($0.rawValue) })
    }

    fileprivate static func name(_ name: String?) -> JSON { .option(name.map { .string($0) }) }
}
