import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// What a database tells of itself.
@Suite struct DatabaseRouteTests {
    @Test func infoIsOfTheDatabase() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/database/arena")
        #expect(reply.status == 200)
        #expect(reply.type == "application/json")
        let json = try reply.json
        #expect(json["database_identity"]?["__identity__"] == .string("0x" + server.arena.identity.hex))
        #expect(json["owner_identity"]?["__identity__"] == .string("0x" + Arena.owner.hex))
        #expect(json["host_type"] == .object([.init("Wasm", .array([]))]))
        #expect(json["initial_program"]?.stringValue?.hasPrefix("0x") == true)
        let same = try await server.send(.get, "/v1/database/0x\(server.arena.identity.hex.uppercased())")
        #expect(same.text == reply.text)
    }

    /// The bytes are read as a number, least significant first, and zeros in front are left out.
    @Test func hashesAreNumbersAsText() {
        #expect(HashText.text([0x4c, 0x3d, 0x2e, 0x1f] + [UInt8](repeating: 0, count: 28)) == "0x1f2e3d4c")
        #expect(HashText.text([UInt8](repeating: 0, count: 32)) == "0x0")
        let last = [UInt8](repeating: 0, count: 31) + [0xab]
        #expect(HashText.text(last) == "0xab" + String(repeating: "0", count: 62))
    }

    @Test(arguments: [
        "", "/identity", "/names", "/schema?version=9", "/unstable/timestamp",
    ]) func lookupsFailAlikeEverywhere(suffix: String) async throws {
        let server = try TestServer()
        let unknown = try await server.send(.get, "/v1/database/none\(suffix)")
        #expect(unknown.status == 404)
        #expect(unknown.text == "`none` not found")
        for name in ["Arena", "a--b", "a_b", "-a", "c200", String(repeating: "f", count: 63) + "G"] {
            let reply = try await server.send(.get, "/v1/database/\(name)\(suffix)")
            #expect(reply.status == (name == "c200" ? 404 : 400), "\(name)")
        }
        let identity = Identity(issuer: "localhost", subject: "none").hex
        let gone = try await server.send(.get, "/v1/database/\(identity)\(suffix)")
        if suffix == "/identity" {
            #expect(gone.text == identity, "an identity is given back as it is")
        } else if suffix == "/names" {
            #expect(gone.text == #"{"names":[]}"#)
        } else {
            #expect(gone.status == 404)
            #expect(gone.text == "No such database.")
        }
    }

    @Test func anIdentityIsTextAlone() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/database/arena/identity")
        #expect(reply.status == 200)
        #expect(reply.text == server.arena.identity.hex)
        #expect(reply.type == "text/plain; charset=utf-8")
    }

    @Test func theClockIsThatOfTheDatabase() async throws {
        let reply = try await TestServer().send(.get, "/v1/database/arena/unstable/timestamp")
        #expect(reply.text == #"{"__timestamp_micros_since_unix_epoch__":1700000000123456}"#)
    }

    // MARK: Sockets

    @Test func aRequestThatIsNoUpgradeIsToldSo() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/database/arena/subscribe")
        #expect(reply.status == 426)
        #expect(reply.header("upgrade") == "websocket")
        #expect(reply.header("connection") == "Upgrade")
        #expect(reply.header("spacetime-identity") != nil)
        #expect(try await server.send(.get, "/v1/database/arena/subscribe?light=1").status == 400)
        #expect(try await server.send(.get, "/v1/database/Arena/subscribe").status == 400)
        #expect(try await server.send(.get, "/v1/database/arena/subscribe", as: "x").status == 401)
    }

    @Test func theRestOfAnUpgradeIsJudgedInOrder() async throws {
        let server = try TestServer()
        func status(_ path: String, _ change: (inout HTTPFields) -> Void = { _ in }) async throws -> Int {
            var headers: HTTPFields = [
                .connection: "keep-alive, Upgrade", .upgrade: "websocket", .secWebSocketVersion: "13",
                .secWebSocketKey: "AAAAAAAAAAAAAAAAAAAAAA==", .secWebSocketProtocol: "v2.bsatn.spacetimedb",
            ]
            change(&headers)
            return try await server.send(.get, "/v1/database/\(path)", headers: headers).status
        }
        #expect(try await status("none/subscribe") { $0[.secWebSocketVersion] = "8" } == 400)
        #expect(try await status("none/subscribe") { $0[.secWebSocketKey] = nil } == 400)
        let zero = String(repeating: "0", count: 32)
        #expect(try await status("none/subscribe?connection_id=\(zero)") == 400)
        #expect(try await status("none/subscribe") == 404)
        #expect(try await status("arena/subscribe") { $0[.secWebSocketProtocol] = "soap" } == 400)
        let identity = Identity(issuer: "localhost", subject: "none").hex
        #expect(try await status("\(identity)/subscribe") == 404)
    }
}
