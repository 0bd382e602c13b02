extension SwiftBindings {
    /// The declared types, each with its bytes.
    mutating func types(_ model: BindingModel, _ members: inout NameScope) {
        if model.types.isEmpty { return }
        source.gap()
        source.line("// MARK: Types")
        for type in model.types {
            members.claim(type.pascalName, for: type.described, &report)
            refuseNever(type, model)
            source.gap()
            switch type.shape {
            case .product(let fields): product(type, fields, model)
            case .sum(let variants): sum(type, variants, model)
            }
        }
    }

    private mutating func refuseNever(_ type: BindingModel.DeclaredType, _ model: BindingModel) {
        for field in type.fields where field.type.contains({ $0 == .never }) {
            report.errors.append("'\(field.wireName)' of \(type.described) has no values, and no type in Swift")
        }
        if case .sum(let variants) = type.shape, variants.isEmpty {
            report.errors.append("\(type.described) has no values, and no type in Swift")
        }
    }

    // MARK: Structs

    private mutating func product(
        _ type: BindingModel.DeclaredType, _ fields: [BindingModel.Field], _ model: BindingModel
    ) {
        let name = SwiftNames.escaped(type.pascalName)
        var scope = NameScope(type.described, reserved: ["hashValue": "what makes the type hashable"])
        let members = fields.map { field -> (name: String, type: String) in
            let name = NameStyle.camel.name(field.sourceName)
            scope.claim(name, for: "'\(field.sourceName)'", &report)
            if isInfinite(field.type, from: type, model) {
                report.errors.append(
                    "'\(field.sourceName)' of \(type.described) holds the type itself; have it hold an array")
            }
            return (SwiftNames.escaped(name), text(field.type, in: model))
        }
        source.open("nonisolated public struct \(name): \(SwiftNames.library)SpacetimeType, Swift.Hashable {")
        for member in members { source.line("public var \(member.name): \(member.type)") }
        if !members.isEmpty { source.line() }
        source.open("public init(\(members.map { "\($0.name): \($0.type)" }.joined(separator: ", "))) {")
        for member in members { source.line("self.\(member.name) = \(member.name)") }
        source.close()
        source.line()
        declaration(type, "product", fields, model)
        size(type, model)
        source.open(
            "public init(from reader: inout \(SwiftNames.library)BSATNReader) throws(\(SwiftNames.library)BSATNError) {"
        )
        for member in members { source.line("self.\(member.name) = try \(initializer(member.type))(from: &reader)") }
        source.close()
        source.line()
        source.open("public func encode(to writer: inout \(SwiftNames.library)BSATNWriter) {")
        for member in members { source.line("self.\(member.name).encode(to: &writer)") }
        source.close()
        source.close()
    }

    /// What makes a value of a type that is written in the short form.
    private func initializer(_ type: String) -> String {
        type.hasSuffix("?") ? "Swift.Optional<\(type.dropLast())>" : type
    }

    /// Whether a struct's field would hold the struct in place. Enums are indirect, and arrays elsewhere.
    private func isInfinite(_ use: TypeUse, from type: BindingModel.DeclaredType, _ model: BindingModel) -> Bool {
        guard type.isRecursive else { return false }
        var seen: Set<Int> = []
        func reaches(_ use: TypeUse) -> Bool {
            switch use {
            case .option(let payload): return reaches(payload)
            case .result(let ok, let error): return reaches(ok) || reaches(error)
            case .declared(let position):
                let next = model.types[position]
                if next == type { return true }
                guard !next.isSum, seen.insert(position).inserted else { return false }
                return next.fields.contains { reaches($0.type) }
            default: return false
            }
        }
        return reaches(use)
    }

    // MARK: Enums

    private mutating func sum(
        _ type: BindingModel.DeclaredType, _ variants: [BindingModel.Field], _ model: BindingModel
    ) {
        let name = SwiftNames.escaped(type.pascalName)
        let own = ["allCases": "the list of all cases", "bsatnFixedSize": "what tells the size of values"]
        var scope = NameScope(type.described, reserved: own)
        let cases = variants.map { variant -> String in
            let name = NameStyle.camel.name(variant.sourceName)
            scope.claim(name, for: "'\(variant.sourceName)'", &report)
            return SwiftNames.escaped(name)
        }
        source.open(
            "nonisolated public \(type.isRecursive ? "indirect " : "")enum \(name): \(SwiftNames.library)SpacetimeType, "
                + "Swift.Hashable\(type.isPlainEnum ? ", Swift.CaseIterable" : "") {")
        for (name, variant) in zip(cases, variants) {
            source.line(variant.type == .unit ? "case \(name)" : "case \(name)(\(text(variant.type, in: model)))")
        }
        source.line()
        declaration(type, "sum", variants, model)
        size(type, model)
        source.open(
            "public init(from reader: inout \(SwiftNames.library)BSATNReader) throws(\(SwiftNames.library)BSATNError) {"
        )
        if type.isRecursive { source.line("try reader.enter()") }
        source.line("switch try reader.readTag(below: \(variants.count)) {")
        for (tag, (name, variant)) in zip(cases, variants).enumerated() {
            let label = tag == variants.count - 1 ? "default" : "case \(tag)"
            let payload =
                variant.type == .unit ? "" : "(try \(initializer(text(variant.type, in: model)))(from: &reader))"
            source.line("\(label): self = .\(name)\(payload)")
        }
        source.line("}")
        if type.isRecursive { source.line("reader.leave()") }
        source.close()
        source.line()
        source.open("public func encode(to writer: inout \(SwiftNames.library)BSATNWriter) {")
        source.line("switch self {")
        for (tag, (name, variant)) in zip(cases, variants).enumerated() {
            if variant.type == .unit {
                source.line("case .\(name): writer.writeTag(\(tag))")
            } else {
                source.open("case .\(name)(let value):")
                source.line("writer.writeTag(\(tag))")
                source.line("value.encode(to: &writer)")
                source.dedent()
            }
        }
        source.line("}")
        source.close()
        source.close()
    }

    // MARK: Both

    /// What servers call the type and its parts.
    private mutating func declaration(
        _ type: BindingModel.DeclaredType, _ kind: String, _ parts: [BindingModel.Field], _ model: BindingModel
    ) {
        source.open(
            "public static func algebraicType(in types: inout \(SwiftNames.library)TypespaceBuilder) -> "
                + "\(SwiftNames.library)AlgebraicType {")
        source.open("types.declare(Self.self, name: \(SwiftNames.quoted(type.pascalName))) { types in")
        if parts.isEmpty {
            source.line(".unit")
        } else {
            // The type is written, because finding out that of a long list takes the compiler seconds.
            source.open("let parts: [(Swift.String, \(SwiftNames.library)AlgebraicType)] = [")
            for part in parts {
                let payload =
                    part.type == .unit
                    ? ".unit" : "\(initializer(text(part.type, in: model))).algebraicType(in: &types)"
                source.line("(\(SwiftNames.quoted(part.wireName)), \(payload)),")
            }
            source.close("]")
            source.line("return .\(kind)(parts)")
        }
        source.close()
        source.close()
        source.line()
    }

    private mutating func size(_ type: BindingModel.DeclaredType, _ model: BindingModel) {
        guard let position = model.types.firstIndex(of: type),
            let size = SwiftNames.fixedSize(.declared(position), in: model)
        else { return }
        source.line("public static var bsatnFixedSize: Swift.Int? { \(size) }")
        source.line()
    }
}
