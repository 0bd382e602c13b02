import SwiftDiagnostics
import SwiftSyntax
import SwiftSyntaxMacros

/// Collects what is wrong with a declaration, so that one build shows all of it.
struct Problems {
    private(set) var list: [Diagnostic] = []

    var isEmpty: Bool { list.isEmpty }

    /// Notes a problem at `node`, with fix-its where the repair is certain.
    mutating func add(_ problem: MacroDiagnostic, at node: some SyntaxProtocol, fixIts: [FixIt] = []) {
        list.append(Diagnostic(node: Syntax(node), message: problem, fixIts: fixIts))
    }

    /// Notes that a declaration should be an enum.
    mutating func addNeedsEnum(_ problem: MacroDiagnostic, _ declaration: some DeclGroupSyntax) {
        let keyword = declaration.introducer
        var fixIts: [FixIt] = []
        if declaration.is(StructDeclSyntax.self) || declaration.is(ClassDeclSyntax.self) {
            let replaced = keyword.with(\.tokenKind, .keyword(.enum))
            fixIts = [.replace("Replace '\(keyword.text)' by 'enum'", keyword, by: replaced)]
        }
        add(problem, at: keyword, fixIts: fixIts)
    }

    /// Hands everything to the compiler.
    func report(to context: some MacroExpansionContext) {
        for diagnostic in list { context.diagnose(diagnostic) }
    }
}

/// The text of a fix-it, an order such as "Replace 'Int' by 'Int64'".
struct FixItText: FixItMessage {
    let message: String
    var fixItID: MessageID { MessageID(domain: "SpacetimeKit", id: message) }
}

extension FixIt {
    /// Replaces `old` by `new`.
    static func replace(_ message: String, _ old: some SyntaxProtocol, by new: some SyntaxProtocol) -> FixIt {
        FixIt(message: FixItText(message: message), changes: [.replace(oldNode: Syntax(old), newNode: Syntax(new))])
    }
}
