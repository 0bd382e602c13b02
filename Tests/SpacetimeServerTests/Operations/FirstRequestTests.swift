import NIOCore
import SpacetimeKit
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

/// What comes first on a connection, and may be anything.
@Suite(.timeLimit(.minutes(10))) struct FirstRequestTests {
    private func answer(_ text: String) async throws -> String {
        let server = SpacetimeServer(options: .test())
        try server.host(try await Database.open(.inMemory, module: Talk.self), as: "talk")
        return try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                try await probe.send(text)
                return await probe.readToEnd()
            }
        }
    }

    @Test(arguments: [
        "NONSENSE /v1/ping HTTP/1.1\r\nhost: x\r\n\r\n", "what is this\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /v1/ping HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /v1/identity HTTP/1.1\r\nhost: x\r\ncontent-length: -4\r\n\r\n",
        "POST /v1/identity HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n",
    ]) func whatIsNoRequestIsToldSoAndClosed(text: String) async throws {
        let answer = try await answer(text)
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(answer)")
        #expect(answer.contains("this is no request of HTTP/1.1"))
    }

    @Test func aHeadThatIsTooLargeIsToldSo() async throws {
        let answer = try await answer(
            "GET /v1/ping HTTP/1.1\r\nhost: x\r\nx: \(String(repeating: "a", count: 100_000))\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 431 "), "\(answer)")
        #expect(answer.contains("send fewer or shorter headers"))
    }

    @Test func anAnswerToTheOldVersionEndsTheConnection() async throws {
        #expect(try await answer("GET /v1/ping HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test func whoAsksBeforeABodyIsSentIsToldToSendIt() async throws {
        let db = try await Database.open(.inMemory, module: Talk.self)
        let server = SpacetimeServer(options: .test())
        try server.host(db, as: "talk")
        try await serving(server) { port in
            try await SocketProbe.open(port) { probe in
                for text in ["one", "two"] {
                    let body = "[\"\(text)\"]"
                    try await probe.send(
                        "POST /v1/database/talk/call/say HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
                            + "content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n")
                    #expect(await probe.readHead() == "HTTP/1.1 100 Continue\r\n\r\n")
                    try await probe.send(body)
                    #expect(await probe.readHead().hasPrefix("HTTP/1.1 200 OK\r\n"))
                }
            }
        }
        #expect(try db.lines().filter { $0 != "left" } == ["one", "two"])
    }
}
