import SwiftSyntax
import SwiftSyntaxMacros

/// `@Reducers(of:)`: makes an enum into a group of reducers of a module that stands elsewhere.
enum ReducersMacro: ConformanceMacro {
    static func additions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Additions? {
        guard let enumeration = declaration.as(EnumDeclSyntax.self) else {
            problems.addNeedsEnum(.groupNeedsEnum(found: declaration.kindName), declaration)
            return nil
        }
        guard
            let group = ReducerGroupModel(
                enumeration, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        else { return nil }
        return Additions(members: ReducerGroupSource(group: group).members, protocols: ["ReducerGroup"])
    }
}
