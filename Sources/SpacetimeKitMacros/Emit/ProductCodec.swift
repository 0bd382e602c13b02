/// Source text for the four members by which a struct is stored: its type, size, decoder and encoder.
struct ProductCodec {
    let name: String
    /// True if the type was not given this name, but takes it from its table.
    var isGeneratedName = false
    let fields: [Field]
    let access: Access

    /// What is generated inside the struct, where each type can be named exactly as the user wrote it.
    var members: [String] { [algebraicType, fixedSize, encoder] }

    /// What is generated in an extension of the struct: inside the struct, an initialiser would take Swift's memberwise
    /// one away. The extension stands at file scope. If the struct is nested, the names beside it are unknown there, so
    /// this text must name none of the user's types.
    var initializer: String {
        block(
            "\(access.prefix)init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {",
            fields.map { "self.\($0.code) = try .init(from: &reader)" })
    }

    private var algebraicType: String {
        """
        \(access.plainMemberPrefix)static func algebraicType(
            in types: inout SpacetimeKit.TypespaceBuilder
        ) -> SpacetimeKit.AlgebraicType {
            types.declare(Self.self, name: \(quoted(name))\(isGeneratedName ? ", isGenerated: true" : "")) { types in
                \(productBody(fields.map { ($0.name, $0.typeExpression) }).indented(2))
            }
        }
        """
    }

    private var fixedSize: String {
        """
        \(access.memberPrefix)static var bsatnFixedSize: Swift.Int? {
            \(sizes(of: fields.map(\.typeExpression)))
        }
        """
    }

    private var encoder: String {
        block(
            "\(access.memberPrefix)func encode(to writer: inout SpacetimeKit.BSATNWriter) {",
            fields.map { "self.\($0.code).encode(to: &writer)" })
    }
}

/// The size of a product with parts of these types, as an expression.
func sizes(of types: [String]) -> String {
    "SpacetimeKit._fixedSize(\(types.map { "SpacetimeKit._spacetimeSize(\($0).self)" }.joined(separator: ", ")))"
}

/// The algebraic type of a Swift type, as an expression; `types` is the builder in scope.
func algebraicType(of type: String) -> String { "SpacetimeKit._spacetimeType(\(type).self, &types)" }

/// Statements that return a product of `fields`, each a name and a type; `types` is the builder in scope.
func productBody(_ fields: [(name: String, type: String)]) -> String {
    namedTypesBody(
        "elements", fields.map { ($0.name, algebraicType(of: $0.type)) },
        result: ".product(SpacetimeKit.ProductType(elements))")
}

/// Statements that build a list of names and types and return `result` of it. The list has a written type, because
/// checking a long literal without one takes the compiler seconds.
func namedTypesBody(_ list: String, _ entries: [(name: String, expression: String)], result: String) -> String {
    block(
        "let \(list): [(Swift.String, SpacetimeKit.AlgebraicType)] = [",
        entries.map { "(\(quoted($0.name)), \($0.expression))," }, "]") + "\nreturn \(result)"
}

/// `head`, the indented lines and `end`, without an empty line in between if there are no lines.
func block(_ head: String, _ lines: [String], _ end: String = "}") -> String {
    lines.isEmpty ? "\(head)\n\(end)" : "\(head)\n    \(lines.lines(indentedBy: 1))\n\(end)"
}

extension [String] {
    /// One line each; the first stands where the text is inserted, the others follow at the same depth.
    func lines(indentedBy levels: Int) -> String { joined(separator: "\n").indented(levels) }
}

extension String {
    /// Indents all lines but the first, to insert a block into a line that is indented already.
    func indented(_ levels: Int) -> String {
        let indentation = String(repeating: "    ", count: levels)
        return split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n" + indentation)
    }
}
