import HTTPTypes
import Hummingbird
import NIOCore
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeServer

/// What holds for all routes.
@Suite struct GeneralRuleTests {
    @Test func pathsOfOthersAreLeftToThem() async throws {
        let server = try TestServer()
        for path in ["/", "/v2", "/v1x", "/internal/heap"] {
            let request = Request(
                head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: path),
                body: RequestBody(buffer: ByteBuffer()))
            #expect(try await HTTPService(server: server.server).respond(to: request, from: nil) == nil)
        }
    }

    @Test(arguments: ["/v1", "/v1/", "/v1/database/arena/", "/v1/none"])
    func whatIsNoRouteIsNotFoundWithoutAWord(path: String) async throws {
        let reply = try await TestServer().send(.get, path)
        #expect(reply.status == 404)
        #expect(reply.bytes.isEmpty)
        #expect(reply.header("spacetime-identity") == nil)
    }

    @Test func anotherMethodIsToldWhichThereAre() async throws {
        let reply = try await TestServer().send(.post, "/v1/database/arena")
        #expect(reply.status == 405)
        #expect(reply.header("allow") == "GET, HEAD, PUT, DELETE")
    }

    @Test(arguments: ["/v1/ping", "/v1/nothing", "/v1/database/arena/route/echo", "/v1/database/arena/"])
    func preflightsReachNoRoute(path: String) async throws {
        let reply = try await TestServer().send(.options, path)
        #expect(reply.status == 200)
        #expect(reply.bytes.isEmpty)
        #expect(reply.header("access-control-allow-origin") == "*")
        #expect(reply.header("access-control-allow-methods") == "*")
        #expect(reply.header("access-control-allow-headers") == "authorization,accept,content-type")
    }

    @Test(arguments: ["/v1/ping", "/v1/nothing", "/v1/database/arena", "/v1/database/none"])
    func eachAnswerMayBeReadByPages(path: String) async throws {
        let reply = try await TestServer().send(.get, path)
        #expect(reply.header("access-control-allow-origin") == "*")
        #expect(
            reply.header("vary") == "origin, access-control-request-method, access-control-request-headers")
    }

    @Test(arguments: [
        ("/v1/database/arena", 200), ("/v1/database/none", 404), ("/v1/database/None", 400),
        ("/v1/database/arena/logs2", 404), ("/v1/database/arena/schema", 400),
    ]) func whoAsksADatabaseIsToldWhoTheyAre(path: String, status: Int) async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, path)
        #expect(reply.status == status)
        guard !path.hasSuffix("logs2") else {
            #expect(reply.header("spacetime-identity") == nil)
            return
        }
        let token = try #require(reply.header("spacetime-identity-token"))
        let identity = try #require(reply.header("spacetime-identity"))
        let again = try await server.send(.get, path, as: token)
        #expect(again.header("spacetime-identity") == identity)
        #expect(again.header("spacetime-identity-token") == token)
    }

    @Test func badTokensAreRefusedBeforeAnythingElse() async throws {
        let server = try TestServer()
        for path in ["/v1/database/arena", "/v1/database/none", "/v1/ping"] {
            let malformed = try await server.send(.get, path, headers: [.authorization: "Basic abc"])
            #expect(malformed.status == 400)
            #expect(malformed.text == "Authorization is invalid: malformed token")
            #expect(malformed.type == "text/plain; charset=utf-8")
            let forged = try await server.send(.get, path, as: "a.b.c")
            #expect(forged.status == 401)
            #expect(forged.text.hasPrefix("Invalid token: "))
            #expect(forged.header("spacetime-identity") == nil)
            #expect(try await server.send(.get, path + "?token=a.b.c").status == 401)
        }
    }

    @Test func aTokenMayStandInTheAddress() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/database/arena?token=\(server.owner)")
        #expect(reply.header("spacetime-identity") == Arena.owner.hex)
    }

    @Test(arguments: [
        (HTTPRequest.Method.post, "/v1/database/arena/sql"), (.post, "/v1/database/arena/names"),
        (.put, "/v1/database/arena/names"), (.post, "/v1/database/arena/call/add_user"),
        (.post, "/v1/database/arena/mcp"),
    ]) func bodiesThatAreTooLargeAreRefused(method: HTTPRequest.Method, path: String) async throws {
        let server = try TestServer()
        let body = [UInt8](repeating: UInt8(ascii: " "), count: (2 << 20) + 1)
        let reply = try await server.send(method, path, as: server.owner, type: "application/json", body: body)
        #expect(reply.status == 413)
        let fitting = try await server.send(
            method, path, as: server.owner, type: "application/json", body: Array(body.dropLast()))
        #expect(fitting.status != 413)
    }

    /// Also where nobody wants the body: a client that is still sending would not see the answer.
    @Test(arguments: [
        (HTTPRequest.Method.put, "/v1/database/none/reset"), (.post, "/v1/none"), (.put, "/v1/database/arena"),
        (.post, "/v1/database/none/pre_publish"), (.post, "/v1/database/arena/sql"), (.patch, "/v1/ping"),
    ]) func theBodyIsReadToItsEnd(method: HTTPRequest.Method, path: String) async throws {
        let server = try TestServer()
        let parts = (0..<8).map { _ in ByteBuffer(repeating: 32, count: 1 << 20) }
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        for part in parts { continuation.yield(part) }
        continuation.finish()
        let read = Counter()
        let request = Request(
            head: HTTPRequest(method: method, scheme: nil, authority: nil, path: path),
            body: RequestBody(
                asyncSequence: stream.map {
                    read.add($0.readableBytes); return $0
                }))
        _ = try await HTTPService(server: server.server).respond(to: request, from: nil)
        #expect(read.value == 8 << 20)
    }

    @Test func theHeadAloneHasNoBody() async throws {
        let reply = try await TestServer().send(.head, "/v1/database/arena")
        #expect(reply.status == 200)
        #expect(reply.type == "application/json")
        #expect(reply.bytes.isEmpty)
    }

    // MARK: Small routes

    @Test func pingsAreAnswered() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/ping")
        #expect(reply.status == 200)
        #expect(reply.bytes.isEmpty)
        #expect(try await server.send(.get, "/v1/ping", as: server.owner).status == 200)
    }

    @Test func healthIsJSON() async throws {
        let reply = try await TestServer().send(.get, "/v1/health")
        #expect(reply.status == 200)
        #expect(reply.type == "application/json")
        #expect(try reply.json["schedulable"] == .bool(true))
        #expect(try reply.json["package_name"] == .string("spacetimedb-client-api"))
    }

    @Test func prometheusFindsTheServerWhereItAsked() async throws {
        let reply = try await TestServer().send(.get, "/v1/prometheus/sd_config")
        #expect(reply.text == #"[{"targets":["arena.example:3000"],"labels":{}}]"#)
    }

    @Test func nobodyPaysForEnergy() async throws {
        let server = try TestServer()
        let path = "/v1/energy/\(Arena.owner.hex)"
        #expect(try await server.send(.get, path).text == #"{"balance":"0"}"#)
        #expect(try await server.send(.post, path + "?amount=5").status == 401)
        #expect(try await server.send(.post, path + "?amount=5", as: server.owner).text == #"{"balance":"0"}"#)
        #expect(try await server.send(.post, path + "?amount=-5", as: server.owner).status == 400)
        #expect(try await server.send(.post, path, as: server.owner).status == 400)
        #expect(try await server.send(.put, path + "?balance=5", as: server.owner).status == 401)
        #expect(try await server.send(.get, "/v1/energy/none").status == 400)
    }
}

/// Adds up from any task.
private final class Counter: Sendable {
    private let sum = Mutex(0)
    var value: Int { sum.withLock { $0 } }
    func add(_ count: Int) { sum.withLock { $0 += count } }
}
