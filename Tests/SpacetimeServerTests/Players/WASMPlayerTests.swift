import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import SpacetimeWASM
import Testing

@testable import SpacetimeServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The modules of `Tests/Modules`, as programs that somebody publishes.
private enum GuestFiles {
    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        + "/.build-modules"

    static func program(_ name: String) throws -> [UInt8] { try SystemDisk().readAll("\(folder)/\(name).wasm") }

    /// False where modules or Wasmtime are missing; in CI they must be there.
    static let areThere: Bool = {
        if getenv("SPACETIME_REQUIRE_WASM") != nil { return true }
        guard let chat = try? program("chat-c"), (try? program("chat-rust")) != nil else { return false }
        return (try? ModuleRuntime.webAssembly().loader.load(ModuleProgram(.webAssembly, chat))) != nil
    }()
}

/// The original command line client publishes a chat in WebAssembly: once as it was written in C, then in Rust.
@Suite(.enabled(if: GuestFiles.areThere, "run 'make wasmtime wasm-modules'")) struct WASMPlayerTests {
    private struct Player: Sendable {
        let server: RunningServer
        let bearer: String

        init(_ server: RunningServer) async throws {
            self.server = server
            let login = try await server.request("POST", "/v1/identity", body: [])
            bearer = "Authorization: Bearer \(try RunningServer.field("token", of: login.text))"
        }

        init(_ server: RunningServer, bearer: String) {
            self.server = server
            self.bearer = bearer
        }

        func send(_ method: String, _ path: String, _ body: [UInt8]? = nil, json: Bool = false) async throws
            -> HTTPAnswer
        {
            try await server.request(
                method, "/v1/database/\(path)",
                headers: [bearer] + (json ? ["content-type: application/json"] : []), body: body)
        }

        func publish(_ program: [UInt8]) async throws -> HTTPAnswer {
            let plan = try await send(
                "POST", "chat/pre_publish?pretty_print_style=NoColor&host_type=Wasm", program)
            if plan.status == 404 { return try await send("PUT", "chat?host_type=Wasm", program) }
            #expect(plan.text.hasPrefix(#"{"AutoMigrate":"#), "\(plan.text)")
            let token = try RunningServer.field("token", of: plan.text)
            return try await send("PUT", "chat?token=\(token)&policy=BreakClients&host_type=Wasm", program)
        }

        func call(_ function: String, _ arguments: String) async throws -> HTTPAnswer {
            try await send("POST", "chat/call/\(function)", Array(arguments.utf8), json: true)
        }

        func sql(_ query: String) async throws -> String { try await send("POST", "chat/sql", Array(query.utf8)).text }
    }

    private static func options(in directory: String? = nil) -> ServerOptions {
        var options = ServerOptions.test()
        options.publishing.runtime = .webAssembly()
        options.publishing.directory = directory
        return options
    }

    @Test func publishCallSQLLogsAndDelete() async throws {
        let (first, second) = (try GuestFiles.program("chat-c"), try GuestFiles.program("chat-rust"))
        try await withServer(try arena(), options: Self.options()) { server in
            let player = try await Player(server)
            let created = try await player.publish(first)
            #expect(created.status == 200 && created.text.contains(#""op":"created""#), "\(created.text)")
            #expect(try await player.call("open", #"["garden"]"#).status == 200)
            let again = try await player.call("open", #"["garden"]"#)
            #expect(again.status == 530 && again.text == "there is a room garden already")
            #expect(try await player.call("send", #"["garden", "from C"]"#).status == 200)

            let client = try await server.greeted("chat")
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM message"))
            #expect(String(decoding: try await client.message(), as: UTF8.self).contains("from C"))
            let updated = try await player.publish(second)
            #expect(updated.status == 200 && updated.text.contains(#""op":"updated""#), "\(updated.text)")
            #expect(try await player.call("send", #"["garden", "from Rust"]"#).status == 200)
            #expect(String(decoding: try await client.message(), as: UTF8.self).contains("from Rust"))
            #expect(
                try await player.sql("SELECT text FROM message ORDER BY id").contains(
                    #""rows":[["from C"],["from Rust"]]"#))
            let logs = try await player.send("GET", "chat/logs?follow=false").text
            #expect(logs.contains("Database initialized") && logs.contains("Updated program to "))
            #expect(try await player.send("DELETE", "chat").status == 200)
            #expect(try await client.next() == .close(code: 1001, reason: "module exited"))
            #expect(try await player.send("GET", "chat").text == "No such database.")
        }
    }

    @Test func aBrokenProgramIsRefusedWithItsReason() async throws {
        try await withServer(try arena(), options: Self.options()) { server in
            let player = try await Player(server)
            let reply = try await player.publish(Array("\0asm".utf8))
            #expect(reply.status == 500 && !reply.text.isEmpty)
            #expect(try await player.send("GET", "chat/schema?version=10").status == 404)
        }
    }

    @Test func aServerThatIsStartedAgainHasTheModuleItself() async throws {
        let program = try GuestFiles.program("chat-rust")
        let directory = try TemporaryDirectory()
        var options = Self.options(in: directory.path + "/server")
        options.tokens.keys = try TokenKeys(directory: directory.path + "/keys")
        let first = options
        let bearer = try await withServer(try arena(), options: first) { server in
            let player = try await Player(server)
            #expect(try await player.publish(program).status == 200)
            #expect(try await player.call("open", #"["garden"]"#).status == 200)
            #expect(try await player.call("send", #"["garden", "kept"]"#).status == 200)
            return player.bearer
        }
        try await withServer(try arena(), options: first) { server in
            let player = Player(server, bearer: bearer)
            #expect(try await player.call("send", #"["garden", "and more"]"#).status == 200)
            let texts = try await player.sql("SELECT text FROM message ORDER BY id")
            #expect(texts.contains(#""rows":[["kept"],["and more"]]"#))
        }
    }
}
