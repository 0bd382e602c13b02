import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@Table`: makes a struct into a row.
enum TableMacro {
    private static func source(
        of declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> TableSource? {
        checkPlace(of: attribute, in: lexicalContext, problems: &problems)
        guard let structure = declaration.as(StructDeclSyntax.self) else {
            problems.add(.tableNeedsStruct(found: declaration.kindName), at: declaration.introducer)
            return nil
        }
        return TableSource(
            table: TableModel(structure, attribute: attribute, lexicalContext: lexicalContext, problems: &problems))
    }
}

extension TableMacro: MemberMacro {
    static func expansion(
        of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax,
        conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        let source = source(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, let source else {
            problems.report(to: context)
            return []
        }
        return source.members.map { "\(raw: $0)" }
    }
}

extension TableMacro: ExtensionMacro {
    static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
        providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        // What is wrong is reported once, with the members.
        var problems = Problems()
        let source = source(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, let source else { return [] }
        return [
            conformance(
                of: type, to: source.isKeyed ? ["TableRow", "KeyedTableRow"] : ["TableRow"], source.initializer)
        ]
    }
}

/// An extension by which `type`, qualified by the types around it, conforms to protocols of the library. Each is named, also
/// one that another implies: the compiler does not look further for a conformance that a macro announces.
func conformance(of type: some TypeSyntaxProtocol, to protocols: [String], _ content: String = "")
    -> ExtensionDeclSyntax
{
    let body = content.isEmpty ? "" : "    \(content.indented(1))\n"
    let inherited = protocols.map { "SpacetimeKit.\($0)" }.joined(separator: ", ")
    let source = "nonisolated extension \(type.trimmedDescription): \(inherited) {\n\(body)}"
    guard let declaration = DeclSyntax("\(raw: source)").as(ExtensionDeclSyntax.self) else {
        preconditionFailure("an extension was written, but something else was parsed from \(source)")
    }
    return declaration
}

/// Notes a problem if a declaration with a macro stands where Swift allows no extension of it.
func checkPlace(of attribute: AttributeSyntax, in lexicalContext: [Syntax], problems: inout Problems) {
    guard lexicalContext.contains(where: { $0.asProtocol((any DeclGroupSyntax).self) == nil }) else { return }
    problems.add(.localType(macro: attribute.macroName ?? "Table"), at: attribute)
}

extension DeclGroupSyntax {
    /// What the declaration is, with an article.
    var kindName: String {
        switch Syntax(self).kind {
        case .classDecl: "a class"
        case .enumDecl: "an enum"
        case .actorDecl: "an actor"
        case .protocolDecl: "a protocol"
        case .structDecl: "a struct"
        default: "an extension"
        }
    }

}
