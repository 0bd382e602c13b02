import SwiftSyntax
import SwiftSyntaxMacros

/// `@Table`: makes a struct into a row.
enum TableMacro: ConformanceMacro {
    static func additions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Additions? {
        guard let structure = declaration.as(StructDeclSyntax.self) else {
            problems.add(.tableNeedsStruct(found: declaration.kindName), at: declaration.introducer)
            return nil
        }
        let table = TableModel(structure, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        return problems.isEmpty ? TableSource(table: table).additions : nil
    }
}
