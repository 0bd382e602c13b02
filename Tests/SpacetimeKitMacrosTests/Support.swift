import SwiftParser
import SwiftSyntax
import SwiftSyntaxBuilder
import SwiftSyntaxMacroExpansion
import SwiftSyntaxMacros
import SwiftSyntaxMacrosGenericTestSupport
import Testing

@testable import SpacetimeKitMacros

/// The macros under the names that users write.
let macros: [String: MacroSpec] = [
    "Table": MacroSpec(type: TableMacro.self, conformances: ["TableRow", "KeyedTableRow"]),
    "SpacetimeType": MacroSpec(type: SpacetimeTypeMacro.self, conformances: ["SpacetimeType"]),
    "Module": MacroSpec(type: ModuleMacro.self, conformances: ["ModuleDefinition"]),
    "Reducers": MacroSpec(type: ReducersMacro.self, conformances: ["ReducerGroup"]),
    "Reducer": MacroSpec(type: ReducerMacro.self),
    "Procedure": MacroSpec(type: ProcedureMacro.self),
    "Handler": MacroSpec(type: HandlerMacro.self),
    "View": MacroSpec(type: ViewMacro.self),
    "PrimaryKey": MacroSpec(type: PrimaryKeyMacro.self),
    "Unique": MacroSpec(type: UniqueMacro.self),
    "AutoIncrement": MacroSpec(type: AutoIncrementMacro.self),
    "Indexed": MacroSpec(type: IndexedMacro.self),
    "Default": MacroSpec(type: DefaultMacro.self),
]

/// What `source` becomes, white space aside.
func expectExpansion(_ source: String, _ expanded: String, at location: Testing.SourceLocation = #_sourceLocation) {
    assertMacroExpansion(
        source, expandedSource: expanded, macroSpecs: macros, indentationWidth: .spaces(4),
        failureHandler: { Issue.record("\($0.message)", sourceLocation: location) })
}

/// Expands `source`, in which the macros must find nothing wrong.
func expectNoRefusal(_ source: String, at location: Testing.SourceLocation = #_sourceLocation) {
    assertMacroExpansion(
        source, expandedSource: Refusal.expanded(source), macroSpecs: macros, indentationWidth: .spaces(4),
        failureHandler: { Issue.record("\($0.message)", sourceLocation: location) })
}

/// One thing that a macro refuses. In `source`, `»` stands before the place that the message points at.
struct Refusal: Sendable, CustomTestStringConvertible {
    let source: String
    let problem: MacroDiagnostic
    var fixIt: String?
    var fixed: String?

    init(_ source: String, _ problem: MacroDiagnostic, fixIt: String? = nil, fixed: String? = nil) {
        self.source = source
        self.problem = problem
        self.fixIt = fixIt
        self.fixed = fixed
    }

    var testDescription: String { "\(problem.diagnosticID): \(source.prefix(60))" }

    /// Expands the source: exactly this problem is reported, at its place, and its fix-it gives the fixed source.
    func check(at location: Testing.SourceLocation = #_sourceLocation) {
        guard let place = source.range(of: "»") else {
            Issue.record("no place is marked in \(source)", sourceLocation: location)
            return
        }
        let before = source[..<place.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
        let text = source.split(separator: "»", omittingEmptySubsequences: false).joined()
        let spec = DiagnosticSpec(
            id: problem.diagnosticID, message: problem.message, line: before.count,
            column: (before.last?.utf8.count ?? 0) + 1, fixIts: fixIt.map { [FixItSpec(message: $0)] } ?? [])
        assertMacroExpansion(
            text, expandedSource: Self.expanded(text), diagnostics: [spec], macroSpecs: macros, fixedSource: fixed,
            indentationWidth: .spaces(4),
            failureHandler: { Issue.record("\($0.message)", sourceLocation: location) })
    }

    // What remains of refused source is not the point, so it is computed, not written down.
    fileprivate static func expanded(_ text: String) -> String {
        let file = Parser.parse(source: text)
        let context = BasicMacroExpansionContext(
            sourceFiles: [file: .init(moduleName: "TestModule", fullFilePath: "test.swift")])
        return file.expand(
            macroSpecs: macros,
            contextGenerator: {
                BasicMacroExpansionContext(sharingWith: context, lexicalContext: $0.allMacroLexicalContexts())
            },
            indentationWidth: .spaces(4)
        ).description
    }
}

extension String {
    fileprivate func range(of character: Character) -> Range<String.Index>? {
        firstIndex(of: character).map { $0..<index(after: $0) }
    }
}
