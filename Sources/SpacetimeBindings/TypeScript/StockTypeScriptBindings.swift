/// Code for the original's TypeScript SDK, the package `spacetimedb` 2.8.
struct StockTypeScriptBindings {
    var report = BindingReport()
    var files: [BindingFile] = []
    /// What relative imports end with.
    let ending: String

    static func bindings(
        of model: BindingModel, _ options: BindingOptions
    ) throws(BindingFailure) -> Bindings {
        var writer = StockTypeScriptBindings(ending: options.importExtension.map { ".\($0)" } ?? "")
        let model = writer.withoutCalledViews(model)
        writer.module(model, folder: "")
        writer.index(model)
        return try writer.report.bindings(writer.files)
    }

    /// Without the views that have parameters. The SDK takes rows only of tables that it knows, and whoever watches all tables would
    /// ask for these, too, without arguments.
    private mutating func withoutCalledViews(_ model: BindingModel) -> BindingModel {
        var model = model
        for view in model.tables where !view.parameters.isEmpty {
            report.warnings.append(
                "\(view.described) is left out: it has parameters, and the original's TypeScript SDK can give it none")
        }
        model.tables.removeAll { !$0.parameters.isEmpty }
        for index in model.submodules.indices {
            model.submodules[index].module = withoutCalledViews(model.submodules[index].module)
        }
        return model
    }

    /// Everything of a module but what connects it.
    private mutating func module(_ model: BindingModel, folder: String) {
        add(folder + "types.ts", types(model))
        var names = NameScope("the files of tables")
        for table in model.tables {
            let name = NameStyle.snake.name(table.sourceName)
            names.claim(name, for: table.described, &report)
            add(folder + "\(name)_table.ts", row(table, model))
        }
        names = NameScope("the files of reducers")
        for reducer in model.reducers {
            let name = NameStyle.snake.name(reducer.sourceName)
            names.claim(name, for: "reducer '\(reducer.sourceName)'", &report)
            var source = begun(importing: reducer.parameters.map(\.type), model)
            parameters(reducer, "reducer '\(reducer.sourceName)'", "export default", model, &source)
            add(folder + "\(name)_reducer.ts", source)
        }
        names = NameScope("the files of procedures")
        for procedure in model.procedures {
            let name = NameStyle.snake.name(procedure.sourceName)
            names.claim(name, for: "procedure '\(procedure.sourceName)'", &report)
            var source = begun(importing: procedure.parameters.map(\.type) + [procedure.result], model)
            parameters(procedure, "procedure '\(procedure.sourceName)'", "export const params =", model, &source)
            source.line("export const returnType = \(TypeScriptNames.builder(procedure.result, in: model));")
            add(folder + "\(name)_procedure.ts", source)
        }
        add(folder + "types/reducers.ts", parameterTypes(model))
        add(folder + "types/procedures.ts", procedureTypes(model))
        for submodule in model.submodules { module(submodule.module, folder: "\(folder)\(submodule.namespace)/") }
    }

    private mutating func add(_ path: String, _ source: SourceText) {
        files.append(BindingFile(path: path, text: source.text))
    }

    static func begun() -> SourceText {
        var source = SourceText(indentation: 2)
        source.line(Bindings.marker)
        return source
    }

    /// A file that builds types, some of which may be declared ones.
    private func begun(importing types: [TypeUse], _ model: BindingModel) -> SourceText {
        var source = Self.begun()
        source.line("import { t } from 'spacetimedb';")
        let names = Set(types.flatMap(\.declaredTypes)).map { model.types[$0].pascalName }.sorted()
        if !names.isEmpty { source.line("import { \(names.joined(separator: ", ")) } from './types\(ending)';") }
        source.line()
        return source
    }

    // MARK: Types

    private mutating func types(_ model: BindingModel) -> SourceText {
        var source = Self.begun()
        source.line("import * as sdk from 'spacetimedb';")
        source.line("import { t } from 'spacetimedb';")
        var names = NameScope("the types")
        for type in model.types {
            let name = type.pascalName
            names.claim(name, for: type.described, &report)
            source.line()
            let properties = self.properties(type)
            let kind = type.isSum ? "enum" : "object"
            if type.isRecursive {
                // What the compiler cannot find out of a type that contains itself.
                source.line("export type \(name) = \(valueType(type, properties, model));")
                source.open(
                    "export const \(name): \(annotation(type, properties, model)) = t.\(kind)(\(TypeScriptNames.quoted(name)), {"
                )
                for (property, field) in zip(properties, type.fields) {
                    let builder = TypeScriptNames.builder(field.type, in: model)
                    if field.type.declaredTypes.isEmpty {
                        source.line("\(property): \(builder),")
                    } else {
                        let value = TypeScriptNames.value(field.type, in: model, library: "sdk.")
                        source.line("get \(property)(): sdk.TypeBuilder<\(value), any> { return \(builder); },")
                    }
                }
                source.close("}) as any;")
            } else {
                source.open("export const \(name) = t.\(kind)(\(TypeScriptNames.quoted(name)), {")
                for (property, field) in zip(properties, type.fields) {
                    source.line(
                        TypeScriptNames.property(property, TypeScriptNames.builder(field.type, in: model), field.type))
                }
                source.close("});")
                source.line("export type \(name) = sdk.Infer<typeof \(name)>;")
            }
        }
        if model.types.isEmpty { source.line("export {};") }
        return source
    }

    private mutating func properties(_ type: BindingModel.DeclaredType) -> [String] {
        var names = NameScope(type.described)
        return type.fields.map { field in
            let name = (type.isSum ? NameStyle.pascal : .camel).name(field.sourceName)
            names.claim(name, for: "'\(field.sourceName)'", &report)
            return name
        }
    }

    private func valueType(
        _ type: BindingModel.DeclaredType, _ properties: [String], _ model: BindingModel
    ) -> String {
        let parts = zip(properties, type.fields).map { property, field -> String in
            let value = TypeScriptNames.value(field.type, in: model, library: "sdk.")
            if !type.isSum {
                if case .option = field.type { return "\(property)?: \(value)" }
                return "\(property): \(value)"
            }
            let tag = "tag: \(TypeScriptNames.quoted(property))"
            return field.type == .unit ? "{ \(tag) }" : "{ \(tag); value: \(value) }"
        }
        return type.isSum ? parts.joined(separator: " | ") : "{ \(parts.joined(separator: "; ")) }"
    }

    /// The type of a recursive type's builder: for sums with what makes its values.
    private func annotation(
        _ type: BindingModel.DeclaredType, _ properties: [String], _ model: BindingModel
    ) -> String {
        let builder = "sdk.TypeBuilder<\(type.pascalName), any>"
        guard type.isSum else { return builder }
        let makers = zip(properties, type.fields).map { property, field in
            field.type == .unit
                ? "\(property): \(type.pascalName)"
                : "\(property): (value: \(TypeScriptNames.value(field.type, in: model, library: "sdk."))) => \(type.pascalName)"
        }
        return "\(builder) & { \(makers.joined(separator: "; ")) }"
    }

    // MARK: Functions

    private mutating func parameters(
        _ function: BindingModel.Function, _ place: String, _ head: String, _ model: BindingModel,
        _ source: inout SourceText
    ) {
        var names = NameScope(place)
        source.open("\(head) {")
        for parameter in function.parameters {
            let name = NameStyle.camel.name(parameter.wireName)
            names.claim(name, for: "parameter '\(parameter.sourceName)'", &report)
            if parameter.type.contains({ if case .result = $0 { true } else { false } }) {
                report.warnings.append(
                    "parameter '\(parameter.sourceName)' of \(place) is a result; the original's SDK encodes its errors wrongly"
                )
            }
            source.line(
                TypeScriptNames.property(name, TypeScriptNames.builder(parameter.type, in: model), parameter.type))
        }
        source.close("};")
    }

    private func parameterTypes(_ model: BindingModel) -> SourceText {
        var source = Self.begun()
        let reducers = model.reducers.filter { !$0.isLifecycle }
        guard !reducers.isEmpty else {
            source.line("export {};")
            return source
        }
        source.line("import type { Infer } from 'spacetimedb';")
        for reducer in reducers {
            let (name, file) = (NameStyle.camel.name(reducer.sourceName), NameStyle.snake.name(reducer.sourceName))
            source.line("import type \(name)Reducer from '../\(file)_reducer\(ending)';")
        }
        source.line()
        for reducer in reducers {
            let name = NameStyle.pascal.name(reducer.sourceName)
            source.line(
                "export type \(name)Params = Infer<typeof \(NameStyle.camel.name(reducer.sourceName))Reducer>;")
        }
        return source
    }

    private func procedureTypes(_ model: BindingModel) -> SourceText {
        var source = Self.begun()
        guard !model.procedures.isEmpty else {
            source.line("export {};")
            return source
        }
        source.line("import type { Infer } from 'spacetimedb';")
        for procedure in model.procedures {
            let (name, file) = (NameStyle.camel.name(procedure.sourceName), NameStyle.snake.name(procedure.sourceName))
            source.line("import type * as \(name)Procedure from '../\(file)_procedure\(ending)';")
        }
        source.line()
        for procedure in model.procedures {
            let name = NameStyle.pascal.name(procedure.sourceName)
            let file = NameStyle.camel.name(procedure.sourceName) + "Procedure"
            source.line("export type \(name)Args = Infer<typeof \(file).params>;")
            source.line("export type \(name)Result = Infer<typeof \(file).returnType>;")
        }
        return source
    }
}
