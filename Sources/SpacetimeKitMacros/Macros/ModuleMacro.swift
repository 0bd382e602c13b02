import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@Module`: makes an enum into a module, which lists tables and reducers.
enum ModuleMacro {
    private static func model(
        of declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> ModuleModel? {
        guard let enumeration = declaration.as(EnumDeclSyntax.self) else {
            var fixIts: [FixIt] = []
            let keyword = declaration.introducer
            if declaration.is(StructDeclSyntax.self) || declaration.is(ClassDeclSyntax.self) {
                fixIts = [
                    .replace(
                        "Replace '\(keyword.text)' by 'enum'", keyword, by: keyword.with(\.tokenKind, .keyword(.enum)))
                ]
            }
            problems.add(.moduleNeedsEnum(found: declaration.kindName), at: keyword, fixIts: fixIts)
            return nil
        }
        return ModuleModel(enumeration, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
    }
}

extension ModuleMacro: MemberMacro {
    static func expansion(
        of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax,
        conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        let module = model(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, let module else {
            problems.report(to: context)
            return []
        }
        return ModuleSource(module: module).members.map { "\(raw: $0)" }
    }
}

extension ModuleMacro: ExtensionMacro {
    static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
        providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        // What is wrong is reported once, with the members.
        var problems = Problems()
        let module = model(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, module != nil else { return [] }
        let source = "extension \(type.trimmedDescription): SpacetimeKit.ModuleDefinition {\n}"
        return [try ExtensionDeclSyntax("\(raw: source)")]
    }
}
