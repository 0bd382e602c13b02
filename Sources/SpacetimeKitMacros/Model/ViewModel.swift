import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// A `@View` function as the macro understands it.
struct ViewModel {
    let head: FunctionHead
    /// The name clients know it by.
    let name: String
    /// Whether it does not know who looks.
    let isAnonymous: Bool
    /// What the function returns, and of what rows, as written.
    let result: String
    let row: String

    init(_ function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems)
    {
        let named = attribute.labeledArguments.first { $0.label?.plainName == "name" }
        name =
            named.flatMap { literalName($0.expression, argument: "The view's name", problems: &problems) }
            ?? function.name.plainName
        head = FunctionHead(function, as: .view, lexicalContext: lexicalContext, problems: &problems)
        isAnonymous = head.context == FunctionKind.anonymousContext
        if let hidden = head.hidden {
            let modifier = function.modifiers.first { $0.name.plainName == hidden }
            problems.add(.hiddenView(hidden), at: modifier.map { Syntax($0) } ?? Syntax(function.name))
        }
        if let effects = function.signature.effectSpecifiers, let async = effects.asyncSpecifier {
            let without = effects.with(\.asyncSpecifier, nil)
            problems.add(.viewIsAsync, at: async, fixIts: [.replace("Remove 'async'", effects, by: without)])
        }
        for (position, parameter) in head.parameters.enumerated() where KeyTraits(parameter.type).isUnsuitableKey {
            let node = Array(function.signature.parameterClause.parameters)[position + 1]
            problems.add(.floatArgument(parameter.name, parameter.typeText), at: node.type)
        }
        if let type = function.signature.returnClause?.type, let row = Self.row(of: type) {
            result = type.text
            self.row = row.text
        } else {
            result = ""
            row = ""
            if let clause = function.signature.returnClause {
                problems.add(
                    .viewResult(clause.type.trimmedDescription), at: clause.type, fixIts: Self.arrayFix(clause.type))
            } else {
                problems.add(.viewReturnsNothing, at: function.signature)
            }
        }
    }

    private static let queries: Set = ["Query", "QueryWindow", "RowQuery", "Array", "Optional"]

    /// The type of the rows, if that of the result can be one of a view.
    private static func row(of type: TypeSyntax) -> TypeSyntax? {
        switch type.as(TypeSyntaxEnum.self) {
        case .arrayType(let array): array.element
        case .optionalType(let optional): optional.wrappedType
        case .identifierType(let named) where queries.contains(named.name.plainName):
            named.genericArgumentClause?.onlyType
        case .memberType(let member)
        where ["SpacetimeKit", "Swift"].contains(member.baseType.trimmedDescription)
            && queries.contains(member.name.plainName):
            member.genericArgumentClause?.onlyType
        default: nil
        }
    }

    /// A plain type is most likely that of the rows.
    private static func arrayFix(_ type: TypeSyntax) -> [FixIt] {
        guard let named = type.as(IdentifierTypeSyntax.self), named.genericArgumentClause == nil,
            !KeyTraits(type).isNoRow,
            named.name.plainName != "Void", !queries.contains(named.name.plainName)
        else { return [] }
        let array = TypeSyntax("[\(raw: type.trimmedDescription)]").with(\.trailingTrivia, type.trailingTrivia)
        return [.replace("Return '[\(type.trimmedDescription)]'", type, by: array)]
    }
}

extension GenericArgumentClauseSyntax {
    /// The argument, if it is a type and the only one.
    fileprivate var onlyType: TypeSyntax? { arguments.count == 1 ? arguments.first?.type : nil }
}
