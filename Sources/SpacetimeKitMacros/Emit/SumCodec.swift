/// Source text for the four members by which an enum is stored.
struct SumCodec {
    let sum: SumModel

    private var access: Access { sum.access }

    /// Everything is generated inside the enum, because only there can each type be named exactly as the user wrote it.
    var members: [String] {
        let codec = [
            """
            \(access.plainMemberPrefix)static func algebraicType(
                in types: inout SpacetimeKit.TypespaceBuilder
            ) -> SpacetimeKit.AlgebraicType {
                \(declaration.indented(1))
            }
            """,
            """
            \(access.memberPrefix)static var bsatnFixedSize: Swift.Int? {
                \(fixedSize.indented(1))
            }
            """,
            """
            \(access.memberPrefix)init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
                \(decoding.indented(1))
            }
            """,
            """
            \(access.memberPrefix)func encode(to writer: inout SpacetimeKit.BSATNWriter) {
                switch self {
                \(sum.cases.enumerated().map(encode).lines(indentedBy: 1))
                }
            }
            """,
        ]
        return [payloadMarkers].compactMap { $0 } + codec
    }

    // In the schema, a case with several values holds one value of a struct, which needs a type of its own. Each such
    // type is told from others by a Swift type, and these empty enums are made for that. (Local enums, in the function
    // that uses them, crash the compiler of Swift 6.3 in expansions.)
    private var payloadMarkers: String? {
        let markers = sum.cases.filter(\.isProduct).map { "enum \($0.marker) {\n}" }
        guard !markers.isEmpty else { return nil }
        return """
            private nonisolated enum _SpacetimePayloads {
                \(markers.lines(indentedBy: 1))
            }
            """
    }

    private var declaration: String {
        let body = namedTypesBody(
            "variants", sum.cases.map { ($0.name, payloadType($0)) }, result: ".sum(SpacetimeKit.SumType(variants))")
        return """
            types.declare(Self.self, name: \(quoted(sum.name))) { types in
                \(body.indented(1))
            }
            """
    }

    private func payloadType(_ element: SumModel.Case) -> String {
        guard let first = element.parameters.first else { return ".unit" }
        guard element.isProduct else { return algebraicType(of: first.typeExpression) }
        let declared = "\(sum.name)_\(upperFirst(element.name))"
        let fields = element.parameters.enumerated().map { position, parameter in
            (name: parameter.label ?? "value\(position)", type: parameter.typeExpression)
        }
        return """
            types.declare(_SpacetimePayloads.\(element.marker).self, name: \(quoted(declared)), isGenerated: true) { types in
                    \(productBody(fields).indented(2))
                }
            """
    }

    // An indirect enum may contain itself, and asking for its size would never end.
    private var fixedSize: String {
        let payloads = sum.cases.map { element in
            sizes(of: element.parameters.map(\.typeExpression))
        }
        if sum.cases.allSatisfy(\.parameters.isEmpty) { return "1" }
        if sum.isIndirect || sum.cases.contains(where: \.parameters.isEmpty) { return "nil" }
        let others = payloads.dropFirst().map { ", size == \($0)" }.joined()
        return """
            guard let size = \(payloads[0])\(others) else {
                return nil
            }
            return size + 1
            """
    }

    private var decoding: String {
        // Hostile bytes could nest values without end.
        sum.isIndirect ? "try reader.enter()\n\(choice)\nreader.leave()" : choice
    }

    private var choice: String {
        guard sum.cases.count > 1 else {
            return "_ = try reader.readTag(below: 1)\n" + decode(sum.cases[0])
        }
        let last = sum.cases.count - 1
        let branches = sum.cases.enumerated().map { position, element in
            """
            \(position == last ? "default:" : "case \(position):")
                \(decode(element))
            """
        }
        return """
            switch try reader.readTag(below: \(sum.cases.count)) {
            \(branches.joined(separator: "\n"))
            }
            """
    }

    private func decode(_ element: SumModel.Case) -> String {
        guard !element.parameters.isEmpty else { return "self = .\(element.code)" }
        let arguments = element.parameters.map { parameter in
            "\(parameter.label.map { "\(argumentLabel($0)): " } ?? "").init(from: &reader)"
        }
        return "self = try .\(element.code)(\(arguments.joined(separator: ", ")))"
    }

    /// What stands in the extension: a function that hands each payload of each case to the library, and is never called.
    ///
    /// The compiler checks the extension before it expands the members of an enum, and expands none if it has found errors.
    /// So a payload that cannot be stored is one error, which says what is missing. In the members the 6.3 compiler would
    /// report it, go on to generate code, and crash.
    var payloadCheck: String {
        guard sum.cases.contains(where: { !$0.parameters.isEmpty }) else { return "" }
        let branches = sum.cases.map { element in
            let names = element.parameters.indices.map { "value\($0)" }
            guard !names.isEmpty else { return "case .\(element.code):\n    break" }
            let uses = names.map { "SpacetimeKit._spacetimeStored(\($0))" }
            return
                "case .\(element.code)(\(names.map { "let \($0)" }.joined(separator: ", "))):\n    \(uses.lines(indentedBy: 1))"
        }
        return """
            private static func _spacetimePayloads(_ value: Self) {
                switch value {
                \(branches.lines(indentedBy: 1))
                }
            }
            """
    }

    private func encode(_ position: Int, _ element: SumModel.Case) -> String {
        let names = element.parameters.indices.map { "value\($0)" }
        let pattern = names.isEmpty ? "" : "(\(names.map { "let \($0)" }.joined(separator: ", ")))"
        let writes = ["writer.writeTag(\(position))"] + names.map { "\($0).encode(to: &writer)" }
        return "case .\(element.code)\(pattern):\n    \(writes.lines(indentedBy: 1))"
    }
}

extension SumModel.Case {
    /// Whether the values of the case are stored as a struct: if there are several, or if one has a label.
    var isProduct: Bool { parameters.count > 1 || parameters.contains { $0.label != nil } }

    fileprivate var marker: String { "_\(name)" }
}
