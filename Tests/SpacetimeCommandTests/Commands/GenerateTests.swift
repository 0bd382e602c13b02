import ArgumentParser
import SpacetimeBindings
import SpacetimeKit
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// `generate`: where the schema comes from, and what becomes of files.
@Suite(.timeLimit(.minutes(10))) struct GenerateTests {
    private static let source = String(#filePath.dropLast("SpacetimeCommandTests/Commands/GenerateTests.swift".count))

    /// The definition of the arcade, in a folder.
    private func withDefinition(_ body: (String, TemporaryDirectory) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/game.json"
        try UserFile.write(Array(try Arcade.definitionJSON().utf8), to: file)
        try await body(file, directory)
    }

    private func run(_ arguments: String..., input: String = "", isTerminal: Bool = false) async -> Outcome {
        await runCommand(arguments, input: input, environment: [:], isTerminal: isTerminal)
    }

    private func text(_ path: String) throws -> String? {
        try UserFile.read(path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func theCodeForARunningDatabaseIsWhatTestsAreCompiledWith() async throws {
        try await withServer(hosting: Arcade.self, as: "game") { server in
            let folder = server.directory.path + "/code"
            let outcome = await server.run("generate", "--lang", "swift", "game", "--out-dir", folder)
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.output == "\(folder)/Game.swift\n")
            let written = try text(folder + "/Game.swift")
            #expect(try written == text(Self.source + "GeneratedCode/Game.swift"))
            let missing = await server.run("generate", "--lang", "swift", "gme", "--out-dir", folder)
            #expect(missing.code == 1)
            #expect(missing.errors.contains("gme"))
        }
    }

    @Test func aDefinitionComesOutOfAFileAProgramOrAPipe() async throws {
        try await withDefinition { file, directory in
            let folder = directory.path + "/code"
            #expect(await run("generate", "-l", "swift", "-b", file, "-o", folder).code == 0)
            let written = try text(folder + "/Game.swift")
            #expect(try written == text(Self.source + "GeneratedCode/Game.swift"))

            let program = directory.path + "/game"
            let script = "#!/bin/sh\n[ \"$1\" = extract-schema ] && exec cat '\(file)'\necho started as a server\n"
            try UserFile.write(Array(script.utf8), to: program, mode: 0o755)
            let again = await run("generate", "-l", "swift", "-b", program, "-o", folder)
            #expect(again.code == 0, "\(again.errors)")
            #expect(again.output.isEmpty, "nothing has changed")
            #expect(again.errors.contains("nothing has changed"))

            let piped = await run(
                "generate", "-l", "swift", "--module-def", "-", "--namespace", "Game", "-o", folder,
                input: try Arcade.definitionJSON())
            #expect(piped.code == 0, "\(piped.errors)")
            #expect(piped.output.isEmpty)
        }
    }

    @Test func aProgramThatDoesNotAnswerIsToldHowTo() async throws {
        let directory = try TemporaryDirectory()
        let program = directory.path + "/other"
        for script in ["#!/bin/sh\nexit 3\n", "#!/bin/sh\nkill -9 $$\n", "#!/bin/sh\n"] {
            try UserFile.write(Array(script.utf8), to: program, mode: 0o755)
            let outcome = await run("generate", "-l", "rust", "-b", program, "-o", directory.path)
            #expect(outcome.code == 64)
            #expect(outcome.errors.contains("definitionJSON()"), "\(outcome.errors)")
        }
        try UserFile.write(Array("#!/bin/sh\necho '{\"V10\": 1}'\n".utf8), to: program, mode: 0o755)
        let broken = await run("generate", "-l", "rust", "-b", program, "-o", directory.path)
        #expect(broken.code == 64)
        #expect(broken.errors.contains("is no module definition"))
    }

    // MARK: Files

    @Test func filesThatAreNoLongerWantedGoAfterAQuestionAndOthersStay() async throws {
        try await withDefinition { file, directory in
            let folder = directory.path + "/code"
            let arguments = ["generate", "-l", "ts", "--client", "stock", "-b", file, "-o", folder]
            #expect(await runCommand(arguments, environment: [:]).code == 0)
            let outdated = folder + "/lib/old_table.ts"
            let original = folder + "/gone_reducer.ts"
            let own = folder + "/lib/mine.ts"
            try UserFile.makeDirectory(of: outdated)
            try UserFile.write(Array((Bindings.marker + "\n").utf8), to: outdated)
            try UserFile.write(Array((Bindings.originalMarker + ". EDITS\n").utf8), to: original)
            try UserFile.write(Array("// mine\n".utf8), to: own)

            let asked = await runCommand(arguments, environment: [:])
            #expect(asked.code == 2, "nobody can be asked in a pipe")
            #expect(asked.errors.contains(outdated) && asked.errors.contains(original))
            #expect(!asked.errors.contains(own))
            #expect(try text(outdated) != nil)

            let agreed = await runCommand(arguments + ["-y"], environment: [:])
            #expect(agreed.code == 0, "\(agreed.errors)")
            #expect(try text(outdated) == nil && text(original) == nil)
            #expect(try text(own) == "// mine\n")
            #expect(try text(folder + "/index.ts") != nil)
        }
    }

    @Test func aFileOfSomebodysOwnIsNotOverwritten() async throws {
        try await withDefinition { file, directory in
            let folder = directory.path + "/code"
            let own = folder + "/mod.rs"
            try UserFile.makeDirectory(of: own)
            try UserFile.write(Array("// mine\n".utf8), to: own)
            let outcome = await run("generate", "-l", "rust", "-b", file, "-o", folder)
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains(own))
            #expect(try text(own) == "// mine\n")
            // A folder of the original's is taken over.
            try UserFile.write(Array((Bindings.originalMarker + "\n").utf8), to: own)
            #expect(await run("generate", "-l", "rust", "-b", file, "-o", folder).code == 0)
        }
    }

    // MARK: What is wanted

    @Test func mistakesInTheArgumentsAreSaid() async throws {
        try await withDefinition { file, directory in
            let wrong: [([String], String)] = [
                (["-l", "perl", "-b", file], "perl"),
                (["-l", "rust", "-b", file, "--namespace", "X"], "--namespace"),
                (["-l", "swift", "-b", file, "--client", "stock"], "--client"),
                (["-l", "swift", "-b", file, "chat"], "one of"),
                (["-l", "swift"], "not said what the code is for"),
                (["-l", "swift", "-b", directory.path + "/nothing.wasm"], "there is no file"),
                (["-l", "swift", "-p", directory.path], "Package.swift"),
                (["-l", "ts", "-b", file, "--import-extension", ".js"], "--import-extension"),
            ]
            for (arguments, text) in wrong {
                let outcome = await runCommand(["generate", "-o", directory.path] + arguments, environment: [:])
                #expect(outcome.code == 64, "\(arguments)")
                #expect(outcome.errors.contains(text), "\(arguments): \(outcome.errors)")
            }
        }
    }

    @Test func whatNoCodeCanBeWrittenForIsNamed() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/bad.json"
        try UserFile.write(Array(#"{"V10":{"sections":[{"Types":[]},{"Tables":[]}]}}"#.utf8), to: file)
        #expect(await run("generate", "-l", "cs", "-b", file, "-o", directory.path + "/code").code == 0)
        let clash = #"{"V10":{"sections":[{"Reducers":[\#(reducer("go")),\#(reducer("go_then"))]}]}}"#
        try UserFile.write(Array(clash.utf8), to: file)
        let outcome = await run("generate", "-l", "rust", "-b", file, "-o", directory.path + "/code")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("'go'") && outcome.errors.contains("'go_then'"), "\(outcome.errors)")
    }

    private func reducer(_ name: String) -> String {
        #"{"source_name":"\#(name)","params":{"elements":[]},"visibility":{"ClientCallable":[]},"ok_return_type":"#
            + #"{"Product":{"elements":[]}},"err_return_type":{"String":[]}}"#
    }

    @Test func theProjectsFileSaysWhatIsWanted() throws {
        let json = try JSON(
            parsing: """
                {"database":"chat","module-path":"server","generate":[
                   {"language":"typescript","out-dir":"web"},{"language":"csharp","namespace":"Chat","include-private":true},
                   {"language":"typescript","out-dir":"web"}],
                 "children":[{"database":"chat-2"},{"database":"other","bin-path":"other.wasm","generate":[{"language":"rs"}]}]}
                """)
        let configuration = ProjectConfiguration(json: json)
        let all = try configuration.targets(of: nil)
        #expect(all.map(\.language) == [.typescript, .csharp, .rust], "equal ones are done once")
        #expect(all[0].source == .package("server"))
        #expect(all[0].folder == "web")
        #expect(all[1].namespace == "Chat" && all[1].includesPrivate)
        #expect(all[2].source == .file("other.wasm"))
        #expect(try configuration.targets(of: "oth*").map(\.language) == [.rust])
        #expect(try configuration.targets(of: "chat*").count == 2)
        #expect(try configuration.targets(of: "nobody").isEmpty)
        let swift = """
            {"database":"my-chat","module-path":".","generate":[{"language":"swift"},{"language":"swift","namespace":"X"}]}
            """
        let named = try ProjectConfiguration(json: try JSON(parsing: swift)).targets(of: nil)
        // Not that of the folder or of the program, which are others in `dev`.
        #expect(named.map(\.namespace) == ["my-chat", "X"])
        let bad = ProjectConfiguration(json: try JSON(parsing: #"{"database":"a","generate":[{"language":"perl"}]}"#))
        #expect(throws: CommandFailure.self) { try bad.targets(of: nil) }
    }

    @Test func whatIsSaidGoesBeforeTheProjectsFile() throws {
        let configuration = ProjectConfiguration(
            json: try JSON(
                parsing:
                    #"{"database":"a","generate":[{"language":"ts","out-dir":"web"},{"language":"cs","namespace":"A"}]}"#
            ))
        let targets = try configuration.targets(of: nil)
        func chosen(_ arguments: String...) throws -> [GenerationTarget] {
            try GenerateCommand.parse(arguments).chosen(targets)
        }
        #expect(try chosen() == targets)
        let csharp = try chosen("--lang", "cs", "--namespace", "B", "--out-dir", "x", "--include-private")
        #expect(csharp.map(\.namespace) == ["B"] && csharp.map(\.folder) == ["x"])
        #expect(csharp.map(\.includesPrivate) == [true])
        #expect(try chosen("--lang", "rust").isEmpty)
        // All in one place would be one in the place of the other.
        #expect(throws: CommandFailure.self) { try chosen("--out-dir", "x") }
        #expect(throws: (any Error).self) { try chosen("--lang", "ts", "--namespace", "B") }
    }

    @Test func pathsOfAPackageAreMeantInItsFolder() {
        func target(_ source: GenerationTarget.Source, _ folder: String?) -> GenerationTarget {
            GenerationTarget(source: source, language: .rust, folder: folder, namespace: nil, includesPrivate: false)
                .in("pkg", builtAs: "/b/serve")
        }
        #expect(target(.package("."), nil).source == .file("/b/serve"))
        #expect(target(.package("."), nil).folder == "pkg/src/module_bindings")
        #expect(target(.file("chat.wasm"), "/web").source == .file("pkg/chat.wasm"))
        #expect(target(.file("/chat.wasm"), "/web").source == .file("/chat.wasm"))
        #expect(target(.database("a"), "/web").folder == "/web")
    }

    @Test(arguments: [
        ("chat", "chat", true), ("chat", "ch*", true), ("chat", "*at", true), ("chat", "c*t", true),
        ("chat", "*", true),
        ("chat", "c*a*t", true), ("chat", "chat*chat", false), ("chat", "x*", false), ("chat", "c*x*t", false),
    ])
    func aStarStandsForAnyLetters(_ text: String, _ pattern: String, _ fits: Bool) {
        #expect(ProjectConfiguration.matches(text, pattern) == fits)
    }
}
