import SwiftParser
import SwiftSyntax

/// A `@Procedure` function as the macro understands it.
struct ProcedureModel {
    let head: FunctionHead
    /// The name clients call it by.
    let name: String
    /// The type of the result, as written; nil if there is none.
    let result: String?
    /// As they are written in code, without the dot.
    private(set) var options: [String] = []

    static let scheduled = "scheduled"
    private static let known = ["public", "private", "durable", scheduled]

    var isScheduled: Bool { options.contains(Self.scheduled) }

    init(_ function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems)
    {
        var name = function.name.plainName
        var publicMarker: LabeledExprSyntax?
        for argument in attribute.labeledArguments {
            if argument.label?.plainName == "name" {
                name = literalName(argument.expression, argument: "The procedure's name", problems: &problems) ?? name
                continue
            }
            let option = argument.expression.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
            guard let option, Self.known.contains(option) else {
                problems.add(.unknownProcedureOption(argument.expression.trimmedDescription), at: argument)
                continue
            }
            if option == "public" { publicMarker = argument } else { options.append(option) }
        }
        self.name = name
        head = FunctionHead(function, as: .procedure, lexicalContext: lexicalContext, problems: &problems)
        if let hidden = head.hidden {
            if let publicMarker { problems.add(.publicIsHidden(hidden), at: publicMarker) }
            if !options.contains("private") { options.append("private") }
        }
        if let clause = function.signature.returnClause, !clause.isVoid {
            TypeCheck.check(clause.type, problems: &problems)
            result = clause.type.text
        } else {
            result = nil
        }
        if isScheduled { head.checkRow(of: function, .scheduledWithoutRow(.procedure), problems: &problems) }
    }
}

/// A `@Handler` function as the macro understands it.
struct HandlerModel {
    let head: FunctionHead
    let name: String
    /// Without the dot.
    let method: String
    /// The literal as it is written.
    let path: String

    private static let methods = ["any", "get", "head", "options", "put", "delete", "post", "patch"]

    init(_ function: FunctionDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems)
    {
        let arguments = attribute.labeledArguments
        let named = arguments.first { $0.label?.plainName == "name" }
        name =
            named.flatMap { literalName($0.expression, argument: "The handler's name", problems: &problems) }
            ?? function.name.plainName
        let route = arguments.filter { $0.label == nil }.map(\.expression)
        if route.count == 2 {
            method = Self.method(route[0], problems: &problems)
            path = Self.path(route[1], problems: &problems)
        } else {
            method = ""
            path = ""
            problems.add(.handlerRoute, at: attribute)
        }
        head = FunctionHead(function, as: .handler, lexicalContext: lexicalContext, problems: &problems)
        if function.signature.parameterClause.parameters.count != 2 || function.signature.returnClause == nil {
            problems.add(.handlerSignature, at: function.signature)
        }
    }

    private static func method(_ expression: ExprSyntax, problems: inout Problems) -> String {
        let name = expression.as(MemberAccessExprSyntax.self)?.declName.baseName.plainName
        if let name, methods.contains(name) { return name }
        problems.add(.unknownMethod(expression.trimmedDescription), at: expression)
        return ""
    }

    private static func path(_ expression: ExprSyntax, problems: inout Problems) -> String {
        guard let path = expression.as(StringLiteralExprSyntax.self)?.representedLiteralValue else {
            problems.add(.notALiteral(argument: "The handler's path"), at: expression)
            return ""
        }
        let isAllowed = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
        if !isAllowed || !(path.isEmpty || path.hasPrefix("/")) {
            problems.add(.invalidPath(path), at: expression)
        }
        return path
    }
}
