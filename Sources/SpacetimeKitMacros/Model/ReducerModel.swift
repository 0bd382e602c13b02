import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// A `@Reducer` function as the macro understands it.
struct ReducerModel {
    let head: FunctionHead
    /// The name clients call it by.
    let name: String
    let lifecycle: String?
    /// The same as it is written in code, without the dot.
    let lifecycleCode: String?
    /// Whether clients may not call it.
    let isPrivate: Bool
    /// How often a client may call it, as it is written.
    let rate: String?

    /// The event that happens for each row of a schedule table; all others happen to the database or to a client.
    static let scheduled = "scheduled"
    /// The reducer is called for each row of a table.
    static let sliced = "sliced"
    static let lifecycles = ["initialize", "clientConnected", "clientDisconnected", scheduled]

    init(_ function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems)
    {
        let options = ReducerOptions(attribute, problems: &problems)
        name = options.name ?? function.name.plainName
        lifecycle = options.lifecycle
        lifecycleCode = options.lifecycleCode
        rate = options.rate
        Self.checkEffects(function, problems: &problems)
        head = FunctionHead(function, as: .reducer, lexicalContext: lexicalContext, problems: &problems)
        if let attribute = options.publicMarker, let hidden = head.hidden {
            problems.add(.publicIsHidden(hidden), at: attribute)
        }
        isPrivate = options.isPrivate || head.hidden != nil
        if lifecycle == Self.scheduled {
            head.checkRow(of: function, .scheduledWithoutRow(.reducer), problems: &problems)
        } else if lifecycle == Self.sliced {
            head.checkRow(of: function, .slicedWithoutRow, problems: &problems)
        } else if let lifecycle, let extra = function.signature.parameterClause.parameters.dropFirst().first {
            problems.add(.lifecycleWithParameters(lifecycle), at: extra)
        }
    }

    private static func checkEffects(_ function: FunctionDeclSyntax, problems: inout Problems) {
        if let effects = function.signature.effectSpecifiers, let async = effects.asyncSpecifier {
            let without = effects.with(\.asyncSpecifier, nil)
            problems.add(
                .reducerIsAsync, at: async, fixIts: [.replace("Remove 'async'", effects, by: without)])
        }
        if let result = function.signature.returnClause, !result.isVoid {
            let signature = function.signature
            var without = signature.with(\.returnClause, nil)
            without.trailingTrivia = signature.trailingTrivia
            problems.add(
                .reducerReturns, at: result,
                fixIts: [.replace("Remove '\(result.trimmedDescription)'", signature, by: without)])
        }
    }
}

extension FunctionHead {
    /// Notes a problem unless the function takes one row of a table.
    func checkRow(of function: FunctionDeclSyntax, _ problem: MacroDiagnostic, problems: inout Problems) {
        let all = Array(function.signature.parameterClause.parameters)
        if all.count != 2 {
            problems.add(problem, at: function.signature.parameterClause)
        } else if let row = parameters.first, KeyTraits(row.type).isNoRow {
            problems.add(problem, at: all[1])
        }
    }
}

extension ReturnClauseSyntax {
    /// Whether nothing is returned.
    var isVoid: Bool { ["Void", "()", "Swift.Void"].contains(type.trimmedDescription) }
}

/// The arguments of `@Reducer(…)`.
struct ReducerOptions {
    private(set) var name: String?
    private(set) var lifecycle: String?
    private(set) var lifecycleCode: String?
    private(set) var isPrivate = false
    private(set) var rate: String?
    /// The argument `.public`, if it is there.
    private(set) var publicMarker: LabeledExprSyntax?

    init(_ attribute: AttributeSyntax, problems: inout Problems) {
        for argument in attribute.labeledArguments {
            if argument.label?.plainName == "name" {
                name = literalName(argument.expression, argument: "The reducer's name", problems: &problems)
                continue
            }
            if argument.label?.plainName == "rate" {
                rate = argument.expression.trimmedDescription
                continue
            }
            let event = argument.expression.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
            if let event, ReducerModel.lifecycles.contains(event) {
                lifecycle = event
                lifecycleCode = event
            } else if let call = argument.expression.as(FunctionCallExprSyntax.self),
                call.calledExpression.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
                    == ReducerModel.sliced
            {
                lifecycle = ReducerModel.sliced
                lifecycleCode = String(call.trimmedDescription.drop { $0 != "." }.dropFirst())
            } else if event == "private" {
                isPrivate = true
            } else if event == "public" {
                publicMarker = argument
            } else {
                problems.add(.unknownLifecycle(argument.expression.trimmedDescription), at: argument)
            }
        }
    }
}
