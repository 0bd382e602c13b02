import Foundation
import SpacetimeKit
import SpacetimeTesting
import Testing

/// Keeps the articles' code true: it is compiled in `DocumentationExamples.swift`, and it runs.
struct DocumentationTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let documents = [
        "README.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/SpacetimeKit.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/GettingStarted.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/ModellingTables.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/TestingAModule.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/Schedules.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/Migrations.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/Guarantees.md",
    ]

    private func lines(of path: String) throws -> [String] {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test(arguments: documents)
    func everySwiftBlockIsCompiled(document: String) throws {
        let compiled = try lines(of: "Tests/SpacetimeTestingTests/DocumentationExamples.swift").filter { !$0.isEmpty }
        var block: [String]?
        var checked = 0
        for line in try lines(of: document) {
            if line == "```swift" {
                block = []
            } else if line == "```", let code = block {
                #expect(
                    compiled.containsRun(code),
                    "this code of \(document) is not compiled: \(code.joined(separator: "\n"))")
                checked += 1
                block = nil
            } else if block != nil, !line.isEmpty {
                block?.append(line)
            }
        }
        #expect(checked > 0 || document.hasSuffix("Guarantees.md"), "\(document) has no Swift block")
    }

    @Test func theExamplesDoWhatTheySay() throws {
        #expect(try overview() == 1)
        #expect(try openCallRead() == ["The Art of Computer Programming"])
        let game = try TestDatabase(Game.self)
        try game.call(Game.level, 1)
        #expect(try game.rows(of: Monster.self).isEmpty)
    }
}

extension [String] {
    /// Whether these lines stand here one after the other.
    fileprivate func containsRun(_ run: [String]) -> Bool {
        guard let first = run.first else { return true }
        return indices.contains { self[$0] == first && self[$0...].starts(with: run) }
    }
}
