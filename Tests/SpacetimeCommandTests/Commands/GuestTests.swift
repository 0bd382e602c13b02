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
