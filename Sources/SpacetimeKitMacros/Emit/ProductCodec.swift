/// Source text for the four members by which a struct is stored: its type, size, decoder and encoder.
struct ProductCodec {
    let name: String
    let fields: [Field]
    let access: Access

    var members: String {
        """
        \(access.plainPrefix)static func algebraicType(
            in types: inout SpacetimeKit.TypespaceBuilder
        ) -> SpacetimeKit.AlgebraicType {
            types.declare(Self.self, name: \(quoted(name))) { types in
                \(productBody(fields.map { ($0.name, $0.typeExpression) }).indented(2))
            }
        }
        \(access.prefix)static var bsatnFixedSize: Swift.Int? {
            SpacetimeKit._fixedSize(\(fields.map { "\($0.typeExpression).bsatnFixedSize" }.joined(separator: ", ")))
        }
        \(access.prefix)init(from reader: inout SpacetimeKit.BSATNReader) throws(SpacetimeKit.BSATNError) {
            \(decoding)
        }
        \(access.prefix)func encode(to writer: inout SpacetimeKit.BSATNWriter) {
            \(encoding)
        }
        """
    }

    private var decoding: String {
        fields.map { "self.\($0.code) = try \($0.typeExpression).init(from: &reader)" }.lines(indentedBy: 1)
    }

    private var encoding: String {
        fields.map { "self.\($0.code).encode(to: &writer)" }.lines(indentedBy: 1)
    }
}

/// Statements that return a product of `fields`, each a name and a type; `types` is the builder in scope.
func productBody(_ fields: [(name: String, type: String)]) -> String {
    namedTypesBody(
        "elements", fields.map { ($0.name, "\($0.type).algebraicType(in: &types)") },
        result: ".product(SpacetimeKit.ProductType(elements))")
}

/// Statements that build a list of names and types and return `result` of it. The list has a written type, because
/// checking a long literal without one takes the compiler seconds.
func namedTypesBody(_ list: String, _ entries: [(name: String, expression: String)], result: String) -> String {
    """
    let \(list): [(Swift.String, SpacetimeKit.AlgebraicType)] = [
        \(entries.map { "(\(quoted($0.name)), \($0.expression))," }.lines(indentedBy: 1))
    ]
    return \(result)
    """
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
