/// Code for the small TypeScript client that servers of ours serve as `/client.js`: one file, without the client itself.
struct OwnTypeScriptBindings {
    var report = BindingReport()
    var source = StockTypeScriptBindings.begun()
    private var names: NameScope

    static func bindings(
        of model: BindingModel, _ options: BindingOptions
    ) throws(BindingFailure) -> Bindings {
        let own = [
            "DbConnection", "EventContext", "ReducerEventContext", "SubscriptionEventContext", "ErrorContext",
            "SubscriptionHandle", "Module",
        ]
        var reserved = Dictionary(own.map { ($0, "the generated type '\($0)'") }) { first, _ in first }
        reserved["Uint8Array"] = "JavaScript's type of bytes"
        var writer = OwnTypeScriptBindings(names: NameScope("the code for the module", reserved: reserved))
        writer.source.line("import * as sdk from './client.js';")
        writer.source.line("const { t, table, reducer, procedure } = sdk;")
        writer.types(model, prefix: "")
        writer.source.line()
        writer.source.open("export const module = sdk.defineModule({")
        writer.tables(model)
        writer.functions(model)
        writer.source.close("});")
        writer.source.add(connection)
        return try writer.report.bindings([BindingFile(path: "index.ts", text: writer.source.text)])
    }

    private init(names: NameScope) { self.names = names }

    /// How a type of a module inside of this one is told from one of the same name.
    private func prefix(_ prefix: String, _ submodule: BindingModel.Submodule) -> String {
        prefix + NameStyle.pascal.name(submodule.namespace)
    }

    // MARK: Types

    private mutating func types(_ model: BindingModel, prefix: String) {
        let text = TypeScriptText(model: model, prefix: prefix)
        for type in model.types {
            let name = prefix + type.pascalName
            names.claim(name, for: type.described, &report)
            var scope = NameScope(type.described)
            let members = type.fields.map { field -> String in
                let member = (type.isSum ? NameStyle.pascal : .camel).name(field.sourceName)
                scope.claim(member, for: "'\(field.sourceName)'", &report)
                return member
            }
            source.line()
            if type.isSum {
                let parts = zip(members, type.fields).map { member, field in
                    let tag = "tag: \(TypeScriptNames.quoted(member))"
                    return field.type == .unit ? "{ \(tag) }" : "{ \(tag); value: \(text.value(field.type)) }"
                }
                source.line("export type \(name) = \(parts.isEmpty ? "never" : parts.joined(separator: " | "));")
            } else {
                source.open("export interface \(name) {")
                for (member, field) in zip(members, type.fields) {
                    source.line(text.property(member, field.type) + ";")
                }
                source.close()
            }
            source.open(
                "export const \(name): sdk.\(type.isSum ? "EnumType" : "Type")<\(name)> = "
                    + "t.\(type.isSum ? "enum" : "object")(\(TypeScriptNames.quoted(name)), {")
            for (member, field) in zip(members, type.fields) {
                source.line(TypeScriptNames.property(member, text.builder(field.type), field.type))
            }
            source.close("}\(caseNames(members, type)));")
        }
        for function in model.reducers where !function.isLifecycle {
            parameters(function, "Params", "reducer '\(function.sourceName)'", text)
        }
        for function in model.procedures {
            parameters(function, "Args", "procedure '\(function.sourceName)'", text)
            let name = prefix + NameStyle.pascal.name(function.sourceName) + "Result"
            names.claim(name, for: "the result of procedure '\(function.sourceName)'", &report)
            source.line("export type \(name) = \(text.value(function.result));")
        }
        for submodule in model.submodules { types(submodule.module, prefix: self.prefix(prefix, submodule)) }
    }

    /// What the database calls the cases of an enum, where that cannot be told from what they are called here.
    private func caseNames(_ members: [String], _ type: BindingModel.DeclaredType) -> String {
        guard type.isPlainEnum else { return "" }
        let renamed = zip(members, type.fields).filter { member, field in
            member.prefix(1).lowercased() + member.dropFirst() != field.wireName
        }
        if renamed.isEmpty { return "" }
        let names = renamed.map { "\($0): \(TypeScriptNames.quoted($1.wireName))" }
        return ", { \(names.joined(separator: ", ")) }"
    }

    private mutating func parameters(
        _ function: BindingModel.Function, _ suffix: String, _ place: String, _ text: TypeScriptText
    ) {
        let name = text.prefix + NameStyle.pascal.name(function.sourceName) + suffix
        names.claim(name, for: "the parameters of \(place)", &report)
        var scope = NameScope(place)
        source.line()
        source.open("export interface \(name) {")
        for parameter in function.parameters {
            let member = NameStyle.camel.name(parameter.wireName)
            scope.claim(member, for: "parameter '\(parameter.sourceName)'", &report)
            source.line(text.property(member, parameter.type) + ";")
        }
        source.close()
    }

    // MARK: Tables

    private mutating func tables(_ model: BindingModel) {
        source.open("tables: {")
        var keys = NameScope("what holds the tables")
        tables(model, path: [], prefix: "", &keys)
        source.close("},")
    }

    private mutating func tables(
        _ model: BindingModel, path: [String], prefix: String, _ keys: inout NameScope
    ) {
        for table in model.tables {
            let key = (path + [NameStyle.camel.name(table.sourceName)]).joined(separator: ".")
            keys.claim(key, for: table.described, &report)
            let row = prefix + model.types[table.row].pascalName
            source.open(
                "\(path.isEmpty ? key : TypeScriptNames.quoted(key)): table(\(TypeScriptNames.quoted(table.wireName)), \(row), {"
            )
            for option in options(table, model) + arguments(table, TypeScriptText(model: model, prefix: prefix)) {
                source.line(option + ",")
            }
            source.close("}),")
        }
        for submodule in model.submodules {
            tables(
                submodule.module, path: path + [submodule.namespace], prefix: self.prefix(prefix, submodule), &keys)
        }
    }

    /// What hides a member of what rows are read by.
    private static let handleMembers: Set<String> = [
        "count", "iter", "rows", "onInsert", "onDelete", "onUpdate", "removeOnInsert", "removeOnDelete",
        "removeOnUpdate",
        "constructor", "__proto__",
    ]

    private mutating func options(_ table: BindingModel.Table, _ model: BindingModel) -> [String] {
        let fields = model.columns(of: table)
        let properties = fields.map { NameStyle.camel.name($0.sourceName) }
        var scope = NameScope(table.described)
        var options: [String] = []
        if table.primaryKey.count == 1 {
            options.append("primaryKey: \(TypeScriptNames.quoted(properties[table.primaryKey[0]]))")
        }
        let unique = table.uniqueColumns.filter { column in
            isFree(properties[column], "column '\(fields[column].sourceName)'", table, &scope)
        }
        if !unique.isEmpty {
            options.append("unique: [\(unique.map { TypeScriptNames.quoted(properties[$0]) }.joined(separator: ", "))]")
        }
        let indexes = table.indexes.compactMap { index -> String? in
            guard let accessor = index.accessor, !(index.isUnique && index.columns.count == 1),
                isFree(accessor, "index '\(accessor)'", table, &scope)
            else { return nil }
            let columns = index.columns.map { TypeScriptNames.quoted(properties[$0]) }.joined(separator: ", ")
            return "\(accessor): [\(columns)]"
        }
        if !indexes.isEmpty { options.append("indexes: { \(indexes.joined(separator: ", ")) }") }
        let renamed = zip(properties, fields).filter { $0 != $1.wireName }.map { property, field in
            "\(property): \(TypeScriptNames.quoted(field.wireName))"
        }
        if !renamed.isEmpty { options.append("names: { \(renamed.joined(separator: ", ")) }") }
        if table.isEvent { options.append("event: true") }
        return options
    }

    /// What a view is called with.
    private mutating func arguments(_ table: BindingModel.Table, _ text: TypeScriptText) -> [String] {
        if table.parameters.isEmpty { return [] }
        var scope = NameScope(table.described)
        let parameters = table.parameters.map { parameter in
            let name = NameStyle.camel.name(parameter.wireName)
            scope.claim(name, for: "parameter '\(parameter.sourceName)'", &report)
            return TypeScriptNames.property(name, text.builder(parameter.type), parameter.type)
        }
        return ["parameters: { \(parameters.joined(separator: " ").dropLast()) }"]
    }

    private mutating func isFree(
        _ name: String, _ what: String, _ table: BindingModel.Table, _ scope: inout NameScope
    ) -> Bool {
        guard !Self.handleMembers.contains(name) else {
            report.warnings.append(
                "finding by \(what) of \(table.described) is left out: tables have a member '\(name)' already")
            return false
        }
        scope.claim(name, for: what, &report)
        return true
    }

    // MARK: Functions

    private mutating func functions(_ model: BindingModel) {
        source.open("reducers: {")
        var keys = NameScope("what calls reducers")
        functions(model, path: [], prefix: "", &keys) { model in
            model.reducers.filter { !$0.isLifecycle }
        } _: { function, name, parameters, text in
            let type = function.parameters.isEmpty ? "" : "<\(name)Params>"
            return "reducer\(type)(\(TypeScriptNames.quoted(function.wireName)), \(parameters))"
        }
        source.close("},")
        source.open("procedures: {")
        keys = NameScope("what calls procedures")
        functions(model, path: [], prefix: "", &keys) { model in
            model.procedures
        } _: { function, name, parameters, text in
            "procedure<\(name)Args, \(name)Result>(\(TypeScriptNames.quoted(function.wireName)), \(parameters), "
                + "\(text.builder(function.result)))"
        }
        source.close("},")
    }

    private mutating func functions(
        _ model: BindingModel, path: [String], prefix: String, _ keys: inout NameScope,
        _ list: (BindingModel) -> [BindingModel.Function],
        _ call: (BindingModel.Function, String, String, TypeScriptText) -> String
    ) {
        let text = TypeScriptText(model: model, prefix: prefix)
        for function in list(model) {
            let key = (path + [NameStyle.camel.name(function.sourceName)]).joined(separator: ".")
            keys.claim(key, for: "'\(function.wireName)'", &report)
            let parameters = function.parameters.map { parameter in
                let name = NameStyle.camel.name(parameter.wireName)
                return TypeScriptNames.property(name, text.builder(parameter.type), parameter.type)
            }
            // The comma behind the last one is for lines of their own.
            let object = parameters.isEmpty ? "{}" : "{ \(parameters.joined(separator: " ").dropLast()) }"
            let name = prefix + NameStyle.pascal.name(function.sourceName)
            source.line("\(path.isEmpty ? key : TypeScriptNames.quoted(key)): \(call(function, name, object, text)),")
        }
        for submodule in model.submodules {
            functions(
                submodule.module, path: path + [submodule.namespace], prefix: self.prefix(prefix, submodule), &keys,
                list,
                call)
        }
    }

    /// What is the same for every module.
    private static let connection = """
        type Module = typeof module;

        export type DbConnection = sdk.DbConnection<Module>;
        export const DbConnection = {
          builder: (): sdk.DbConnectionBuilder<Module> => sdk.DbConnection.builder(module),
        };
        export type EventContext = sdk.EventContext<Module>;
        export type ReducerEventContext = sdk.EventContext<Module>;
        export type SubscriptionEventContext = sdk.EventContext<Module>;
        export type ErrorContext = sdk.ErrorContext<Module>;
        export type SubscriptionHandle = sdk.SubscriptionHandle<Module>;

        export const tables = sdk.queryTables(module);
        export const reducers = module.reducers;
        export const procedures = module.procedures;
        export const { and, or, not } = sdk;
        """
}

/// Types as our own TypeScript client has them.
private struct TypeScriptText {
    let model: BindingModel
    /// In front of the names of declared types.
    let prefix: String

    func builder(_ type: TypeUse) -> String {
        switch type {
        case .array(let element): "t.array(\(builder(element)))"
        case .option(let payload): "t.option(\(builder(payload)))"
        case .result(let ok, let error): "t.result(\(builder(ok)), \(builder(error)))"
        case .never: "t.enum('Never', {})"
        case .declared(let position): prefix + model.types[position].pascalName
        default: TypeScriptNames.builder(type, in: model)
        }
    }

    func value(_ type: TypeUse) -> String {
        switch type {
        case .array(let element):
            let text = value(element)
            return text.contains(" ") ? "(\(text))[]" : "\(text)[]"
        case .option(let payload):
            // No level is lost.
            if case .option = payload { return "{ some: \(value(payload)) } | undefined" }
            return "\(value(payload)) | undefined"
        case .result(let ok, let error): return "{ ok: \(value(ok)) } | { err: \(value(error)) }"
        case .scheduleAt: return "sdk.ScheduleAt"
        case .declared(let position): return prefix + model.types[position].pascalName
        default: return TypeScriptNames.value(type, in: model, library: "sdk.")
        }
    }

    func property(_ name: String, _ type: TypeUse) -> String {
        if case .option = type { return "\(name)?: \(value(type))" }
        return "\(name): \(value(type))"
    }
}
