import Foundation
import SpacetimeHost
import SpacetimeSATS
import SpacetimeTestSupport
import SpacetimeWASM
import Testing

@testable import SpacetimeCommand

/// Modules of `Tests/Modules`, in WebAssembly.
private enum Guest {
    /// The chat.
    static let path = file("chat-c")

    static func file(_ name: String) -> String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
            + "/.build-modules/\(name).wasm"
    }

    /// False where modules or Wasmtime are missing; in CI they must be there.
    static let areThere: Bool = {
        if ProcessInfo.processInfo.environment["SPACETIME_REQUIRE_WASM"] != nil { return true }
        guard let bytes = try? UserFile.read(path) else { return false }
        return (try? ModuleRuntime.webAssembly().loader.load(ModuleProgram(.webAssembly, bytes))) != nil
    }()
}

/// All the way: a module that is published to a server of the command, called, asked, and what is left of it in files.
@Suite(.enabled(if: Guest.areThere, "run 'make wasmtime wasm-modules'")) struct GuestTests {
    @Test func aGuestIsPublishedCalledAskedExportedAndReplayed() async throws {
        let directory = try TemporaryDirectory()
        let data = directory.path + "/data"
        try await withStartedServer(["--data", data]) { address in
            let environment = [
                "SPACETIMEKIT_CONFIG": directory.path + "/config.json", "SPACETIMEKIT_SERVER": address,
            ]
            let published = await runCommand(["publish", Guest.path, "chat"], environment: environment)
            #expect(published.code == 0, "\(published.errors)")
            let sent = await runCommand(["call", "chat", "send", "lobby", "hello there"], environment: environment)
            #expect(sent.code == 0, "\(sent.errors)")
            let refused = await runCommand(["call", "chat", "send", "attic", "x"], environment: environment)
            #expect(refused.code == 1)
            #expect(refused.errors.contains("send failed: there is no room attic"))
            let asked = await runCommand(
                ["sql", "chat", "--csv", "SELECT room, text FROM message"], environment: environment)
            #expect(asked.output == "room,text\r\nlobby,hello there\r\n", "\(asked.errors)")
        }
        // The directory of a server says where the databases are.
        let server = await runCommand(["verify", data], environment: [:])
        #expect(server.code == 64)
        let folder = try #require(server.errors.split(separator: "\n").last).trimmed
        let verified = await runCommand(["verify", folder], environment: [:])
        #expect(verified.code == 0, "\(verified.errors)")
        let exported = await runCommand(
            ["export", folder, "--format", "csv", "--table", "message"], environment: [:])
        #expect(exported.output.contains("hello there"))
        #expect(try await replayed("send", in: folder, directory) == 1)
        let text = await runCommand(["extract-schema", Guest.path, "--text"], environment: [:])
        #expect(text.output.contains("send(room: String, text: String)"), "\(text.errors)")
    }

    @Test func submodulesAreUsedByTheirFullNames() async throws {
        let directory = try TemporaryDirectory()
        try await withStartedServer(["--data", directory.path + "/data"]) { address in
            let environment = [
                "SPACETIMEKIT_CONFIG": directory.path + "/config.json", "SPACETIMEKIT_SERVER": address,
            ]
            let published = await runCommand(["publish", Guest.file("mounted"), "tree"], environment: environment)
            #expect(published.code == 0, "\(published.errors)")
            for name in ["bump", "lib.bump", "lib.deep.bump"] {
                let called = await runCommand(["call", "tree", name, "by \(name)"], environment: environment)
                #expect(called.code == 0, "\(called.errors)")
            }
            let asked = await runCommand(
                ["sql", "tree", "--csv", "SELECT name FROM lib.deep.counter"], environment: environment)
            #expect(asked.output == "name\r\nby lib.deep.bump\r\n", "\(asked.errors)")
            let described = await runCommand(["describe", "tree"], environment: environment)
            #expect(described.output.contains("lib.deep.bump(name: String)"), "\(described.errors)")
            #expect(described.output.contains("lib.counter"))
        }
    }

    // MARK: Packages in Rust

    /// A package that a stand-in for cargo builds: to the module of `Tests/Modules` that its source names.
    private struct Crate {
        let path: String
        let environment: [String: String]

        init(in directory: TemporaryDirectory, _ module: String) throws {
            path = directory.path + "/talk"
            let tool = directory.path + "/cargo"
            try UserFile.makeDirectory(of: path + "/src/x", mode: 0o755)
            try UserFile.write(Array("[package]\nname = \"my_talk\"\n".utf8), to: path + "/Cargo.toml")
            let wanted = "build --release --target wasm32-unknown-unknown --manifest-path \(path)/Cargo.toml"
            let modules = Guest.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
                .joined(separator: "/")
            // As cargo does it: a message per line, of which one has what was made.
            let script = """
                #!/bin/sh
                [ "$*" = '\(wanted) --message-format json' ] || { echo "not understood: $*" >&2; exit 101; }
                source=$(cat '\(path)/src/lib.rs')
                [ "$source" = mistake ] && { echo 'error: a mistake' >&2; exit 101; }
                made='\(path)/target/wasm32-unknown-unknown/release'
                mkdir -p "$made"
                cp "\(modules)/$source.wasm" "$made/my_talk.wasm" || exit 101
                echo '{"reason":"compiler-artifact","filenames":["/registry/libother.rlib"]}'
                echo '{"reason":"compiler-artifact","filenames":["'"$made"'/my_talk.wasm"]}'
                echo '{"reason":"build-finished","success":true}'

                """
            try UserFile.write(Array(script.utf8), to: tool, mode: 0o755)
            environment = [
                "SPACETIMEKIT_CARGO": tool, "SPACETIMEKIT_CONFIG": directory.path + "/config.json", "NO_COLOR": "1",
            ]
            try change(module)
        }

        func change(_ text: String) throws { try UserFile.write(Array(text.utf8), to: path + "/src/lib.rs") }
    }

    @Test func aPackageInRustIsBuiltForItsClients() async throws {
        let directory = try TemporaryDirectory()
        let crate = try Crate(in: directory, "chat-rust")
        let out = directory.path + "/code"
        let generated = await runCommand(
            [
                "generate", "--lang", "swift", "--namespace", "Talk", "--module-path", crate.path + "/", "--out-dir",
                out,
            ],
            environment: crate.environment)
        #expect(generated.code == 0, "\(generated.errors)")
        let code = String(decoding: try #require(try UserFile.read(out + "/Talk.swift")), as: UTF8.self)
        #expect(code.contains("lobby") == false && code.contains("Message"))
        try crate.change("mistake")
        let refused = await runCommand(
            ["generate", "--lang", "swift", "--module-path", crate.path, "--out-dir", out],
            environment: crate.environment)
        #expect(refused.code == 1)
        #expect(refused.errors.contains("could not be built by"), "\(refused.errors)")
    }

    @Test func aPackageWithoutAModuleIsTold() async throws {
        let directory = try TemporaryDirectory()
        let crate = try Crate(in: directory, "chat-rust")
        let tool = try #require(crate.environment["SPACETIMEKIT_CARGO"])
        try UserFile.write(
            Array("#!/bin/sh\necho '{\"filenames\":[\"libtalk.rlib\"]}'\n".utf8), to: tool, mode: 0o755)
        let outcome = await runCommand(
            ["generate", "--lang", "swift", "--module-path", crate.path], environment: crate.environment)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("crate-type cdylib"), "\(outcome.errors)")
    }

    @Test func aChangedPackageInRustIsPublishedAnew() async throws {
        let directory = try TemporaryDirectory()
        let crate = try Crate(in: directory, "chat-c")
        let screen = try PseudoTerminal(columns: 200)
        let session = CommandSession(terminal: screen.terminal, environment: crate.environment)
        let development = Task {
            await CommandLineProgram.run(["dev", "--path", crate.path, "--port", "0", "--data", "kept"], in: session)
        }
        let address = try await screen.expect("\r\n").trimmed
        try await screen.expect("created my-talk")
        var environment = crate.environment
        environment["SPACETIMEKIT_SERVER"] = address
        let sent = await runCommand(["call", "my-talk", "send", "lobby", "hello there"], environment: environment)
        #expect(sent.code == 0, "\(sent.errors)")

        // Another program with the same tables: the rows are there, and so is the database.
        try crate.change("chat-rust")
        try await screen.expect("updated my-talk")
        let asked = await runCommand(
            ["sql", "my-talk", "--csv", "SELECT text FROM message"], environment: environment)
        #expect(asked.output == "text\r\nhello there\r\n", "\(asked.errors)")

        try crate.change("mistake")
        try await screen.expect("not built: ")
        // Of other tables, which those that are there cannot follow.
        try crate.change("transfer-c")
        try await screen.expect("not published: ")
        let called = await runCommand(["call", "my-talk", "send", "lobby", "still there"], environment: environment)
        #expect(called.code == 0, "\(called.errors)")

        development.cancel()
        #expect(await development.value == 0)
    }

    /// How many calls of a reducer are in a log and do, run again, what they did.
    private func replayed(_ reducer: String, in folder: String, _ directory: TemporaryDirectory) async throws -> Int {
        let backup = await runCommand(["backup", folder, directory.path + "/copy", "--json"], environment: [:])
        let last = try #require(try JSON(parsing: backup.output)["offset"]?.integerValue(as: Int.self))
        var count = 0
        for offset in 1...last {
            let outcome = await runCommand(["replay", folder, "\(offset)", "--json"], environment: [:])
            guard outcome.code == 0 else { continue }
            let report = try JSON(parsing: outcome.output)
            if report["reducer"] == .string(reducer), report["differences"] == .array([]) { count += 1 }
        }
        return count
    }
}

extension Substring {
    fileprivate var trimmed: String { String(self).trimmed }
}
