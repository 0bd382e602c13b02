import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// `@Reducer`: makes a static function into one that clients can call.
enum ReducerMacro: PeerMacro, TextMacro {
    static func expansion(
        of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
        in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        checkPlace(context.lexicalContext, attribute: node, problems: &problems)
        if !declaration.is(FunctionDeclSyntax.self) { problems.add(.reducerNotStatic, at: node) }
        guard problems.isEmpty, let function = declaration.as(FunctionDeclSyntax.self) else {
            problems.report(to: context)
            return []
        }
        for (name, condition) in function.attributes.conditional where name == "Reducer" {
            problems.add(.conditionalReducer, at: condition)
        }
        let reducer = ReducerModel(
            function, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty else {
            problems.report(to: context)
            return []
        }
        return [DeclSyntax(text: ReducerSource(reducer: reducer).property)]
    }

    private static func checkPlace(_ lexicalContext: [Syntax], attribute: AttributeSyntax, problems: inout Problems) {
        guard let around = lexicalContext.first?.asProtocol((any DeclGroupSyntax).self) else {
            return problems.add(.reducerOutsideModule, at: attribute)
        }
        if around.is(ExtensionDeclSyntax.self) {
            problems.add(.reducerInExtension, at: attribute)
        } else if around.attributes.first(named: "Module") == nil, around.attributes.first(named: "Reducers") == nil {
            problems.add(.reducerOutsideModule, at: attribute)
        }
    }
}
