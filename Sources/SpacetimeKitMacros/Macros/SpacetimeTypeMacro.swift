import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@SpacetimeType`: makes a struct or an enum into a value that columns, fields and arguments can have.
enum SpacetimeTypeMacro: ExtensionMacro {
    static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
        providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        var problems = Problems()
        let members = members(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, let members else {
            problems.report(to: context)
            return []
        }
        let source = """
            extension \(type.trimmedDescription): SpacetimeKit.SpacetimeType {
                \(members.indented(1))
            }
            """
        return [try ExtensionDeclSyntax("\(raw: source)")]
    }

    private static func members(
        of declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> String? {
        let argument = attribute.labeledArguments.first { $0.label?.plainName == "name" }
        let name = argument.flatMap {
            literalName($0.expression, argument: "The type's name", problems: &problems)
        }
        if let structure = declaration.as(StructDeclSyntax.self) {
            if let generics = structure.genericParameterClause {
                problems.add(.genericType(macro: "SpacetimeType"), at: generics)
            }
            if structure.attributes.first(named: "Table") != nil { problems.add(.tableIsAlreadyType, at: attribute) }
            let fields = Field.all(in: structure.memberBlock, problems: &problems)
            var access = Access(structure.modifiers, in: lexicalContext)
            if access == .public { access = .inlinableIfPossible(fields: fields, in: lexicalContext) }
            return ProductCodec(name: name ?? structure.name.plainName, fields: fields, access: access).members
        }
        if let enumeration = declaration.as(EnumDeclSyntax.self) {
            if let generics = enumeration.genericParameterClause {
                problems.add(.genericType(macro: "SpacetimeType"), at: generics)
            }
            let sum = SumModel(enumeration, name: name, lexicalContext: lexicalContext, problems: &problems)
            // An enum without cases has been refused, and there is no code to write for it.
            return problems.isEmpty ? SumCodec(sum: sum).members : nil
        }
        problems.add(.typeNeedsStructOrEnum(found: declaration.kindName), at: declaration.introducer)
        return nil
    }
}
