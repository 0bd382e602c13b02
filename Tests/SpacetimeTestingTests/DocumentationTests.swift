import Foundation
import SpacetimeKit
import SpacetimeTesting
import Testing

/// Keeps the code of articles and comments true: it is compiled in the files `DocumentationExamples*.swift`, and it runs.
struct DocumentationTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// README and every article. What is no code of a program, as a line of a manifest, is not marked as Swift.
    static let documents = ["README.md"] + files(in: "Sources") { $0.pathExtension == "md" }

    /// The comments of the schema's target are for its own tests: it has no public symbol.
    static let publicSources = files(in: "Sources") {
        $0.pathExtension == "swift" && !$0.path.contains("/SpacetimeSchema/")
    }

    private static func files(in folder: String, where isWanted: (URL) -> Bool) -> [String] {
        let files = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
        return (files?.compactMap { $0 as? URL } ?? []).filter(isWanted)
            .map { String($0.path.dropFirst(root.path.count + 1)) }.sorted()
    }

    private func lines(of path: String) throws -> [String] {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The lines of a file without empty ones, comments, and imports, of which a file has those of all its examples.
    private func code(of lines: [String]) -> [String] {
        lines.filter { !$0.isEmpty && !$0.hasPrefix("import ") && !$0.hasPrefix("//") }
    }

    /// The Swift blocks of an article, or of the comments of a source.
    private func swiftBlocks(of document: String) throws -> [[String]] { try blocks(of: document, "swift") }

    private func blocks(of document: String, _ language: String) throws -> [[String]] {
        var blocks: [[String]] = []
        var block: [String]?
        let isSource = document.hasSuffix(".swift")
        for var line in try lines(of: document) {
            if isSource { line = String(line.trimmingPrefix("///")).trimmingCharacters(in: .whitespaces) }
            if line == "```" + language {
                block = []
            } else if line == "```", let whole = block {
                blocks.append(code(of: whole))
                block = nil
            } else {
                block?.append(line)
            }
        }
        return blocks
    }

    @Test func everySwiftBlockIsCompiled() throws {
        // The last is what .ci/check-swiftui compiles.
        let compiled = try Self.files(in: "Tests") { file in
            ["DocumentationExamples", "/SplitModule/", "/SwiftUIStub/"].contains { file.path.contains($0) }
        }
        .map { code(of: try lines(of: $0)) }
        var checked = 0
        for document in Self.documents + Self.publicSources {
            for block in try swiftBlocks(of: document) {
                #expect(
                    compiled.contains { $0.containsRun(block) },
                    "this code of \(document) is not compiled: \(block.joined(separator: "\n"))")
                checked += 1
            }
        }
        #expect(checked > 90, "only \(checked) blocks were found in \(Self.documents) and the comments")
    }

    @Test func everySQLBlockRuns() throws {
        let db = try Database.open(.inMemory, module: Bestiary.self)
        var checked = 0
        for document in Self.documents {
            for block in try blocks(of: document, "sql") {
                for statement in block.joined(separator: " ").split(separator: ";") {
                    let values: [String: SQLValue] = statement.contains(":level") ? ["level": 2] : [:]
                    do { try db.sql(String(statement), values) } catch {
                        Issue.record("\(document): \(statement): \(error)")
                    }
                    checked += 1
                }
            }
        }
        #expect(checked >= 18)
        #expect(try sqlComments(db, 1) == 6)
        let library = try Database.open(.inMemory, module: Library.self)
        try library.call(Library.add, "Emma", "A")
        try library.call(Library.lend, 1, "Ada")
        #expect(try overdue(library, "Ada") == ["Emma"])
    }

    /// A page that nothing leads to is read by nobody.
    @Test func everyArticleIsOnTheLandingPageOfItsTarget() throws {
        let readme = try lines(of: "README.md").joined(separator: "\n")
        // What stands in `Symbols` sorts the members of a type.
        for document in Self.documents where document.contains(".docc/") && !document.contains("/Symbols/") {
            let name = URL(filePath: document).deletingPathExtension().lastPathComponent
            let folder = URL(filePath: document).deletingLastPathComponent()
            let target = folder.deletingPathExtension().lastPathComponent
            let landing = try lines(of: "Sources/\(target)/\(target).docc/\(target).md")
            #expect(name == target || landing.contains("- <doc:\(name)>"), "\(document) is not listed")
            if target == "SpacetimeKit" && name != target {
                #expect(readme.contains("[\(name)](\(document))"), "README does not lead to \(document)")
            }
        }
    }

    @Test func everyErrorCodeIsExplained() throws {
        let codes = try lines(of: "Sources/SpacetimeHost/Errors/DatabaseError.swift")
            .compactMap { $0.wholeMatch(of: /public static let (\w+) = Code\(.*/).map { String($0.1) } }
        let article = try lines(of: "Sources/SpacetimeKit/SpacetimeKit.docc/Errors.md").joined(separator: "\n")
        for code in codes { #expect(article.contains("``DatabaseError/Code/\(code)``"), "\(code) is not explained") }
        #expect(codes.count > 20)
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

    @Test func theGuidesDoWhatTheySay() async throws {
        #expect(try callByName(openNotes(archives: ["old"])) == 1)
        #expect(try callAsAValue() == 1)
        #expect(try writeAndRead() == .unixEpoch)
        let storage = Storage.directory("library", .simulated(SimulatedDisk()))
        let db = try await Database.open(storage, module: Library.self)
        let observer = try await db.subscribe(Book.all, onChange: { _ in })
        let shelf = try { try Shelf(db) }()
        #expect(try await add(db, title: "Sketch of the Analytical Engine") == "201 Created, in commit 1")
        #expect(try await add(db, title: "") == "400 Bad Request: a book needs a title")
        shelf.update()
        #expect(shelf.titles == [1: "Sketch of the Analytical Engine"])
        #expect(try gauges(db)["rows_book"] == 1)
        try await shutDown(db, [try { try db.connect(as: "ada") }()])
        #expect(!observer.isActive)
        await #expect(throws: DatabaseError.self) { try await add(db, title: "too late") }
    }

    @Test func theExampleOfRelationsDoesWhatItSays() throws {
        let test = try TestDatabase(Guilds.self)
        let (ada, bob) = (try test.connect(as: "ada"), try test.connect(as: "bob"))
        for client in [ada, bob] { try client.call(Guilds.join, "Analysts") }
        try ada.call(Guilds.join, "Weavers")
        func names(_ client: TestClient<Guilds>) throws -> [String] {
            try test.read { Guilds.guilds(of: client.identity, in: $0).map(\.name).sorted() }
        }
        #expect(try names(ada) == ["Analysts", "Weavers"])
        try test.call(Guilds.dissolve, 1)
        #expect(try names(ada) == ["Weavers"])
        #expect(try names(bob).isEmpty)
    }

    @Test func theExampleOfErrorsDoesWhatItSays() throws {
        let arcade = try Database.open(.inMemory, module: Arcade.self)
        #expect(try register(arcade, Identity(issuer: "localhost", subject: "eve")))
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
        #expect(try await report(game.database.snapshot()) == ["2 of 3", "Old Worm", "Orc", "Old Worm"])
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
