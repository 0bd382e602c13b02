import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder

/// What a static function of a module can be made into, and what all of them have in common.
enum FunctionKind: String, CaseIterable, CustomStringConvertible {
    case reducer, procedure, handler, view

    var description: String { rawValue }

    /// The name of the macro.
    var macro: String { upperFirst(rawValue) }

    /// How the first parameter's type is to be written.
    var context: String { isInTransaction ? "borrowing \(contextName)" : contextName }

    /// The same without modifiers.
    var contextName: String {
        switch self {
        case .reducer: "Context"
        case .procedure, .handler: "ProcedureContext"
        case .view: "ViewContext"
        }
    }

    /// The context of views that do not know who looks.
    static let anonymousContext = "AnonymousViewContext"

    /// Whether a type is the context of such a function.
    func hasContext(_ name: String) -> Bool {
        name == contextName || self == .view && name == Self.anonymousContext
    }

    /// Whether a call is part of a transaction, which its context must not outlive.
    var isInTransaction: Bool { self == .reducer || self == .view }

    /// The kind that a function's attributes say, with the attribute.
    static func of(_ function: FunctionDeclSyntax) -> (kind: FunctionKind, attribute: AttributeSyntax)? {
        for kind in allCases {
            if let attribute = function.attributes.first(named: kind.macro) { return (kind, attribute) }
        }
        return nil
    }
}

/// A parameter behind the context.
struct FunctionParameter {
    /// What stands before the argument in a call, nil for nothing.
    let label: String?
    /// The name clients see.
    let name: String
    let type: TypeSyntax
    /// The type as written, without surrounding white space.
    let typeText: String
}

/// The parts of a function that are the same whatever it is made into.
struct FunctionHead {
    /// The function's base name as it must be written in code.
    let code: String
    /// What to write before the generated value. It is as visible as the function, whose argument types may be private.
    let accessPrefix: String
    /// `private` or `fileprivate`, if the function is.
    let hidden: String?
    /// The type of its module, as it must be written in code.
    let module: String
    let contextLabel: String?
    /// The name of the context's type; nil if there is none.
    let context: String?
    /// Without the context.
    let parameters: [FunctionParameter]
    let isAsync: Bool
    let canThrow: Bool

    init(_ function: FunctionDeclSyntax, as kind: FunctionKind, lexicalContext: [Syntax], problems: inout Problems) {
        code = function.name.text
        hidden = function.modifiers.map(\.name.text).first { ["private", "fileprivate"].contains($0) }
        accessPrefix = hidden.map { "\($0) " } ?? Access(function.modifiers, in: lexicalContext).plainPrefix
        let around = lexicalContext.first?.asProtocol((any DeclGroupSyntax).self)
        module = around?.attributes.first(named: "Reducers")?.moduleOfGroup ?? "Self"
        canThrow = function.signature.effectSpecifiers?.throwsClause != nil
        isAsync = function.signature.effectSpecifiers?.asyncSpecifier != nil
        Self.check(function, as: kind, problems: &problems)
        let all = Array(function.signature.parameterClause.parameters)
        guard let first = all.first, let context = Self.contextName(first) else {
            contextLabel = nil
            self.context = nil
            parameters = []
            problems.add(
                .contextMissing(kind), at: function.signature.parameterClause,
                fixIts: [Self.addContext(kind, to: function)])
            return
        }
        contextLabel = first.firstName.tokenKind == .wildcard ? nil : first.firstName.plainName
        self.context = context
        if kind.hasContext(context) {
            if kind.isInTransaction { Self.checkBorrowed(first, problems: &problems) }
        } else {
            let fix = FixIt.replace(
                "Write '\(kind.context)'", first.type, by: TypeSyntax("\(raw: kind.context)"))
            problems.add(.otherContext(kind, first.type.trimmedDescription), at: first.type, fixIts: [fix])
        }
        // The request of a handler is no value that could be stored.
        parameters = all.dropFirst().map { Self.parameter($0, of: kind, problems: &problems) }
    }

    /// The arguments of a call of the function by code that has the context, and the others as `a0`, `a1` and so on.
    var callArguments: String {
        let context = contextLabel.map { "\(argumentLabel($0)): context" } ?? "context"
        let others = parameters.enumerated().map { position, parameter in
            ", \(parameter.label.map { "\(argumentLabel($0)): " } ?? "")a\(position)"
        }
        return context + others.joined()
    }
}

extension FunctionHead {
    private static func check(_ function: FunctionDeclSyntax, as kind: FunctionKind, problems: inout Problems) {
        let name = function.name.plainName
        if !isPlainIdentifier(name) || ["tables", "reducers", "rules", "moduleContent"].contains(name) {
            problems.add(.functionName(kind, function.name.text), at: function.name)
        }
        if !function.modifiers.contains(where: { $0.name.tokenKind == .keyword(.static) }) {
            problems.add(.notStatic(kind), at: function.name, fixIts: [addStatic(to: function)])
        }
        if let actor = function.attributes.globalActor {
            problems.add(.isIsolated(kind, actor: actor.macroName ?? ""), at: actor)
        }
        if let generics = function.genericParameterClause { problems.add(.isGeneric(kind), at: generics) }
    }

    private static func parameter(
        _ parameter: FunctionParameterSyntax, of kind: FunctionKind, problems: inout Problems
    ) -> FunctionParameter {
        let name = (parameter.secondName ?? parameter.firstName).plainName
        var type = parameter.type
        if let attributed = type.as(AttributedTypeSyntax.self) {
            if attributed.keywords.contains(.inout) {
                problems.add(
                    .inoutParameter(kind, name), at: parameter,
                    fixIts: [.replace("Remove 'inout'", type, by: attributed.baseType.trimmed)])
            }
            type = attributed.baseType
        }
        if type.is(SomeOrAnyTypeSyntax.self), type.trimmedDescription.hasPrefix("some") {
            problems.add(.isGeneric(kind), at: type)
        } else if kind != .handler {
            TypeCheck.check(type, problems: &problems)
        }
        if let ellipsis = parameter.ellipsis { problems.add(.variadicParameter(kind, name), at: ellipsis) }
        if let value = parameter.defaultValue { problems.add(.defaultParameter(kind, name), at: value) }
        let label = parameter.firstName.tokenKind == .wildcard ? nil : parameter.firstName.plainName
        return FunctionParameter(label: label, name: name, type: type, typeText: type.text)
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
        problems.add(.contextNotBorrowed(base), at: parameter.type, fixIts: [fix])
    }

    private static func addContext(_ kind: FunctionKind, to function: FunctionDeclSyntax) -> FixIt {
        let clause = function.signature.parameterClause
        var parameters = clause.parameters
        var context = FunctionParameterSyntax(
            firstName: .wildcardToken(trailingTrivia: .space), secondName: .identifier("context"),
            colon: .colonToken(trailingTrivia: .space), type: TypeSyntax("\(raw: kind.context)"))
        if !parameters.isEmpty { context.trailingComma = .commaToken(trailingTrivia: .space) }
        parameters.insert(context, at: parameters.startIndex)
        return .replace(
            "Add '_ context: \(kind.context)'", clause, by: clause.with(\.parameters, parameters))
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
