import SpacetimeBindings
import SpacetimeKit
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// `init` and `dev`.
@Suite(.timeLimit(.minutes(10))) struct ProjectTests {
    @Test(arguments: ProjectTemplate.allCases) func aPackageHasAllThatItNeeds(_ template: ProjectTemplate) throws {
        let package = ProjectPackage(
            name: "my-Talk", template: template, kit: try KitLocation("https://example.com/x/Kit.git"))
        let files = Dictionary(package.files.map { ($0.path, $0.text) }) { first, _ in first }
        #expect(package.databaseName == "my-talk")
        #expect(files.count == 9)
        for (path, text) in files {
            #expect(!text.contains("Template") && !text.contains("template-name"), "\(path)")
            #expect(text.hasSuffix("\n"), "\(path)")
        }
        let manifest = try #require(files["Package.swift"])
        #expect(manifest.contains(#".package(url: "https://example.com/x/Kit.git", branch: "main")"#))
        #expect(manifest.contains(#".product(name: "SpacetimeKit", package: "Kit")"#))
        #expect(manifest.contains(#"name: "MyTalkDatabase""#))
        let serve = try #require(files["Sources/Serve/Serve.swift"])
        #expect(serve.contains("import MyTalkDatabase\n"))
        #expect(serve.contains(#"as: "my-talk")"#))
        let configuration = try JSON(parsing: try #require(files["spacetime.json"]))
        #expect(configuration["database"] == .string("my-talk"))
        #expect(try ProjectConfiguration(json: configuration).targets(of: nil).isEmpty)
    }

    @Test func whereTheKitIsIsFoundOut() throws {
        let built = try KitLocation(nil)
        #expect(built.dependency.hasPrefix(".package(path: \"/"))
        #expect(try KitLocation("git@example.com:x/SpacetimeKit").identity == "SpacetimeKit")
        #expect(throws: CommandFailure.self) { try KitLocation("/nowhere/at/all") }
    }

    @Test func aFolderOfSomebodysOwnIsLeftAlone() async throws {
        for name in ["Tests", "1up", "a/b", ""] {
            let outcome = await runCommand(["init", name], environment: [:])
            #expect(outcome.code == (name == "Tests" ? 1 : 64), "\(name): \(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
    }

    @Test(arguments: ["hummingbird", "Swift-NIO", "swift-log"]) func aPackageIsNotCalledAsOneThatItNeeds(
        _ name: String
    ) async throws {
        let outcome = await runCommand(["init", name], environment: [:])
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("'\(name.lowercased())'"), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }

    @Test(arguments: ["a", "A9", "x-", "x_", "a--b", "A_b-C9", "int", "self", "serve", "database", "Kit2-3d"])
    func whateverTheNameIsThePackageHasNames(_ name: String) throws {
        let package = ProjectPackage(name: name, template: .empty, kit: try KitLocation("https://example.com/x/Kit"))
        let files = Dictionary(package.files.map { ($0.path, $0.text) }) { first, _ in first }
        let serve = try #require(files["Sources/Serve/Serve.swift"])
        let target = try #require(serve.firstMatch(of: #/import (\w+Database)\n/#)).1
        #expect(target.first?.isLetter == true && target.allSatisfy { $0.isASCII })
        // What a server takes as the name of a database.
        let isNamed = try #/[a-z0-9]+(-[a-z0-9]+)*/#.wholeMatch(in: package.databaseName) != nil
        #expect(isNamed, "\(package.databaseName)")
    }

    @Test func aFolderWithAnyNameCanBeWhereTheKitIs() throws {
        let directory = try TemporaryDirectory()
        let folder = directory.path + #"/a "b" \c"#
        try UserFile.makeDirectory(of: folder + "/Package.swift")
        try UserFile.write([], to: folder + "/Package.swift")
        let kit = try KitLocation(folder)
        #expect(kit.dependency.hasSuffix(#"/a \"b\" \\c")"#), "\(kit.dependency)")
        let manifest = ProjectPackage(name: "x", template: .empty, kit: kit).files[0].text
        #expect(manifest.contains(#"package: "a \"b\" \\c""#))
    }

    // MARK: dev

    /// A package that a script builds, whose program says which of its versions it is.
    private struct FakePackage {
        let path: String
        let tool: String

        init(in directory: TemporaryDirectory) throws {
            path = directory.path + "/talk"
            tool = directory.path + "/swift"
            try UserFile.makeDirectory(of: path + "/Sources/Serve/x", mode: 0o755)
            try UserFile.write(Array("manifest\n".utf8), to: path + "/Package.swift")
            try UserFile.write(Array(try Arcade.definitionJSON().utf8), to: path + "/definition.json")
            let configuration =
                #"{"module-path":".","generate":[{"language":"swift","out-dir":"code","namespace":"Game"}]}"#
            try UserFile.write(Array(configuration.utf8), to: path + "/spacetime.json")
            // What 'swift' is asked for, by the first words.
            let script = """
                #!/bin/sh
                case "$*" in
                *describe*) echo '{"products":[{"name":"serve","type":{"executable":null}}]}' ;;
                *--show-bin-path*) echo '\(path)/.build' ;;
                *) grep -q mistake '\(path)/Sources/Serve/Serve.swift' && { echo 'error: a mistake' >&2; exit 1; }
                   mkdir -p '\(path)/.build'
                   { echo '#!/bin/sh'
                     echo '[ "$1" = extract-schema ] && exec cat "\(path)/definition.json"'
                     echo "trap 'echo told to end; exit 0' TERM"
                     echo "echo version $(cat '\(path)/Sources/Serve/Serve.swift') with "'$4'
                     echo 'while :; do sleep 0.05; done'
                   } > '\(path)/.build/serve'
                   chmod +x '\(path)/.build/serve' ;;
                esac

                """
            try UserFile.write(Array(script.utf8), to: tool, mode: 0o755)
            try change("1")
        }

        func change(_ text: String) throws {
            try UserFile.write(Array(text.utf8), to: path + "/Sources/Serve/Serve.swift")
        }
    }

    @Test func aChangedSourceIsBuiltAndServedAnew() async throws {
        let directory = try TemporaryDirectory()
        let package = try FakePackage(in: directory)
        let screen = try PseudoTerminal(columns: 200)
        let session = CommandSession(
            terminal: screen.terminal, environment: ["SPACETIMEKIT_SWIFT": package.tool, "NO_COLOR": "1"])
        let development = Task {
            await CommandLineProgram.run(["dev", "--path", package.path, "--data", "kept"], in: session)
        }
        try await screen.expect("built in ")
        try await screen.expect("version 1 with \(package.path)/kept")
        // Generated before the next change is waited for.
        while try UserFile.read(package.path + "/code/Game.swift") == nil { await Task.yield() }

        try package.change("22")
        try await screen.expect("building")
        try await screen.expect("told to end")
        try await screen.expect("version 22")

        try package.change("a mistake")
        // What the tool says goes to the standard error of this process, and not to the terminal of the test.
        try await screen.expect("not built: ")
        try package.change("333")
        // The one before was still there.
        try await screen.expect("told to end")
        try await screen.expect("version 333")

        development.cancel()
        try await screen.expect("told to end")
        #expect(await development.value == 0)
    }

    @Test func dataCanBeElsewhere() async throws {
        let directory = try TemporaryDirectory()
        let package = try FakePackage(in: directory)
        let screen = try PseudoTerminal(columns: 200)
        let session = CommandSession(
            terminal: screen.terminal, environment: ["SPACETIMEKIT_SWIFT": package.tool, "NO_COLOR": "1"])
        let data = directory.path + "/elsewhere"
        let development = Task {
            await CommandLineProgram.run(["dev", "--path", package.path, "--data", data], in: session)
        }
        try await screen.expect("version 1 with \(data)")
        development.cancel()
        #expect(await development.value == 0)
    }

    @Test func whatIsNoPackageIsSaid() async throws {
        let directory = try TemporaryDirectory()
        let package = try FakePackage(in: directory)
        try UserFile.write(Array("#!/bin/sh\necho '{\"products\":[]}'\n".utf8), to: package.tool, mode: 0o755)
        let environment = ["SPACETIMEKIT_SWIFT": package.tool]
        let none = await runCommand(["dev", "--path", package.path], environment: environment)
        #expect(none.code == 64)
        #expect(none.errors.contains("has no program"))
        let missing = await runCommand(
            ["dev", "--path", package.path], environment: ["SPACETIMEKIT_SWIFT": directory.path + "/nothing"])
        #expect(missing.code == 1)
        #expect(missing.errors.contains("cannot be started"))
    }
}
