import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxMacros

/// `@Module`: makes an enum into a module, which lists tables and reducers.
enum ModuleMacro: ConformanceMacro {
    static func additions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Additions? {
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
        let module = ModuleModel(
            enumeration, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        return Additions(members: ModuleSource(module: module).members, protocols: ["ModuleDefinition"])
    }
}
