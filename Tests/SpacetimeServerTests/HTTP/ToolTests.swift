import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// The Model Context Protocol.
@Suite struct ToolTests {
    func ask(
        _ server: TestServer, _ body: String, at path: String = "/v1/database/arena/mcp", as token: String? = nil
    ) async throws -> TestServer.Reply {
        try await server.send(.post, path, as: token, type: "application/json", text: body)
    }

    /// What a tool says.
    func use(
        _ server: TestServer, _ name: String, _ arguments: String = "{}", at path: String = "/v1/database/arena/mcp",
        as token: String? = nil
    ) async throws -> (text: String, isError: Bool) {
        let body =
            #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"\#(name)","arguments":\#(arguments)}}"#
        let reply = try await ask(server, body, at: path, as: token)
        #expect(reply.status == 200)
        let result = try #require(try reply.json["result"], "\(reply.text)")
        let text = try #require(result["content"]?.arrayValue?.first?["text"]?.stringValue)
        return (text, result["isError"] == .bool(true))
    }

    func errorCode(_ server: TestServer, _ body: String, at path: String = "/v1/mcp") async throws -> Int? {
        try await ask(server, body, at: path).json["error"]?["code"]?.integerValue(as: Int.self)
    }

    @Test func aSessionBegins() async throws {
        let server = try TestServer()
        let reply = try await ask(server, #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{}}"#)
        #expect(
            reply.text
                == #"{"jsonrpc":"2.0","id":"a","result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"spacetimedb","version":"2.8.3"}}}"#
        )
        #expect(reply.type == "application/json")
        let note = try await ask(server, #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        #expect(note.status == 202)
        #expect(note.bytes.isEmpty)
        #expect(
            try await ask(server, #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).text
                == #"{"jsonrpc":"2.0","id":1,"result":{}}"#)
    }

    @Test func toolsAreListed() async throws {
        let server = try TestServer()
        func names(_ path: String) async throws -> [String] {
            let reply = try await ask(server, #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, at: path)
            return try reply.json["result"]?["tools"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
        }
        #expect(try await names("/v1/database/arena/mcp") == ["ping", "get_schema", "sql", "call"])
        #expect(try await names("/v1/mcp") == ["ping", "get_schema", "sql", "call", "list_databases"])
    }

    @Test func toolsDoTheirWork() async throws {
        let server = try TestServer()
        #expect(try await use(server, "ping").text == "pong")
        #expect(try await use(server, "ping", #"{"message":"hi"}"#).text == "hi")
        let schema = try await server.send(.get, "/v1/database/arena/schema?version=9").text
        #expect(try await use(server, "get_schema").text == schema)
        #expect(try await use(server, "call", #"{"reducer":"add_user","args":[1,"Ann"]}"#).isError == false)
        let again = try await use(server, "call", #"{"reducer":"add_user","args":[2,"Ann"]}"#)
        #expect(again.text == "name taken")
        #expect(again.isError)
        #expect(try await use(server, "call", #"{"reducer":"sum","args":[2,3]}"#).text == "5")
        #expect(try await use(server, "call", #"{"reducer":"tick"}"#).isError == false)
        let rows = try await use(server, "sql", #"{"sql":"SELECT * FROM user","confirmed":false}"#)
        #expect(rows.text.contains(#""rows":[[1,"Ann"]]"#))
        let refused = try await use(server, "sql", #"{"sql":"DELETE FROM user"}"#)
        #expect(refused.isError)
        #expect(try await use(server, "sql", #"{"sql":"DELETE FROM user"}"#, as: server.owner).isError == false)
    }

    @Test func onTheWholeServerToolsNameTheirDatabase() async throws {
        let server = try TestServer()
        let list = try await use(server, "list_databases", at: "/v1/mcp").text
        #expect(list.contains(#"{"identity":"\#(server.arena.identity.hex)","names":["arena"]}"#))
        let sum = #"{"database":"arena","reducer":"sum","args":[2,3]}"#
        #expect(try await use(server, "call", sum, at: "/v1/mcp").text == "5")
        let none = try await use(server, "get_schema", #"{"database":"none"}"#, at: "/v1/mcp")
        #expect(none.text == "`none` not found")
        #expect(none.isError)
    }

    @Test(arguments: [
        ("{", -32_700), ("[]", -32_600), (#"{"id":1}"#, -32_600), (#"{"id":1,"method":"none"}"#, -32_601),
        (#"{"id":1,"method":"tools/call"}"#, -32_602),
        (#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#, -32_602),
        (#"{"id":1,"method":"tools/call","params":{"name":"sql","arguments":{"sql":"SELECT 1"}}}"#, -32_602),
        (#"{"id":1,"method":"tools/call","params":{"name":"call","arguments":{"database":"arena"}}}"#, -32_602),
    ]) func badRequestsAreTold(body: String, code: Int) async throws {
        #expect(try await errorCode(TestServer(), body) == code)
    }

    @Test func onlyJSONIsTaken() async throws {
        let server = try TestServer()
        #expect(try await server.send(.post, "/v1/mcp", text: "{}").status == 400)
        #expect(try await server.send(.post, "/v1/mcp", type: "text/plain", text: "{}").status == 415)
        #expect(try await ask(server, "{}", at: "/v1/database/none/mcp").status == 404)
        #expect(try await ask(server, "{}", at: "/v1/mcp", as: "a.b.c").status == 401)
    }
}
