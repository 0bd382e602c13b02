import SwiftSyntax

/// A `@Reducers(of:)` enum as the macro understands it.
struct ReducerGroupModel {
    /// The type of the module, as written in the attribute.
    let module: String
    let access: Access
    let reducers: [ModuleModel.Registration]

    /// Nil if the attribute names no module; the problem is noted then.
    init?(
        _ declaration: EnumDeclSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax], problems: inout Problems
    ) {
        if let generics = declaration.genericParameterClause {
            problems.add(.genericType(macro: "Reducers"), at: generics)
        }
        var scan = ReducerScan(lexicalContext: [Syntax(declaration)] + lexicalContext)
        reducers = scan.registrations(in: declaration.memberBlock.members, problems: &problems)
        access = Access(declaration.modifiers, in: lexicalContext)
        guard let module = attribute.moduleOfGroup else {
            problems.add(.groupWithoutModule, at: attribute)
            return nil
        }
        self.module = module
    }
}

extension AttributeSyntax {
    /// The module that `@Reducers(of: Game.self)` names: `Game`.
    var moduleOfGroup: String? {
        guard let argument = labeledArguments.first(where: { $0.label?.plainName == "of" })?.expression else {
            return nil
        }
        return metatypeBase(argument)?.trimmedDescription
    }
}

/// The type that an expression such as `Message.self` names.
func metatypeBase(_ expression: ExprSyntax) -> ExprSyntax? {
    guard let access = expression.as(MemberAccessExprSyntax.self),
        access.declName.baseName.tokenKind == .keyword(.self), let base = access.base,
        base.is(DeclReferenceExprSyntax.self) || base.is(MemberAccessExprSyntax.self)
    else { return nil }
    return base
}
