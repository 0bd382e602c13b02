/// Code for the original's C# SDK, `SpacetimeDB.ClientSDK` 2.8, in C# 9, which Unity has.
struct CSharpBindings {
    var report = BindingReport()
    var files: [BindingFile] = []
    let names: CSharpNames

    static func bindings(
        of model: BindingModel, _ options: BindingOptions
    ) throws(BindingFailure) -> Bindings {
        var writer = CSharpBindings(names: CSharpNames(namespace: options.namespace))
        if !options.namespace.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isIdentifier) {
            writer.report.errors.append("'\(options.namespace)' is no namespace in C#; say another one")
        }
        writer.report.note(submodulesOf: model, for: "C#")
        let model = model.flattened()
        writer.checkNames(model)
        for type in model.types { writer.type(type, model) }
        for table in model.tables { writer.table(table, model) }
        for reducer in model.reducers where !reducer.isLifecycle { writer.reducer(reducer, model) }
        for procedure in model.procedures { writer.procedure(procedure, model) }
        writer.client(model)
        return try writer.report.bindings(writer.files)
    }

    /// Everything is in one namespace.
    private mutating func checkNames(_ model: BindingModel) {
        let own = [
            "RemoteTables", "RemoteReducers", "RemoteProcedures", "Reducer", "Procedure", "IRemoteDbContext",
            "RemoteContext",
            "EventContext", "ReducerEventContext", "ProcedureEventContext", "SubscriptionEventContext", "ErrorContext",
            "QueryBuilder", "From", "SubscriptionBuilder", "TypedSubscriptionBuilder", "SubscriptionHandle",
            "DbConnection",
        ]
        var scope = NameScope(
            "the namespace '\(names.namespace)'",
            reserved: Dictionary(own.map { ($0, "the generated class '\($0)'") }) { first, _ in first })
        for type in model.types { scope.claim(type.pascalName, for: type.described, &report) }
        for table in model.tables where table.parameters.isEmpty {
            let name = NameStyle.pascal.name(table.sourceName)
            scope.claim(name + "Cols", for: "the columns of \(table.described)", &report)
            scope.claim(name + "IxCols", for: "the indexed columns of \(table.described)", &report)
        }
        var tables = NameScope("what holds the tables")
        for table in model.tables {
            let name = CSharpNames.member(table.sourceName, in: "RemoteTables", not: CSharpNames.fieldMembers)
            tables.claim(name, for: table.described, &report)
            tables.claim(name + "Handle", for: "the handle of \(table.described)", &report)
        }
    }

    /// Begins a file. Classes that are in several files are put together by the compiler.
    func begun() -> SourceText {
        var source = SourceText()
        source.line(Bindings.marker)
        source.line("#nullable enable")
        source.open("namespace \(names.namespace)")
        source.dedent()
        source.open("{")
        return source
    }

    mutating func add(_ path: String, _ source: SourceText) {
        var source = source
        source.close()
        files.append(BindingFile(path: path, text: source.text))
    }

    // MARK: Types

    private mutating func type(_ type: BindingModel.DeclaredType, _ model: BindingModel) {
        var source = begun()
        for field in type.fields { refuse(field.type, "'\(field.sourceName)' of \(type.described)") }
        let name = type.pascalName
        switch type.shape {
        case .product(let fields):
            source.line("[\(CSharpNames.library)Type]")
            source.open("public sealed partial class \(name)")
            source.dedent()
            source.open("{")
            var scope = NameScope(type.described)
            let members = fields.map { field -> String in
                let member = CSharpNames.member(field.sourceName, in: name, not: CSharpNames.fieldMembers)
                scope.claim(member, for: "'\(field.sourceName)'", &report)
                return member
            }
            body(name, members, fields, model, &source)
            source.close()
        case .sum(let variants) where type.isPlainEnum:
            var scope = NameScope(type.described)
            source.line("[\(CSharpNames.library)Type]")
            source.open("public enum \(name)")
            source.dedent()
            source.open("{")
            for variant in variants {
                let member = NameStyle.pascal.name(variant.sourceName)
                scope.claim(member, for: "'\(variant.sourceName)'", &report)
                source.line(member + ",")
            }
            source.close()
        case .sum(let variants):
            var scope = NameScope(type.described)
            if variants.isEmpty { report.errors.append("\(type.described) has no values, and no type in C#") }
            var parts = variants.map { variant -> String in
                let member = CSharpNames.member(variant.sourceName, in: name, not: CSharpNames.variantMembers)
                scope.claim(member, for: "'\(variant.sourceName)'", &report)
                return "\(names.text(variant.type, in: model)) \(member)"
            }
            // A tuple has two parts at least.
            if parts.count == 1 { parts.append("\(CSharpNames.library)Unit _Reserved") }
            source.line("[\(CSharpNames.library)Type]")
            source.open("public partial record \(name) : \(CSharpNames.library)TaggedEnum<(")
            for (place, part) in parts.enumerated() { source.line(part + (place == parts.count - 1 ? "" : ",")) }
            source.close(")>;")
        }
        add("Types/\(name).g.cs", source)
    }

    /// The fields of a class, in the order of their bytes, and what makes one of them.
    func body(
        _ name: String, _ members: [String], _ fields: [BindingModel.Field], _ model: BindingModel,
        _ source: inout SourceText
    ) {
        for (member, field) in zip(members, fields) {
            source.line("public \(names.text(field.type, in: model)) \(member);")
        }
        if !fields.isEmpty { source.line() }
        let initial = zip(members, fields).compactMap { member, field in
            names.initial(field.type, in: model).map { "this.\(member) = \($0);" }
        }
        source.line("public \(name)() { \(initial.map { $0 + " " }.joined())}")
        if fields.isEmpty { return }
        source.line()
        let parameters = zip(members, fields).map { "\(names.text($1.type, in: model)) \($0)" }
        source.open("public \(name)(\(parameters.joined(separator: ", ")))")
        source.dedent()
        source.open("{")
        for member in members { source.line("this.\(member) = \(member);") }
        source.close()
    }

    /// Reports what C# has no type for.
    mutating func refuse(_ type: TypeUse, _ place: String) {
        if type.contains({ $0 == .never }) { report.errors.append("\(place) has no values, and no type in C#") }
        let isDouble = type.contains { use in
            if case .option(.option) = use { true } else { false }
        }
        if isDouble { report.errors.append("\(place) is an option of an option, for which C# has no type") }
    }
}
