import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@SpacetimeType`: makes a struct or an enum into a value that columns, fields and arguments can have.
enum SpacetimeTypeMacro {
    /// Source text, by where it stands.
    fileprivate struct Expansion {
        var members: [String]
        /// The content of the extension.
        var initializer = ""
    }

    private static func expansion(
        of declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Expansion? {
        checkPlace(of: attribute, in: lexicalContext, problems: &problems)
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
            let access = Access(structure.modifiers, in: lexicalContext).inlinableIfPossible(
                fields: fields, in: lexicalContext)
            let codec = ProductCodec(name: name ?? structure.name.plainName, fields: fields, access: access)
            return Expansion(members: codec.members, initializer: codec.initializer)
        }
        if let enumeration = declaration.as(EnumDeclSyntax.self) {
            if let generics = enumeration.genericParameterClause {
                problems.add(.genericType(macro: "SpacetimeType"), at: generics)
            }
            let sum = SumModel(enumeration, name: name, lexicalContext: lexicalContext, problems: &problems)
            // An enum without cases has been refused, and there is no code to write for it.
            return problems.isEmpty ? Expansion(members: SumCodec(sum: sum).members) : nil
        }
        problems.add(.typeNeedsStructOrEnum(found: declaration.kindName), at: declaration.introducer)
        return nil
    }
}

extension SpacetimeTypeMacro: MemberMacro {
    static func expansion(
        of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax,
        conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        let expansion = expansion(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, let expansion else {
            problems.report(to: context)
            return []
        }
        return expansion.members.map { "\(raw: $0)" }
    }
}

extension SpacetimeTypeMacro: ExtensionMacro {
    static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
        providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        // What is wrong is reported once, with the members.
        var problems = Problems()
        let expansion = expansion(
            of: declaration, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty, let expansion else { return [] }
        return [conformance(of: type, to: ["SpacetimeType"], expansion.initializer)]
    }
}
