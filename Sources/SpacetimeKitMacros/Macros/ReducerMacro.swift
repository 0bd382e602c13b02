import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// A macro that makes a static function of a module into one that others can call.
protocol FunctionMacro: PeerMacro, TextMacro {
    static var kind: FunctionKind { get }
    /// The value that stands for the function.
    static func property(
        of function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) -> String
}

extension FunctionMacro {
    static func expansion(
        of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
        in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        checkPlace(context.lexicalContext, attribute: node, problems: &problems)
        if !declaration.is(FunctionDeclSyntax.self) { problems.add(.notStatic(kind), at: node) }
        guard problems.isEmpty, let function = declaration.as(FunctionDeclSyntax.self) else {
            problems.report(to: context)
            return []
        }
        for (name, condition) in function.attributes.conditional where name == kind.macro {
            problems.add(.conditionalFunction(macro: name), at: condition)
        }
        let text = property(
            of: function, attribute: node, lexicalContext: context.lexicalContext, problems: &problems)
        guard problems.isEmpty else {
            problems.report(to: context)
            return []
        }
        return [DeclSyntax(text: text)]
    }

    private static func checkPlace(_ lexicalContext: [Syntax], attribute: AttributeSyntax, problems: inout Problems) {
        guard let around = lexicalContext.first?.asProtocol((any DeclGroupSyntax).self) else {
            return problems.add(.outsideModule(kind), at: attribute)
        }
        if around.is(ExtensionDeclSyntax.self) {
            problems.add(.inExtension(kind), at: attribute)
        } else if around.attributes.first(named: "Module") == nil, around.attributes.first(named: "Reducers") == nil {
            problems.add(.outsideModule(kind), at: attribute)
        }
    }
}

/// `@Reducer`: a function that runs as one transaction.
enum ReducerMacro: FunctionMacro {
    static var kind: FunctionKind { .reducer }

    static func property(
        of function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) -> String {
        ReducerSource(
            reducer: ReducerModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        ).property
    }
}

/// `@Procedure`: a function that runs outside of transactions.
enum ProcedureMacro: FunctionMacro {
    static var kind: FunctionKind { .procedure }

    static func property(
        of function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) -> String {
        ProcedureSource(
            procedure: ProcedureModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        ).property
    }
}

/// `@View`: a function that makes rows for clients to look at.
enum ViewMacro: FunctionMacro {
    static var kind: FunctionKind { .view }

    static func property(
        of function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) -> String {
        ViewSource(
            view: ViewModel(function, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        ).property
    }
}

/// `@Handler`: a function that answers HTTP requests.
enum HandlerMacro: FunctionMacro {
    static var kind: FunctionKind { .handler }

    static func property(
        of function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) -> String {
        HandlerSource(
            handler: HandlerModel(
                function, attribute: attribute, lexicalContext: lexicalContext, problems: &problems)
        ).property
    }
}
