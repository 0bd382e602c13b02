import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// What modules answer themselves.
@Suite struct HandlerRouteTests {
    @Test func aHandlerAnswersAsItLikes() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/database/vault/route/echo?a=%20b", as: "no token at all")
        #expect(reply.status == 201)
        #expect(
            reply.text
                == "GET http://arena.example:3000/v1/database/vault/route/echo?a=%20b Bearer no token at all")
        #expect(reply.type == "text/x-echo")
        #expect(reply.header("x-kind") == "echo")
        #expect(reply.header("spacetime-identity") == nil)
        #expect(reply.header("content-length") != "1", "how long a body is, is not for the module to say")
        #expect(reply.header("access-control-allow-origin") == "*")
    }

    @Test func proxiesTellWhichAddressTheClientUsed() async throws {
        var headers = HTTPFields()
        headers[.forwardedProtocol] = "https, http"
        headers[.forwardedHost] = "game.example, inner"
        let reply = try await TestServer().send(.get, "/v1/database/vault/route/echo", headers: headers)
        #expect(reply.text == "GET https://game.example/v1/database/vault/route/echo nobody")
    }

    @Test func thePathIsComparedAsItIsWritten() async throws {
        let server = try TestServer()
        #expect(try await server.send(.get, "/v1/database/vault/route").text == "GET root ")
        #expect(try await server.send(.post, "/v1/database/vault/route", text: "x").text == "POST root x")
        #expect(try await server.send(.post, "/v1/database/vault/route/").text == "slash")
        for (method, path) in [
            (HTTPRequest.Method.get, "/"), (.get, "//"), (.get, "//echo"), (.get, "/echo/"), (.post, "/echo"),
            (.get, "/Echo"), (.get, "/none"),
        ] {
            let reply = try await server.send(method, "/v1/database/vault/route\(path)")
            #expect(reply.status == 404)
            #expect(reply.text == "Database has not registered a handler for this route")
        }
        #expect(try await server.send(.get, "/v1/database/none/route/echo").text == "`none` not found")
    }

    @Test func aHandlerThatFailsSaysNothingToStrangers() async throws {
        let reply = try await TestServer().send(.get, "/v1/database/vault/route/broken")
        #expect(reply.status == 500)
        #expect(!reply.text.contains("secret"))
    }

    @Test func bodiesHaveALimit() async throws {
        let server = try TestServer { $0.http.handlerBodyByteLimit = 10 }
        #expect(try await server.send(.post, "/v1/database/vault/route", text: "0123456789").status == 200)
        #expect(try await server.send(.post, "/v1/database/vault/route", text: "0123456789a").status == 413)
    }

    private func answer(withStatus status: UInt16) async throws -> TestServer.Reply {
        var headers = HTTPFields()
        headers[try #require(HTTPField.Name("x-status"))] = String(status)
        return try await TestServer().send(.get, "/v1/database/vault/route/status", headers: headers)
    }

    /// Some of these end the program where they are made, others make clients wait for another answer.
    @Test(arguments: [0, 99, 100, 101, 199, 600, 999, 1_000, 65_535] as [UInt16])
    func aStatusThatEndsNoRequestIsAFailure(status: UInt16) async throws {
        let reply = try await answer(withStatus: status)
        #expect(reply.status == 500)
        #expect(reply.text == "the request could not be answered\n")
    }

    @Test(
        arguments: [(200, "body"), (204, ""), (205, ""), (304, ""), (404, "body"), (599, "body")] as [(UInt16, String)])
    func answersThatHaveNoBodyGetNone(status: UInt16, text: String) async throws {
        let reply = try await answer(withStatus: status)
        #expect(reply.status == Int(status))
        #expect(reply.text == text)
    }
}
