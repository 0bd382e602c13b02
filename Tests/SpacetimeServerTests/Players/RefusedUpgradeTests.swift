import SpacetimeKit
import Testing

/// What is refused before the 101, in the order and with the statuses of the specification.
@Suite struct RefusedUpgradeTests {
    @Test(arguments: [nil, "v4.bsatn.spacetimedb", "chat", ""] as [String?])
    func anUpgradeWithoutCommonProtocolIsRefused(protocols: String?) async throws {
        try await withServer(try arena()) { server in
            let client = try await server.connect("/v1/database/arena/subscribe", protocols: protocols)
            #expect(client.response.status == 400)
        }
    }

    @Test(arguments: [
        ("/v1/database/nowhere/subscribe", 404), ("/v1/database/\(String(repeating: "ab", count: 32))/subscribe", 404),
        ("/v1/database/arena/subscribe?compression=gzip", 400), ("/v1/database/arena/subscribe?light=1", 400),
        ("/v1/database/arena/subscribe?confirmed=yes", 400), ("/v1/database/arena/subscribe?token=a.b.c", 401),
    ])
    func aBadUpgradeIsRefusedBeforeIt(path: String, status: Int) async throws {
        try await withServer(try arena()) { server in
            let client = try await server.connect(path, protocols: "v2.bsatn.spacetimedb")
            #expect(client.response.status == status)
        }
    }

    @Test func aConnectionIdOfAnotherLengthOrOfNobodyIsRefused() async throws {
        try await withServer(try arena()) { server in
            for id in ["01", String(repeating: "0", count: 32), String(repeating: "G", count: 32)] {
                let client = try await server.connect(
                    "/v1/database/arena/subscribe?connection_id=\(id)&compression=Brotli",
                    protocols: "v2.bsatn.spacetimedb")
                #expect(client.response.status == 400)
            }
        }
    }

    @Test func unknownParametersAreIgnored() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted(query: "compression=None&colour=blue")
            #expect(client.response.status == 101)
        }
    }

    @Test func anUpgradeWithoutItsHeadersIsRefused() async throws {
        try await withServer(try arena()) { server in
            let plain = try await server.request("GET", "/v1/database/arena/subscribe")
            #expect(plain.status == 426)
            #expect(plain["upgrade"]?.lowercased() == "websocket")
            #expect(try await server.request("POST", "/v1/database/arena/subscribe", body: []).status == 405)
        }
    }

    /// The server chooses by its own preference, whatever the order in which a client lists the protocols.
    @Test(arguments: [
        ("v2.bsatn.spacetimedb, v3.bsatn.spacetimedb", "v3.bsatn.spacetimedb"),
        (" v1.json.spacetimedb ,v2.bsatn.spacetimedb", "v2.bsatn.spacetimedb"),
        ("v1.json.spacetimedb,v1.bsatn.spacetimedb", "v1.bsatn.spacetimedb"),
        ("unknown, v1.json.spacetimedb", "v1.json.spacetimedb"),
    ])
    func theServerChoosesTheProtocol(offered: String, chosen: String) async throws {
        try await withServer(try arena()) { server in
            let client = try await server.connect("/v1/database/arena/subscribe", protocols: offered)
            #expect(client.response["sec-websocket-protocol"] == chosen)
        }
    }
}
