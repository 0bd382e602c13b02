import SwiftSyntax
import SwiftSyntaxMacros

/// A macro that only marks a column for `@Table` to read. It expands to nothing and checks that it stands where
/// `@Table` looks.
protocol MarkerMacro: PeerMacro {
    static var name: String { get }
}

extension MarkerMacro {
    static func expansion(
        of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
        in context: some MacroExpansionContext
    ) throws -> [DeclSyntax] {
        var problems = Problems()
        if !isInTable(context.lexicalContext) {
            problems.add(.orphanMarker(macro: name), at: node)
        } else if !isColumn(declaration) {
            problems.add(.markerOnNonColumn(macro: name), at: node)
        }
        problems.report(to: context)
        return []
    }

    private static func isInTable(_ lexicalContext: [Syntax]) -> Bool {
        guard let group = lexicalContext.first?.asProtocol((any DeclGroupSyntax).self) else { return false }
        return group.attributes.first(named: "Table") != nil
    }

    private static func isColumn(_ declaration: some DeclSyntaxProtocol) -> Bool {
        guard let variable = declaration.as(VariableDeclSyntax.self), !variable.isStatic else { return false }
        return variable.bindings.allSatisfy(\.isStored)
    }
}

/// `@PrimaryKey`
enum PrimaryKeyMacro: MarkerMacro { static let name = "PrimaryKey" }

/// `@Unique`
enum UniqueMacro: MarkerMacro { static let name = "Unique" }

/// `@AutoIncrement`
enum AutoIncrementMacro: MarkerMacro { static let name = "AutoIncrement" }

/// `@Indexed`
enum IndexedMacro: MarkerMacro { static let name = "Indexed" }

/// `@Default`
enum DefaultMacro: MarkerMacro { static let name = "Default" }
