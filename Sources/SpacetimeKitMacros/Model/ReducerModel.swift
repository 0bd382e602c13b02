import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// A `@Reducer` function as the macro understands it.
struct ReducerModel {
    struct Parameter {
        /// What stands before the argument in a call, nil for nothing.
        let label: String?
        /// The name clients see.
        let name: String
        let type: TypeSyntax
        /// The type as written, without surrounding white space.
        let typeText: String
    }

    /// The function's base name as it must be written in code.
    let code: String
    /// The name clients call it by.
    let name: String
    /// What to write before the generated value. It is as visible as the function, whose argument types may be private.
    let accessPrefix: String
    /// The type of its module, as it must be written in code.
    let module: String
    let contextLabel: String?
    /// Without the context.
    let parameters: [Parameter]
    let canThrow: Bool
    let lifecycle: String?
    /// Whether clients may not call it.
    let isPrivate: Bool

    /// The event that happens for each row of a schedule table; all others happen to the database or to a client.
    static let scheduled = "scheduled"
    static let lifecycles = ["initialize", "clientConnected", "clientDisconnected", scheduled]

    init(_ function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems)
    {
        let options = ReducerOptions(attribute, problems: &problems)
        code = function.name.text
        name = options.name ?? function.name.plainName
        lifecycle = options.lifecycle
        let hidden = function.modifiers.map(\.name.text).first { ["private", "fileprivate"].contains($0) }
        accessPrefix = hidden.map { "\($0) " } ?? Access(function.modifiers, in: lexicalContext).plainPrefix
        if let attribute = options.publicMarker, let hidden {
            problems.add(.publicReducerIsHidden(hidden), at: attribute)
        }
        isPrivate = options.isPrivate || hidden != nil
        let around = lexicalContext.first?.asProtocol((any DeclGroupSyntax).self)
        module = around?.attributes.first(named: "Reducers")?.moduleOfGroup ?? "Self"
        canThrow = function.signature.effectSpecifiers?.throwsClause != nil
        Self.checkHead(function, problems: &problems)

        let all = Array(function.signature.parameterClause.parameters)
        if let first = all.first, let context = Self.contextName(first) {
            contextLabel = first.firstName.tokenKind == .wildcard ? nil : first.firstName.plainName
            if context == "Context" {
                Self.checkBorrowed(first, problems: &problems)
            } else {
                let fix = FixIt.replace(
                    "Write 'borrowing Context'", first.type, by: TypeSyntax("borrowing Context"))
                problems.add(.otherContext(first.type.trimmedDescription), at: first.type, fixIts: [fix])
            }
            parameters = all.dropFirst().map { Self.parameter($0, problems: &problems) }
        } else {
            contextLabel = nil
            parameters = []
            problems.add(
                .contextMissing, at: function.signature.parameterClause, fixIts: [Self.addContext(to: function)])
        }
        if lifecycle == Self.scheduled {
            if all.count != 2 {
                problems.add(.scheduledWithoutRow, at: function.signature.parameterClause)
            } else if let row = parameters.first, KeyTraits(row.type).isNoRow {
                problems.add(.scheduledWithoutRow, at: all[1])
            }
        } else if let lifecycle, let extra = all.dropFirst().first {
            problems.add(.lifecycleWithParameters(lifecycle), at: extra)
        }
    }
}

extension ReducerModel {
    private static func checkHead(_ function: FunctionDeclSyntax, problems: inout Problems) {
        let name = function.name.plainName
        if !isPlainIdentifier(name) || ["tables", "reducers", "moduleContent"].contains(name) {
            problems.add(.reducerName(function.name.text), at: function.name)
        }
        if !function.modifiers.contains(where: { $0.name.tokenKind == .keyword(.static) }) {
            problems.add(.reducerNotStatic, at: function.name, fixIts: [addStatic(to: function)])
        }
        if let actor = function.attributes.globalActor {
            problems.add(.reducerIsIsolated(actor: actor.macroName ?? ""), at: actor)
        }
        if let generics = function.genericParameterClause { problems.add(.reducerIsGeneric, at: generics) }
        if let async = function.signature.effectSpecifiers?.asyncSpecifier {
            let effects = function.signature.effectSpecifiers!
            let without = effects.with(\.asyncSpecifier, nil)
            problems.add(
                .reducerIsAsync, at: async, fixIts: [.replace("Remove 'async'", effects, by: without)])
        }
        if let result = function.signature.returnClause,
            !["Void", "()", "Swift.Void"].contains(result.type.trimmedDescription)
        {
            let signature = function.signature
            var without = signature.with(\.returnClause, nil)
            without.trailingTrivia = signature.trailingTrivia
            problems.add(
                .reducerReturns, at: result,
                fixIts: [.replace("Remove '\(result.trimmedDescription)'", signature, by: without)])
        }
    }

    private static func parameter(_ parameter: FunctionParameterSyntax, problems: inout Problems) -> Parameter {
        let name = (parameter.secondName ?? parameter.firstName).plainName
        var type = parameter.type
        if let attributed = type.as(AttributedTypeSyntax.self) {
            if attributed.keywords.contains(.inout) {
                problems.add(
                    .inoutParameter(name), at: parameter,
                    fixIts: [.replace("Remove 'inout'", type, by: attributed.baseType.trimmed)])
            }
            type = attributed.baseType
        }
        if type.is(SomeOrAnyTypeSyntax.self), type.trimmedDescription.hasPrefix("some") {
            problems.add(.reducerIsGeneric, at: type)
        } else {
            TypeCheck.check(type, problems: &problems)
        }
        if let ellipsis = parameter.ellipsis { problems.add(.variadicParameter(name), at: ellipsis) }
        if let value = parameter.defaultValue { problems.add(.defaultParameter(name), at: value) }
        let label = parameter.firstName.tokenKind == .wildcard ? nil : parameter.firstName.plainName
        return Parameter(label: label, name: name, type: type, typeText: type.text)
    }

    /// The name of the parameter's type if it looks like a context: that of this module, or another one by mistake.
    private static func contextName(_ parameter: FunctionParameterSyntax) -> String? {
        let type = parameter.type.as(AttributedTypeSyntax.self)?.baseType ?? parameter.type
        let name = type.as(MemberTypeSyntax.self)?.name ?? type.as(IdentifierTypeSyntax.self)?.name
        guard let name = name?.plainName, name.hasSuffix("Context") else { return nil }
        return type.as(IdentifierTypeSyntax.self)?.genericArgumentClause == nil ? name : type.trimmedDescription
    }

    private static func checkBorrowed(_ parameter: FunctionParameterSyntax, problems: inout Problems) {
        let attributed = parameter.type.as(AttributedTypeSyntax.self)
        if attributed?.keywords == [.borrowing] { return }
        let base = (attributed?.baseType ?? parameter.type).trimmedDescription
        let fix = FixIt.replace("Write 'borrowing'", parameter.type, by: TypeSyntax("borrowing \(raw: base)"))
        problems.add(.contextNotBorrowed, at: parameter.type, fixIts: [fix])
    }

    private static func addContext(to function: FunctionDeclSyntax) -> FixIt {
        let clause = function.signature.parameterClause
        var parameters = clause.parameters
        var context = FunctionParameterSyntax(
            firstName: .wildcardToken(trailingTrivia: .space), secondName: .identifier("context"),
            colon: .colonToken(trailingTrivia: .space), type: TypeSyntax("borrowing Context"))
        if !parameters.isEmpty { context.trailingComma = .commaToken(trailingTrivia: .space) }
        parameters.insert(context, at: parameters.startIndex)
        return .replace("Add '_ context: borrowing Context'", clause, by: clause.with(\.parameters, parameters))
    }

    private static func addStatic(to function: FunctionDeclSyntax) -> FixIt {
        var changed = function
        let modifier = DeclModifierSyntax(name: .keyword(.static, trailingTrivia: .space))
        if changed.modifiers.isEmpty {
            changed.modifiers = [modifier.with(\.leadingTrivia, changed.funcKeyword.leadingTrivia)]
            changed.funcKeyword.leadingTrivia = []
        } else {
            changed.modifiers.append(modifier)
        }
        return .replace("Add 'static'", function, by: changed)
    }
}

extension AttributedTypeSyntax {
    /// What stands before the type, as far as it is a single word: `inout`, `borrowing`.
    fileprivate var keywords: [Keyword?] {
        specifiers.map { specifier in
            guard case .simpleTypeSpecifier(let simple) = specifier,
                case .keyword(let word) = simple.specifier.tokenKind
            else { return nil }
            return word
        }
    }
}

/// The arguments of `@Reducer(…)`.
struct ReducerOptions {
    private(set) var name: String?
    private(set) var lifecycle: String?
    private(set) var isPrivate = false
    /// The argument `.public`, if it is there.
    private(set) var publicMarker: LabeledExprSyntax?

    init(_ attribute: AttributeSyntax, problems: inout Problems) {
        for argument in attribute.labeledArguments {
            if argument.label?.plainName == "name" {
                name = literalName(argument.expression, argument: "The reducer's name", problems: &problems)
                continue
            }
            let event = argument.expression.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
            if let event, ReducerModel.lifecycles.contains(event) {
                lifecycle = event
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
