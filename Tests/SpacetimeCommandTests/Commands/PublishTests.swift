import Logging
import SpacetimeHost
import SpacetimeSATS
import SpacetimeServer
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// Publishing, against a server that runs stand-ins for programs.
@Suite struct PublishTests {
    /// Takes the mark of WebAssembly off a program, behind which a stand-in is.
    private struct Loader: ModuleLoader {
        func load(_ program: ModuleProgram) throws(DatabaseError) -> any ModuleHost {
            try StandInLoader().load(ModuleProgram(.webAssembly, Array(program.bytes.dropFirst(4))))
        }
    }

    /// A server that takes modules, and a place for files.
    private struct Publisher: Sendable {
        let directory: TemporaryDirectory
        let address: String

        func module(_ name: String, _ lines: String...) throws -> String {
            let path = directory.path + "/\(name).wasm"
            let text = (["stand-in"] + lines).joined(separator: "\n")
            try UserFile.write([0, 0x61, 0x73, 0x6D] + Array(text.utf8), to: path)
            return path
        }

        func run(_ arguments: String..., isTerminal: Bool = false) async -> Outcome {
            await run(arguments, isTerminal: isTerminal)
        }

        var environment: [String: String] {
            [
                "SPACETIMEKIT_CONFIG": directory.path + "/config.json", "SPACETIMEKIT_SERVER": address,
                "NO_COLOR": "1",
            ]
        }

        func run(_ arguments: [String], isTerminal: Bool = false) async -> Outcome {
            await runCommand(arguments, environment: environment, isTerminal: isTerminal, width: 80)
        }
    }

    private func withPublisher(_ body: @escaping @Sendable (Publisher) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        var options = ServerOptions.test()
        options.publishing.runtime = ModuleRuntime(Loader())
        let server = SpacetimeServer(
            options: options, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { do { try await server.run() } catch is CancellationError {} }
            defer { group.cancelAll() }
            let port = try await server.waitUntilListening()
            try await body(Publisher(directory: directory, address: "http://127.0.0.1:\(port)"))
        }
    }

    @Test func aModuleIsPublishedUpdatedAndCalled() async throws {
        try await withPublisher { publisher in
            let first = try publisher.module("first", "init one")
            let dry = await publisher.run("publish", first, "world", "--dry-run")
            #expect(dry.code == 0)
            #expect(dry.errors.contains("a new database 'world' would be made"))
            #expect(dry.output.isEmpty)
            let created = await publisher.run("publish", first, "world")
            #expect(created.code == 0, "\(created.errors)")
            #expect(created.output.hasPrefix("identity: c200"))
            #expect(created.errors.contains("created world"))
            let identity = created.output.trimmed.dropFirst("identity: ".count)
            #expect(await publisher.run("call", "world", "add", "two").code == 0)
            let second = try publisher.module("second", "init one", "table other")
            let updated = await publisher.run("publish", second, "world", "--json")
            #expect(updated.code == 0, "\(updated.errors)")
            #expect(updated.errors.contains("other"), "the plan is shown")
            let answer = try JSON(parsing: updated.output)
            #expect(answer["op"] == .string("updated"))
            #expect(answer["database_identity"] == .string(String(identity)))
            #expect(await publisher.run("describe", "world").output.contains("other"))
            #expect(await publisher.run("list").output.contains("world"))
            #expect(await publisher.run("publish", first).output.hasPrefix("identity: c200"), "names are not needed")
        }
    }

    @Test func whatBreaksClientsIsAgreedTo() async throws {
        try await withPublisher { publisher in
            #expect(await publisher.run("publish", try publisher.module("a"), "world").code == 0)
            let wider = try publisher.module("b", "column")
            let asked = await publisher.run("publish", wider, "world")
            #expect(asked.code == 2, "\(asked.errors)")
            #expect(asked.errors.contains("--break-clients"))
            #expect(!(await publisher.run("describe", "world").output.contains("level")))
            #expect(await publisher.run("publish", wider, "world", "--break-clients").code == 0)
            #expect(await publisher.run("describe", "world").output.contains("level"))
        }
    }

    /// Otherwise it would print nothing any more, of other tables neither, and wait for ever.
    @Test func whoWatchesATableThatGoesIsTold() async throws {
        try await withPublisher { publisher in
            let first = try publisher.module("a", "init one", "table other")
            #expect(await publisher.run("publish", first, "world").code == 0)
            let screen = try PseudoTerminal(columns: 200)
            let session = CommandSession(terminal: screen.terminal, environment: publisher.environment)
            async let code = CommandLineProgram.run(
                ["subscribe", "world", "SELECT * FROM item", "SELECT * FROM other"], in: session)
            try await screen.expect("+ item id=1 name=one\r\n")
            let second = try publisher.module("b", "init one")
            #expect(await publisher.run("publish", second, "world", "--break-clients").code == 0)
            try await screen.expect("other")
            #expect(await code == 1)
        }
    }

    @Test func newCodeAloneChangesNoTables() async throws {
        try await withPublisher { publisher in
            #expect(await publisher.run("publish", try publisher.module("a"), "world").code == 0)
            let update = await publisher.run("publish", try publisher.module("b", "prefix new"), "world")
            #expect(update.code == 0)
            #expect(update.errors.contains("no table changes\nupdated world"), "\(update.errors)")
        }
    }

    @Test func whatCannotGoOnIsToldWithAWayOut() async throws {
        try await withPublisher { publisher in
            #expect(await publisher.run("publish", try publisher.module("a", "column"), "world").code == 0)
            let without = try publisher.module("b")
            for arguments in [["publish", without, "world"], ["publish", without, "world", "--yes"]] {
                let refused = await publisher.run(arguments)
                #expect(refused.code == 1, "\(refused.errors)")
                #expect(refused.errors.contains("'world' cannot go on with this module: "))
                #expect(refused.errors.contains("--delete-data begins anew"))
                #expect(refused.output.isEmpty)
            }
            #expect(await publisher.run("describe", "world").output.contains("level"), "nothing has changed")
            #expect(await publisher.run("publish", without, "world", "--delete-data", "--yes").code == 0)
            #expect(!(await publisher.run("describe", "world").output.contains("level")))
        }
    }

    @Test func rowsAreDeletedOnlyIfThatIsWanted() async throws {
        try await withPublisher { publisher in
            let module = try publisher.module("a", "init one")
            #expect(await publisher.run("publish", module, "world").code == 0)
            #expect(await publisher.run("call", "world", "add", "two").code == 0)
            #expect(await publisher.run("publish", module, "world", "--delete-data").code == 2)
            let names = "SELECT name FROM item"
            #expect(await publisher.run("sql", "world", names, "--csv").output == "name\r\none\r\ntwo\r\n")
            #expect(await publisher.run("publish", module, "world", "--delete-data", "--yes").code == 0)
            #expect(await publisher.run("sql", "world", names, "--csv").output == "name\r\none\r\n")
            #expect(await publisher.run("publish", module, "--delete-data").code == 64)
        }
    }

    @Test func programsThatCannotRunAreRefusedWithTheReason() async throws {
        try await withPublisher { publisher in
            let outcome = await publisher.run("publish", try publisher.module("a", "nonsense"), "world")
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("nonsense"))
            #expect(outcome.output.isEmpty)
            let anonymous = await publisher.run("publish", try publisher.module("b"), "world", "--anonymous")
            #expect(anonymous.code == 64)
            let taken = await publisher.run("publish", try publisher.module("b"), "world")
            #expect(taken.code == 0, "the name is kept for whoever tried first: \(taken.errors)")
            #expect(await publisher.run("login", "--new").code == 0)
            let foreign = await publisher.run("publish", try publisher.module("b"), "world")
            #expect(foreign.code == 1)
        }
    }

    @Test func anUploadShowsHowFarItIs() async throws {
        try await withPublisher { publisher in
            let outcome = await publisher.run("publish", try publisher.module("a"), "world", isTerminal: true)
            #expect(outcome.code == 0)
            #expect(outcome.errors.contains("publishing [████████████████████████████████████████] 100%"))
            #expect(outcome.errors.contains("\r\u{1B}[K"), "and is taken away")
            #expect(outcome.output.hasPrefix("identity: "))
        }
    }

    @Test func aServerWithoutARuntimeSaysSo() async throws {
        try await withShop { shop in
            let path = shop.directory.path + "/a.wasm"
            try UserFile.write([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0], to: path)
            let outcome = await shop.run("publish", path, "world")
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("its own program"))
        }
    }
}
