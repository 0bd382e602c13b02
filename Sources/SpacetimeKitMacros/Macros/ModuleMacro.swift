import SwiftSyntax
import SwiftSyntaxMacros

/// `@Module`: makes an enum into a module, which lists tables and reducers.
enum ModuleMacro: ConformanceMacro {
    static func additions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Additions? {
        guard let enumeration = declaration.as(EnumDeclSyntax.self) else {
            problems.addNeedsEnum(.moduleNeedsEnum(found: declaration.kindName), declaration)
            return nil
        }
        let module = ModuleModel(
            enumeration, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        return Additions(members: ModuleSource(module: module).members, protocols: ["ModuleDefinition"])
    }
}
