import SwiftSyntax
import SwiftSyntaxMacros

/// `@SpacetimeType`: makes a struct or an enum into a value that columns, fields and arguments can have.
enum SpacetimeTypeMacro: ConformanceMacro {
    static func additions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Additions? {
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
            let memberwise = MemberwiseInitializer(of: structure, fields: fields, access: access, in: lexicalContext)
            return additions(
                (memberwise?.members ?? []) + codec.members, FieldsSource(fields: fields, access: access),
                extending: codec.initializer)
        }
        if let enumeration = declaration.as(EnumDeclSyntax.self) {
            if let generics = enumeration.genericParameterClause {
                problems.add(.genericType(macro: "SpacetimeType"), at: generics)
            }
            let sum = SumModel(enumeration, name: name, lexicalContext: lexicalContext, problems: &problems)
            // An enum without cases has been refused, and there is no code to write for it.
            guard problems.isEmpty else { return nil }
            let codec = SumCodec(sum: sum)
            return additions(
                codec.members, FieldsSource(cases: sum.cases, access: sum.access), extending: codec.payloadCheck)
        }
        problems.add(.typeNeedsStructOrEnum(found: declaration.kindName), at: declaration.introducer)
        return nil
    }

    private static func additions(
        _ members: @escaping @autoclosure () -> [String], _ fields: FieldsSource?, extending body: String = ""
    ) -> Additions {
        guard let fields else {
            return Additions(members: members(), protocols: ["SpacetimeType"], extensionBody: body)
        }
        return Additions(
            members: members() + [fields.member], protocols: ["SpacetimeType", "FieldedType"], extensionBody: body)
    }
}
