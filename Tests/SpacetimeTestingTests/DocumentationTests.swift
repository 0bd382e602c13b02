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
        "Sources/SpacetimeKit/SpacetimeKit.docc/FindingRows.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/TestingAModule.md",
        "Sources/SpacetimeKit/SpacetimeKit.docc/Concurrency.md",
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

    @Test func databasesThatSendEachOtherRowsLoseAndRepeatNone() throws {
        let (lobby, arena) = (try TestDatabase(Lobby.self), try TestDatabase(Arena.self))
        try connectDatabases(lobby.database, arena.database)
        for text in ["one", "two"] { try lobby.call(Lobby.send, "arena", text) }
        #expect(try lobby.rows(of: Outgoing.self).isEmpty)
        #expect(try arena.rows(of: Received.self).map(\.text).sorted() == ["one", "two"])
        // A message that comes again is known.
        try arena.call(Arena.receive, 2, "two")
        #expect(try arena.rows(of: Received.self).count == 2)
    }

    @Test func aReducerMayCallAnotherAsAFunction() throws {
        let library = try TestDatabase(Nested.self)
        try library.call(Nested.addAndLend, "On Computable Numbers", "Ada")
        #expect(try library.rows(of: Book.self).map(\.borrower) == ["Ada"])
    }

    @Test func theExamplesDoWhatTheySay() async throws {
        #expect(try await greet(Database.open(.inMemory, module: Library.self)) == 1)
        #expect(try overview() == 1)
        #expect(try openCallRead() == ["The Art of Computer Programming"])
        let game = try TestDatabase(Game.self)
        try game.call(Game.level, 1)
        #expect(try game.rows(of: Monster.self).isEmpty)
        func spawn(_ level: UInt16, _ weapon: Weapon, _ name: String) throws {
            let place = Position(x: Float(level), y: 0)
            try game.call(
                Game.spawn, Monster(id: 0, zone: 7, level: level, position: place, weapon: weapon, name: name))
        }
        try spawn(0, .fists, "Old Worm")
        try spawn(3, .sword(damage: 30), "Orc")
        try spawn(12, .bow(arrows: 2, range: 9), "Elf")
        #expect(try lookAround(game.database, marked: [1, 2]) == [1, 2, 1, 0, 3, 0, 3])
        try game.call(Game.clean, [7])
        #expect(try game.rows(of: Monster.self).map(\.name) == ["Orc", "Elf"])
    }
}

extension [String] {
    /// Whether these lines stand here one after the other.
    fileprivate func containsRun(_ run: [String]) -> Bool {
        guard let first = run.first else { return true }
        return indices.contains { self[$0] == first && self[$0...].starts(with: run) }
    }
}
