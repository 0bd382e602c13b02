import SwiftSyntax
import SwiftSyntaxMacros

/// A macro whose output is text that is laid out already.
///
/// A program has thousands of expansions, and the plugin that makes them is compiled without optimisation in debug
/// builds. There, parsing the generated text into a tree and laying that out anew took more than two thirds of the time
/// of building a module with many tables. The compiler parses the text anyway.
protocol TextMacro: Macro {}

extension TextMacro {
    static var formatMode: FormatMode { .disabled }
}

extension DeclSyntax {
    /// A declaration of which nothing but its text is known.
    init(text: String) { self.init(MissingDeclSyntax(placeholder: .identifier(text))) }
}

extension ExtensionDeclSyntax {
    /// `nonisolated extension Type: Protocols { body }`
    init(_ type: some TypeSyntaxProtocol, protocols: [String], body: String) {
        let inherited = protocols.enumerated().map { position, name in
            InheritedTypeSyntax(
                type: IdentifierTypeSyntax(name: .identifier(name)),
                trailingComma: position == protocols.count - 1 ? nil : .commaToken(trailingTrivia: .space))
        }
        self.init(
            modifiers: [DeclModifierSyntax(name: .keyword(.nonisolated, trailingTrivia: .space))],
            extensionKeyword: .keyword(.extension, trailingTrivia: .space),
            extendedType: type.trimmed,
            inheritanceClause: InheritanceClauseSyntax(
                colon: .colonToken(trailingTrivia: .space), inheritedTypes: InheritedTypeListSyntax(inherited)),
            memberBlock: MemberBlockSyntax(
                leftBrace: .leftBraceToken(leadingTrivia: .space, trailingTrivia: .newline),
                members: body.isEmpty ? [] : [MemberBlockItemSyntax(decl: DeclSyntax(text: body + "\n"))]))
    }
}
