import SpacetimeKit
import Testing

/// How the original TypeScript SDK shows a token where it cannot set a header: it exchanges it for one that lives shortly.
@Suite struct TypeScriptTokenTests {
    @Test func anApplicationWithATokenExchangesItFirst() async throws {
        try await withServer(try arena()) { server in
            let token = try await server.token()
            let origin = "Origin: http://localhost:5173"
            let preflight = try await server.request(
                "OPTIONS", "/v1/identity/websocket-token",
                headers: [
                    origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization",
                ])
            #expect((200..<300).contains(preflight.status))
            #expect(preflight["access-control-allow-origin"] != nil)
            let allowed = preflight["access-control-allow-headers"]?.lowercased() ?? ""
            #expect(allowed == "*" || allowed.contains("authorization"))

            let exchange = try await server.request(
                "POST", "/v1/identity/websocket-token", headers: [origin, "Authorization: Bearer \(token)"], body: [])
            #expect(exchange.status == 200 && exchange["content-type"] == "application/json")
            #expect(exchange["access-control-allow-origin"] != nil)
            let short = try RunningServer.field("token", of: exchange.text)

            let client = try await server.connect(
                "/v1/database/arena/subscribe?token=\(short)&compression=Gzip",
                protocols: TypeScriptPlayerTests.protocols,
                headers: [origin])
            #expect(client.response.status == 101)
            #expect(client.response["sec-websocket-protocol"] == "v3.bsatn.spacetimedb")
            // The short token stands for the same identity, and is what the server repeats.
            let greeting = try Greeting(try await client.message())
            #expect(greeting.token == short)
            let again = try await server.connect(
                "/v1/database/arena/subscribe?compression=None", protocols: "v2.bsatn.spacetimedb",
                headers: ["Authorization: Bearer \(token)"])
            #expect(try Greeting(try await again.message()).identity == greeting.identity)
        }
    }

    @Test func aRefusedTokenIsRefusedWithHeadersForBrowsers() async throws {
        try await withServer(try arena()) { server in
            let refused = try await server.request(
                "POST", "/v1/identity/websocket-token",
                headers: ["Origin: http://localhost:5173", "Authorization: Bearer not.a.token"], body: [])
            #expect(refused.status == 401)
            #expect(refused["access-control-allow-origin"] != nil)
            let upgrade = try await server.connect(
                "/v1/database/arena/subscribe?token=not.a.token&compression=Gzip",
                protocols: TypeScriptPlayerTests.protocols)
            #expect(upgrade.response.status == 401)
        }
    }
}
