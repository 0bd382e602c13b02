import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Identities and tokens over HTTP.
@Suite struct IdentityRouteTests {
    @Test func eachNewIdentityIsAnotherOne() async throws {
        let server = try TestServer()
        let (one, other) = (try await server.send(.post, "/v1/identity"), try await server.send(.post, "/v1/identity"))
        #expect(one.status == 200)
        #expect(one.type == "application/json")
        let identity = try #require(try one.json["identity"]?.stringValue)
        #expect(identity.utf8.count == 64)
        #expect(try other.json["identity"]?.stringValue != identity)
        let token = try #require(try one.json["token"]?.stringValue)
        #expect(try await server.send(.get, "/v1/identity/\(identity)/verify", as: token).status == 204)
    }

    @Test func verifyingTellsWhoseATokenIs() async throws {
        let server = try TestServer()
        let path = "/v1/identity/\(Arena.owner.hex)/verify"
        let own = try await server.send(.get, path, as: server.owner)
        #expect(own.status == 204)
        #expect(own.bytes.isEmpty)
        let other = try await server.send(.get, path, as: server.token("other"))
        #expect(other.status == 400)
        #expect(other.bytes.isEmpty)
        let nobody = try await server.send(.get, path)
        #expect(nobody.status == 401)
        #expect(nobody.text == "Authorization required")
        #expect(try await server.send(.get, path, as: "a.b.c").status == 401)
        #expect(try await server.send(.get, "/v1/identity/arena/verify", as: server.owner).status == 400)
    }

    @Test func aShortTokenIsOfTheSameIdentity() async throws {
        let server = try TestServer()
        #expect(try await server.send(.post, "/v1/identity/websocket-token").status == 401)
        let reply = try await server.send(.post, "/v1/identity/websocket-token", as: server.owner)
        #expect(reply.status == 200)
        let token = try #require(try reply.json["token"]?.stringValue)
        #expect(token != server.owner)
        // The WebSocket that it is for needs a connection of its own.
        #expect(reply.header("connection") == "close")
        let path = "/v1/identity/\(Arena.owner.hex)/verify?token=\(token)"
        #expect(try await server.send(.get, path).status == 204)
    }

    @Test func thePublicKeyIsPEM() async throws {
        let server = try TestServer()
        let reply = try await server.send(.get, "/v1/identity/public-key")
        #expect(reply.status == 200)
        #expect(reply.type == "application/pem-certificate-chain")
        #expect(reply.text == server.server.authority.publicKeyText)
        #expect(reply.text.hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
        #expect(reply.text.hasSuffix("-----END PUBLIC KEY-----\n"))
    }

    @Test func theDatabasesOfAnOwnerAreListed() async throws {
        let server = try TestServer()
        let identities = [server.arena.identity, server.vault.identity].sorted().map { "\"\($0.hex)\"" }
        let own = try await server.send(.get, "/v1/identity/\(Arena.owner.hex)/databases")
        #expect(own.text == "{\"identities\":[\(identities.joined(separator: ","))]}")
        let other = try await server.send(.get, "/v1/identity/\(Vault.banned.hex)/databases")
        #expect(other.text == #"{"identities":[]}"#)
        #expect(try await server.send(.get, "/v1/identity/arena/databases").status == 400)
    }
}
