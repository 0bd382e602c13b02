import Crypto
import NIOCore
import NIOPosix
import SpacetimeHost
import SpacetimeKit
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

/// WebSockets on connections that were used for something else before.
@Suite(.timeLimit(.minutes(10))) struct KeepAliveUpgradeTests {
    private func server(_ change: (inout ServerOptions) -> Void = { _ in }) throws -> SpacetimeServer {
        let server = SpacetimeServer(options: .test(change))
        try server.host(try Database.open(.inMemory, module: Talk.self), as: "talk")
        return server
    }

    private func withProbe(_ body: (SocketProbe) async throws -> Void) async throws {
        try await serving(server()) { port in try await SocketProbe.open(port) { try await body($0) } }
    }

    private static let ping = "GET /v1/ping HTTP/1.1\r\nhost: localhost\r\n\r\n"

    private static func call(_ text: String) -> [UInt8] {
        SocketProbe.frame(#"{"CallReducer":{"reducer":"say","args":"[\"\#(text)\"]","request_id":1,"flags":0}}"#)
    }

    /// The head of the answer that opens a WebSocket, and the messages behind it until a call is answered.
    private func expectWebSocket(_ probe: SocketProbe) async {
        #expect(await probe.readHead().hasPrefix("HTTP/1.1 101 "))
        #expect(await probe.readMessage()?.contains("IdentityToken") == true)
        #expect(await probe.readMessage()?.contains("Committed") == true)
    }

    @Test(arguments: [0, 1, 2, 5]) func aConnectionThatWasUsedForRequestsBecomesAWebSocket(requests: Int) async throws {
        try await withProbe { probe in
            for _ in 0..<requests {
                try await probe.send(Self.ping)
                #expect(await probe.readAnswer().status == 200)
            }
            try await probe.send(SocketProbe.upgrade("talk"))
            #expect(await probe.readHead().hasPrefix("HTTP/1.1 101 "))
            #expect(await probe.readMessage()?.contains("IdentityToken") == true)
            for _ in 0..<3 {
                try await probe.send(Self.call("hello"))
                #expect(await probe.readMessage()?.contains("Committed") == true)
            }
            try await probe.send(SocketProbe.frame("", opcode: 8))
            #expect(await probe.readClosing()?.code == 0)
            #expect(await probe.readToEnd().isEmpty)
        }
    }

    /// All in one segment, or byte by byte.
    @Test(arguments: [true, false]) func requestsBeforeAnUpgradeAreAnsweredFirst(atOnce: Bool) async throws {
        try await withProbe { probe in
            let body = #"["first"]"#
            let post =
                "POST /v1/database/talk/call/say HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
            let query =
                "POST /v1/database/talk/sql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 18\r\n\r\nSELECT * FROM line"
            let bytes = Array((post + query + Self.ping + SocketProbe.upgrade("talk")).utf8) + Self.call("last")
            if atOnce {
                try await probe.send(bytes)
            } else {
                for byte in bytes { try await probe.send([byte]) }
            }
            #expect(await probe.readAnswer().status == 200)
            let rows = await probe.readAnswer()
            #expect(rows.status == 200 && rows.body.contains("first"))
            #expect(await probe.readAnswer().status == 200)
            await expectWebSocket(probe)
        }
    }

    @Test func aRefusedUpgradeLeavesTheConnectionForAnother() async throws {
        try await withProbe { probe in
            for _ in 0..<3 {
                try await probe.send(SocketProbe.upgrade("nowhere"))
                let refusal = await probe.readAnswer()
                #expect(refusal.status == 404 && refusal.body.contains("`nowhere` not found"))
                try await probe.send(Self.ping)
                #expect(await probe.readAnswer().status == 200)
            }
            try await probe.send(Array(SocketProbe.upgrade("talk").utf8) + Self.call("hello"))
            await expectWebSocket(probe)
        }
    }

    @Test func whatComesBehindARefusedUpgradeIsReadAsRequests() async throws {
        try await withProbe { probe in
            let refused = SocketProbe.upgrade("nowhere")
            let bytes = Array((refused + Self.ping + refused + refused + SocketProbe.upgrade("talk")).utf8)
            try await probe.send(bytes + Self.call("hello"))
            for status in [404, 200, 404, 404] { #expect(await probe.readAnswer().status == status) }
            await expectWebSocket(probe)
        }
    }

    @Test(arguments: ["keep-alive, Upgrade", "Upgrade,keep-alive", "Keep-Alive ,  UPGRADE ", "upgrade, , x"])
    func theConnectionHeaderIsAListOfWords(header: String) async throws {
        try await withProbe { probe in
            try await probe.send(Self.ping)
            #expect(await probe.readAnswer().status == 200)
            try await probe.send(
                Array(SocketProbe.upgrade("talk", connection: header).utf8) + Self.call("hello"))
            await expectWebSocket(probe)
        }
    }

    /// Nobody knows whether NIO's parser takes what follows for HTTP, so nothing may.
    @Test(arguments: ["upgrade x", "x upgrade", "x,\tupgrade", "upgrades"])
    func aConnectionHeaderThatIsUnclearEndsTheConnection(header: String) async throws {
        try await withProbe { probe in
            try await probe.send(SocketProbe.upgrade("talk", connection: header) + Self.ping)
            let text = await probe.readToEnd()
            #expect(text.hasPrefix("HTTP/1.1 426 ") && text.split(separator: "HTTP/1.1 ").count == 1, "\(text)")
        }
    }

    /// An upgrade is for HTTP/1.1: proxies that speak the old version are told so.
    @Test(arguments: ["upgrade", "keep-alive, upgrade"])
    func theOldVersionIsToldToComeWithTheNewOne(connection: String) async throws {
        try await withProbe { probe in
            try await probe.send(SocketProbe.upgrade("talk", connection: connection, version: "1.0"))
            let answer = await probe.readAnswer()
            #expect(answer.status == 426 && answer.body.contains("with HTTP/1.1"))
            if connection == "upgrade" { return #expect(await probe.readToEnd().isEmpty) }
            try await probe.send(SocketProbe.upgrade("talk"))
            #expect(await probe.readHead().hasPrefix("HTTP/1.1 101 "))
        }
    }

    /// As curl asks for HTTP/2, and others for a tunnel: the connection is not deaf then.
    @Test(arguments: [
        "GET /v1/ping HTTP/1.1\r\nhost: a\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: A\r\n\r\n",
        "GET /v1/ping HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "POST /v1/identity HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 2\r\n\r\n{}",
    ]) func whoAsksForSomethingElseIsAnsweredAndHeardAgain(request: String) async throws {
        try await withProbe { probe in
            for _ in 0..<2 {
                try await probe.send(request)
                #expect(await probe.readAnswer().status == 200)
                try await probe.send(request + Self.ping)
                #expect(await probe.readAnswer().status == 200)
                #expect(await probe.readAnswer().status == 200)
            }
            try await probe.send(Array(SocketProbe.upgrade("talk").utf8) + Self.call("hello"))
            await expectWebSocket(probe)
        }
    }

    @Test func aRequestThatEndsTheConnectionIsTheLast() async throws {
        try await withProbe { probe in
            let last = "GET /v1/ping HTTP/1.1\r\nhost: localhost\r\nconnection: Close\r\n\r\n"
            try await probe.send(last + SocketProbe.upgrade("talk"))
            #expect(await probe.readAnswer().status == 200)
            #expect(await probe.readToEnd().isEmpty)
        }
    }

    @Test func whatIsNoRequestIsToldSoBehindTheAnswersBeforeIt() async throws {
        try await withProbe { probe in
            try await probe.send(Self.ping + Self.ping + "what is this\r\n\r\n")
            #expect(await probe.readAnswer().status == 200)
            #expect(await probe.readAnswer().status == 200)
            let answer = await probe.readAnswer()
            #expect(answer.status == 400 && answer.body.contains("this is no request of HTTP/1.1"))
            #expect(await probe.readToEnd().isEmpty)
        }
    }

    // MARK: Limits

    /// The documents of an issuer that does not answer until it is told to.
    private final class HeldDocuments: HTTPExecutor {
        private let asked = AsyncStream<Void>.makeStream()
        private let open = AsyncStream<Void>.makeStream()

        func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
            asked.continuation.yield()
            for await _ in open.stream {}
            throw CancellationError()
        }

        func waitUntilAsked() async { for await _ in asked.stream { return } }
        func release() { open.continuation.finish() }
    }

    /// A request that cannot be judged before the documents come.
    private func undecided() throws -> String {
        let token = try Forging.token(
            payload: #"{"iss":"https://issuer.example","sub":"ada","iat":1700000000}"#, key: P256.Signing.PrivateKey())
        return SocketProbe.upgrade("talk", query: "?token=\(token)")
    }

    @Test(arguments: [0, 1]) func anUpgradeThatIsNotDecidedInTimeEndsTheConnection(requests: Int) async throws {
        let documents = HeldDocuments()
        let request = try undecided()
        let server = try server {
            $0.tokens.documents = documents
            $0.limits.handshakeTimeout = .milliseconds(500)
        }
        try await serving(server) { port in
            var isDone = false
            while !isDone {
                isDone = try await SocketProbe.open(port) { probe in
                    for _ in 0..<requests {
                        try? await probe.send(Self.ping)
                        // On a busy machine even the first request may come too late.
                        guard await probe.readAnswer().status == 200 else { return false }
                    }
                    try? await probe.send(request)
                    return await probe.readToEnd().isEmpty
                }
            }
        }
        documents.release()
        let name = #"spacetime_limits_reached_total{limit="handshake_timeout"} "#
        #expect(server.metrics.registry.text().contains(name))
    }

    @Test(arguments: [0, 1]) func nothingIsReadWhileAnUpgradeIsBeingDecided(requests: Int) async throws {
        let documents = HeldDocuments()
        let request = try undecided()
        let server = try server {
            $0.tokens.documents = documents
            $0.limits.handshakeTimeout = .seconds(6_000)
        }
        try await serving(server) { port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port).get()
            let pings = String(repeating: Self.ping, count: requests)
            try await channel.writeAndFlush(ByteBuffer(string: pings + request))
            await documents.waitUntilAsked()
            // More than all buffers of the system hold.
            channel.writeAndFlush(ByteBuffer(repeating: 0x82, count: 64 << 20), promise: nil)
            // Each thread has looked at its sockets many times.
            for _ in 0..<2_000 { for loop in server.group.makeIterator() { try await loop.submit {}.get() } }
            #expect(try await channel.getOption(.bufferedWritableBytes).get() > 40 << 20)
            try await channel.close()
        }
        documents.release()
    }
}
