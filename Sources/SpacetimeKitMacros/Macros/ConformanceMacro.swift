import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacros

/// A macro that gives a type members and conformances.
///
/// Members are generated inside the type, where other types can be named exactly as the user wrote them. The extension
/// stands at file scope, where names beside a nested type are unknown, so its content names none of the user's types.
protocol ConformanceMacro: MemberMacro, ExtensionMacro, TextMacro {
    /// What to add to `declaration`, or anything after noting what is wrong with it.
    static func additions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, lexicalContext: [Syntax],
        problems: inout Problems
    ) -> Additions?
}

/// Source text that a macro adds to a type.
struct Additions {
    /// Made only when the members are asked for: the extension is asked for by itself.
    let members: () -> [String]
    /// The protocols of the library that the type conforms to. Each is named, also one that another implies: the
    /// compiler does not look further for a conformance that a macro announces.
    let protocols: [String]
    /// The content of the extension: an initialiser, which in a struct would take the memberwise one away, or what is to
    /// be checked before the members are.
    let extensionBody: String

    init(members: @escaping @autoclosure () -> [String], protocols: [String], extensionBody: String = "") {
        self.members = members
        self.protocols = protocols
        self.extensionBody = extensionBody
    }
}

extension ConformanceMacro {
    static func expansion(
        of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax,
        conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        if isLocal(context.lexicalContext) {
            problems.add(.localType(macro: node.macroName ?? ""), at: node)
            problems.report(to: context)
            return []
        }
        // Every other problem is reported together with the extension: the compiler asks for the members of an enum
        // late, and not at all if it has found errors before.
        let additions = checkedAdditions(to: declaration, attribute: node, in: context, problems: &problems)
        guard problems.isEmpty, let additions else { return [] }
        return additions.members().map { DeclSyntax(text: $0) }
    }

    static func expansion(
        of node: AttributeSyntax, attachedTo declaration: some DeclGroupSyntax,
        providingExtensionsOf type: some TypeSyntaxProtocol, conformingTo protocols: [TypeSyntax],
        in context: some MacroExpansionContext
    ) throws -> [ExtensionDeclSyntax] {
        guard !isLocal(context.lexicalContext) else { return [] }
        var problems = Problems()
        let additions = checkedAdditions(to: declaration, attribute: node, in: context, problems: &problems)
        guard problems.isEmpty, let additions else {
            problems.report(to: context)
            return []
        }
        let body = additions.extensionBody.isEmpty ? "" : "    \(additions.extensionBody.indented(1))"
        return [
            ExtensionDeclSyntax(type, protocols: additions.protocols.map { "SpacetimeKit.\($0)" }, body: body)
        ]
    }

    private static func checkedAdditions(
        to declaration: some DeclGroupSyntax, attribute: AttributeSyntax, in context: some MacroExpansionContext,
        problems: inout Problems
    ) -> Additions? {
        if let actor = declaration.attributes.globalActor {
            problems.add(.isolatedType(macro: attribute.macroName ?? "", actor: actor.macroName ?? ""), at: actor)
        }
        reportPrivate([Syntax(declaration)] + context.lexicalContext, problems: &problems)
        return additions(
            to: declaration, attribute: attribute, lexicalContext: context.lexicalContext, problems: &problems)
    }

    /// Notes a problem if the type, or a type that it is nested in, is `private` inside another type.
    ///
    /// - Parameter chain: the type and what it is nested in, innermost first. `private` on the last one means private to the
    private static func reportPrivate(_ chain: [Syntax], problems: inout Problems) {
        for (declaration, around) in zip(chain, chain.dropFirst()) {
            let modifiers = declaration.asProtocol((any WithModifiersSyntax).self)?.modifiers
            guard let hidden = modifiers?.first(where: { $0.name.tokenKind == .keyword(.private) }),
                around.asProtocol((any DeclGroupSyntax).self) != nil
            else { continue }
            let fix = FixIt.replace(
                "Replace 'private' by 'fileprivate'", hidden.name,
                by: hidden.name.with(\.tokenKind, .keyword(.fileprivate)))
            // Only the declaration itself stands in the source that the macro may point at.
            let isOwn = declaration == chain[0]
            problems.add(.privateType, at: isOwn ? Syntax(hidden) : chain[0], fixIts: isOwn ? [fix] : [])
        }
    }

    /// Whether a declaration stands in a function. Types there cannot be extended.
    private static func isLocal(_ lexicalContext: [Syntax]) -> Bool {
        lexicalContext.contains { $0.asProtocol((any DeclGroupSyntax).self) == nil }
    }
}

extension DeclGroupSyntax {
    /// What the declaration is, with an article.
    var kindName: String {
        switch Syntax(self).kind {
        case .classDecl: "a class"
        case .enumDecl: "an enum"
        case .actorDecl: "an actor"
        case .protocolDecl: "a protocol"
        case .structDecl: "a struct"
        default: "an extension"
        }
    }
}
