extension StockTypeScriptBindings {
    /// A table or a function of a module or of one inside of it.
    private struct Part<Value> {
        let value: Value
        let model: BindingModel
        /// The namespaces around it.
        let path: [String]

        /// What it is imported as. Names of the modules' own have no underscores by now.
        func imported(_ name: String, _ suffix: String) -> String {
            (path + [NameStyle.camel.name(name)]).joined(separator: "_") + suffix
        }

        func file(_ name: String, _ suffix: String) -> String {
            "./" + (path + [NameStyle.snake.name(name)]).joined(separator: "/") + suffix
        }

        /// What it is known by in the SDK.
        func key(_ name: String) -> String { (path + [NameStyle.camel.name(name)]).joined(separator: ".") }
    }

    private func parts<Value>(
        _ model: BindingModel, _ path: [String] = [], _ list: (BindingModel) -> [Value]
    ) -> [Part<Value>] {
        list(model).map { Part(value: $0, model: model, path: path) }
            + model.submodules.flatMap { parts($0.module, path + [$0.namespace], list) }
    }

    /// The file that connects everything.
    mutating func index(_ model: BindingModel) {
        let tables = parts(model) { $0.tables }
        let reducers = parts(model) { $0.reducers.filter { !$0.isLifecycle } }
        let procedures = parts(model) { $0.procedures }
        var source = Self.begun()
        source.line("// For the package spacetimedb ^2.8.")
        source.line("import * as sdk from 'spacetimedb';")
        for table in tables {
            let name = table.value.sourceName
            source.line("import \(table.imported(name, "Row")) from '\(table.file(name, "_table"))\(ending)';")
        }
        for reducer in reducers {
            let name = reducer.value.sourceName
            source.line("import \(reducer.imported(name, "Params")) from '\(reducer.file(name, "_reducer"))\(ending)';")
        }
        for procedure in procedures {
            let name = procedure.value.sourceName
            source.line(
                "import * as \(procedure.imported(name, "Signature")) from '\(procedure.file(name, "_procedure"))\(ending)';"
            )
        }
        source.line()
        tableDefinitions(tables, &source)
        functionDefinitions(reducers, procedures, &source)
        source.open("const MODULE = {")
        // Which generation of the SDK this was written for: it refuses what is older than 1.4.
        source.line("versionInfo: { cliVersion: '2.8.3' as const },")
        source.line("tables: tableDefs.tables,")
        source.line("reducers: reducerDefs.reducers,")
        source.line("procedures: procedureDefs.procedures,")
        source.close("} satisfies sdk.RemoteModule<typeof tableDefs, typeof reducerDefs, typeof procedureDefs>;")
        source.line("type Module = typeof MODULE;")
        source.line()
        exports(model, &source)
        source.add(Self.connection)
        files.append(BindingFile(path: "index.ts", text: source.text))
    }

    private mutating func tableDefinitions(_ tables: [Part<BindingModel.Table>], _ source: inout SourceText) {
        var keys = NameScope("what holds the tables")
        source.open("const tableDefs = sdk.schema({")
        for table in tables {
            let key = table.key(table.value.sourceName)
            keys.claim(key, for: table.value.described, &report)
            source.open("\(table.path.isEmpty ? key : TypeScriptNames.quoted(key)): sdk.table({")
            source.line("name: \(TypeScriptNames.quoted(table.value.wireName)),")
            if table.value.isEvent { source.line("event: true,") }
            let indexes = indexes(table.value, table.model)
            if indexes.isEmpty {
                source.line("indexes: [],")
            } else {
                source.open("indexes: [")
                for index in indexes { source.line(index + ",") }
                source.close("],")
            }
            source.line("constraints: [],")
            source.close("}, \(table.imported(table.value.sourceName, "Row"))),")
        }
        source.close("}).schemaType;")
    }

    private mutating func functionDefinitions(
        _ reducers: [Part<BindingModel.Function>], _ procedures: [Part<BindingModel.Function>],
        _ source: inout SourceText
    ) {
        var names = NameScope("what calls reducers")
        source.open("const reducerDefs = sdk.reducers(")
        for reducer in reducers {
            let wireName = reducer.value.wireName
            names.claim(TypeScriptNames.accessor(wireName), for: "reducer '\(wireName)'", &report)
            source.line(
                "sdk.reducerSchema(\(TypeScriptNames.quoted(wireName)), \(reducer.imported(reducer.value.sourceName, "Params"))),"
            )
        }
        source.close(").reducersType;")
        names = NameScope("what calls procedures")
        source.open("const procedureDefs = sdk.procedures(")
        for procedure in procedures {
            let wireName = procedure.value.wireName
            names.claim(TypeScriptNames.accessor(wireName), for: "procedure '\(wireName)'", &report)
            let signature = procedure.imported(procedure.value.sourceName, "Signature")
            source.line(
                "sdk.procedureSchema(\(TypeScriptNames.quoted(wireName)), \(signature).params, \(signature).returnType),"
            )
        }
        source.close(");")
    }

    // MARK: Exports

    /// What queries and hooks are made with. Tables of submodules are found as people look for them, `tables.lib.users`.
    private mutating func exports(_ model: BindingModel, _ source: inout SourceText) {
        guard !model.submodules.isEmpty else {
            source.line(
                "export const tables: sdk.QueryBuilder<typeof tableDefs> = sdk.makeQueryBuilder(tableDefs);")
            source.line("export const reducers = sdk.convertToAccessorMap(reducerDefs.reducers);")
            source.line("export const procedures = sdk.convertToAccessorMap(procedureDefs.procedures);")
            return
        }
        source.line(
            "const allTables: sdk.QueryBuilder<typeof tableDefs> = sdk.makeQueryBuilder(tableDefs);")
        source.line("const allReducers = sdk.convertToAccessorMap(reducerDefs.reducers);")
        source.line("const allProcedures = sdk.convertToAccessorMap(procedureDefs.procedures);")
        nested("tables", "allTables", model, &source) { $0.tables.map { NameStyle.camel.name($0.sourceName) } }
        nested("reducers", "allReducers", model, &source) { part in
            part.reducers.filter { !$0.isLifecycle }.map { TypeScriptNames.accessor($0.wireName.lastPart) }
        }
        nested("procedures", "allProcedures", model, &source) { part in
            part.procedures.map { TypeScriptNames.accessor($0.wireName.lastPart) }
        }
    }

    private mutating func nested(
        _ name: String, _ all: String, _ model: BindingModel, _ source: inout SourceText,
        _ members: (BindingModel) -> [String]
    ) {
        source.open("export const \(name) = {")
        nestedMembers(all, model, [], &source, members)
        source.close("} as const;")
    }

    private mutating func nestedMembers(
        _ all: String, _ model: BindingModel, _ path: [String], _ source: inout SourceText,
        _ members: (BindingModel) -> [String]
    ) {
        var names = NameScope("what holds the tables and functions")
        for name in members(model) {
            let full = (path + [name]).joined(separator: ".")
            names.claim(name, for: "'\(full)'", &report)
            source.line("\(name): \(path.isEmpty ? "\(all).\(name)" : "\(all)[\(TypeScriptNames.quoted(full))]"),")
        }
        for submodule in model.submodules {
            names.claim(submodule.namespace, for: "submodule '\(submodule.namespace)'", &report)
            source.open("\(submodule.namespace): {")
            nestedMembers(all, submodule.module, path + [submodule.namespace], &source, members)
            source.close("},")
        }
    }

    /// What is the same for every module.
    private static var connection: String {
        """
        export { and, or, not } from 'spacetimedb';

        export type EventContext = sdk.EventContextInterface<Module>;
        export type ReducerEventContext = sdk.ReducerEventContextInterface<Module>;
        export type SubscriptionEventContext = sdk.SubscriptionEventContextInterface<Module>;
        export type ErrorContext = sdk.ErrorContextInterface<Module>;
        export type SubscriptionHandle = sdk.SubscriptionHandleImpl<Module>;

        export class SubscriptionBuilder extends sdk.SubscriptionBuilderImpl<Module> {}

        export class DbConnectionBuilder extends sdk.DbConnectionBuilder<DbConnection> {}

        export class DbConnection extends sdk.DbConnectionImpl<Module> {
          static builder = (): DbConnectionBuilder =>
            new DbConnectionBuilder(MODULE, (config: sdk.DbConnectionConfig<Module>) => new DbConnection(config));

          override subscriptionBuilder = (): SubscriptionBuilder => new SubscriptionBuilder(this);
        }
        """
    }
}

extension String {
    /// What stands behind the last dot.
    var lastPart: String { split(separator: ".").last.map(String.init) ?? self }
}
