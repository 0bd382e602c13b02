/// Code for SpacetimeClient: one file with one type, in which everything of the module is.
struct SwiftBindings {
    var report = BindingReport()
    var source = SourceText()
    let namespace: String
    /// The types that are open, from the outermost on.
    private var path: [String] = []

    private init(namespace: String) { self.namespace = namespace }

    static func bindings(
        of model: BindingModel, _ options: BindingOptions
    ) throws(BindingFailure) -> Bindings {
        let namespace = NameStyle.pascal.name(options.namespace)
        var writer = SwiftBindings(namespace: namespace)
        writer.source.line(Bindings.marker)
        writer.source.line("// swift-format-ignore-file")
        writer.source.line()
        writer.source.line("public import SpacetimeClient")
        writer.source.line()
        if !isIdentifier(namespace) || (SwiftNames.modules + SwiftNames.aliases).contains(namespace) {
            writer.report.errors.append(
                "no type for all of the code can be called '\(namespace)'; say another name with --namespace")
        }
        writer.module(model, named: namespace, as: "a database, as a program speaks to it", isTop: true)
        return try writer.report.bindings([BindingFile(path: "\(namespace).swift", text: writer.source.text)])
    }

    /// One module: its types, then what is done with it.
    private mutating func module(_ model: BindingModel, named name: String, as title: String, isTop: Bool) {
        var members = NameScope(
            isTop ? "the code for the module" : "the code for the submodule '\(name)'",
            reserved: [
                "client": "the connection", "db": "what holds the tables", "reducers": "what calls reducers",
                "procedures": "what calls procedures", "DB": "the type of all tables",
                "Reducers": "the type of all reducers", "Procedures": "the type of all procedures",
                "Swift": "the standard library", "SpacetimeClient": "the library of the client",
            ])
        path.append(SwiftNames.escaped(name))
        defer { path.removeLast() }
        source.line("/// \(title.prefix(1).uppercased() + title.dropFirst()).")
        source.open("nonisolated public struct \(SwiftNames.escaped(name)): \(SwiftNames.library)GeneratedModule {")
        source.line("public let client: \(SwiftNames.library)DatabaseClient")
        source.line()
        source.line("public init(_ client: \(SwiftNames.library)DatabaseClient) { self.client = client }")
        source.line()
        source.line("/// The tables and views.")
        source.line("public var db: DB { DB(_client: client) }")
        if !model.reducers.isEmpty {
            source.line("/// What changes the database.")
            source.line("public var reducers: Reducers { Reducers(_client: client) }")
        }
        if !model.procedures.isEmpty {
            source.line("/// What returns values.")
            source.line("public var procedures: Procedures { Procedures(_client: client) }")
        }
        for submodule in model.submodules {
            let member = NameStyle.camel.name(submodule.namespace)
            let type = NameStyle.pascal.name(submodule.namespace)
            members.claim(member, for: "submodule '\(submodule.namespace)'", &report)
            members.claim(type, for: "submodule '\(submodule.namespace)'", &report)
            source.line("/// The submodule `\(submodule.namespace)`.")
            source.line(
                "public var \(SwiftNames.escaped(member)): \(SwiftNames.escaped(type)) { \(SwiftNames.escaped(type))(client) }"
            )
        }
        types(model, &members)
        tables(model, &members)
        functions(model)
        for submodule in model.submodules {
            source.gap()
            module(
                submodule.module, named: NameStyle.pascal.name(submodule.namespace),
                as: "the submodule `\(submodule.namespace)`", isTop: false)
        }
        source.close()
    }

    // MARK: Types

    /// A type as it is written where it is used.
    func text(_ type: TypeUse, in model: BindingModel) -> String {
        switch type {
        case .bool: "Swift.Bool"
        case .string: "Swift.String"
        case .number(let number): SwiftNames.number(number)
        case .bytes: "[Swift.UInt8]"
        case .array(let element): "[\(text(element, in: model))]"
        // Two question marks behind each other are read as an operator, in some places.
        case .option(let payload):
            if case .option = payload {
                "Swift.Optional<\(text(payload, in: model))>"
            } else {
                text(payload, in: model) + "?"
            }
        case .result(let ok, let error):
            "\(SwiftNames.library)SpacetimeResult<\(text(ok, in: model)), \(text(error, in: model))>"
        case .identity: SwiftNames.library + "Identity"
        case .connectionId: SwiftNames.library + "ConnectionId"
        case .timestamp: SwiftNames.library + "Timestamp"
        case .timeDuration: SwiftNames.library + "TimeDuration"
        case .uuid: SwiftNames.library + "Uuid"
        case .scheduleAt: SwiftNames.library + "ScheduleAt"
        case .unit: SwiftNames.library + "EmptyValue"
        case .never: "Swift.Never"
        case .declared(let position): self.name(of: model.types[position])
        }
    }

    /// A declared type's name: in full where the types of tables have another one of that name.
    func name(of type: BindingModel.DeclaredType) -> String {
        let name = SwiftNames.escaped(type.pascalName)
        return SwiftNames.aliases.contains(name) ? (path + [name]).joined(separator: ".") : name
    }
}
