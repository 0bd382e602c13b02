import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@Table`: makes a struct into a row.
enum TableMacro: ExtensionMacro {
    static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
        providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        var problems = Problems()
        guard let structure = declaration.as(StructDeclSyntax.self) else {
            problems.add(.tableNeedsStruct(found: declaration.kindName), at: declaration.introducer)
            problems.report(to: context)
            return []
        }
        let table = TableModel(
            structure, attribute: node, typeName: type.trimmedDescription, lexicalContext: context.lexicalContext,
            problems: &problems)
        guard problems.isEmpty else {
            problems.report(to: context)
            return []
        }
        let source = TableSource(table: table)
        return try [source.rowExtension, source.keyedExtension].compactMap { $0 }
            .map { try ExtensionDeclSyntax("\(raw: $0)") }
    }
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
