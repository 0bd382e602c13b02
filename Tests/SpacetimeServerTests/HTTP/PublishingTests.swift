import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Publishing and managing the databases of a program's own.
@Suite struct PublishingTests {
    @Test(arguments: [
        "clear=1", "host_type=wasm", "policy=Any", "policy=BreakClients", "num_replicas=256", "num_replicas=-1",
        "update_confirmation_timeout=soon", "update_confirmation_timeout=5",
    ]) func parametersThatCannotBeReadAreRefused(query: String) async throws {
        let server = try TestServer()
        let reply = try await server.send(.put, "/v1/database/new?\(query)", as: server.owner)
        #expect(reply.status == 400)
        #expect(try await server.send(.get, "/v1/database/new/identity").status == 404, "the name is not registered")
    }

    @Test func timesAreRead() {
        for (text, seconds) in [
            ("5s", 5), ("2min", 120), ("1h 30m", 5_400), ("100ms", 0.1), ("1min30s", 90), ("", nil), ("s", nil),
            ("5 s", nil), ("5y", nil), ("-5s", nil), ("99999999999s", nil),
        ] as [(String, Double?)] {
            #expect(PublishParameters.seconds(text) == seconds, "\(text)")
        }
    }

    @Test func uploadsAreRefusedWithAWord() async throws {
        let server = try TestServer()
        for (method, path) in [(HTTPRequest.Method.post, "/v1/database"), (.put, "/v1/database/new")] {
            let reply = try await server.send(method, path, as: server.owner, text: "\0asm")
            #expect(reply.status == 501)
            #expect(reply.text.contains("its own program"))
            #expect(reply.header("spacetime-identity") == Arena.owner.hex)
        }
        let script = try await server.send(.post, "/v1/database?host_type=Js", as: server.owner, text: "export {}")
        #expect(script.status == 400)
        #expect(script.text.contains("JavaScript"))
        #expect(try await server.send(.post, "/v1/database?clear=true", as: server.owner).status == 400)
    }

    @Test func parentsAndOrganizationsHaveToExist() async throws {
        let server = try TestServer()
        #expect(try await server.send(.put, "/v1/database/new?parent=none", as: server.owner).status == 404)
        #expect(try await server.send(.put, "/v1/database/new?org=none", as: server.owner).status == 404)
        let both = "/v1/database/arena?clear=true&parent=vault"
        #expect(try await server.send(.put, both, as: server.owner).status == 400)
    }

    @Test(arguments: ["a//b", "a%2F%2Fb", "Upper", "a_b", "a%2Fb%2F"]) func badNamesAreRefused(name: String)
        async throws
    {
        let server = try TestServer()
        let reply = try await server.send(.put, "/v1/database/\(name)", as: server.owner)
        #expect(reply.status == (name == "a//b" ? 404 : 400))
    }

    @Test func aNativeModuleIsNotReplaced() async throws {
        let server = try TestServer()
        for query in ["", "?host_type=Wasm", "?token=0x1&policy=BreakClients"] {
            let reply = try await server.send(.put, "/v1/database/arena\(query)", as: server.owner)
            #expect(reply.status == 400)
            #expect(reply.text.hasPrefix("Database update rejected: "))
        }
        let plan = try await server.send(
            .post, "/v1/database/arena/pre_publish?pretty_print_style=AnsiColor&host_type=Wasm", as: server.owner)
        #expect(plan.status == 200)
        #expect(plan.type == "application/json")
        #expect(try plan.json["ManualMigrate"]?["reason"]?.stringValue?.contains("`arena`") == true)
        #expect(try plan.json["ManualMigrate"]?["major_version_upgrade"] == .bool(false))
        #expect(try await server.send(.post, "/v1/database/new/pre_publish", as: server.owner).status == 404)
    }

    @Test(arguments: [
        (HTTPRequest.Method.put, "/v1/database/arena", "update database"),
        (.put, "/v1/database/arena?clear=true", "reset database"),
        (.put, "/v1/database/arena/reset", "reset database"), (.delete, "/v1/database/arena", "delete database"),
        (.post, "/v1/database/arena/lock", "lock database"), (.post, "/v1/database/arena/unlock", "unlock database"),
        (.post, "/v1/database/arena/pre_publish", "migration plan"),
    ]) func strangersManageNothing(method: HTTPRequest.Method, path: String, action: String) async throws {
        let server = try TestServer()
        let token = server.token("other")
        let other = Identity(issuer: "localhost", subject: "other").hex
        let reply = try await server.send(method, path, as: token)
        #expect(reply.status == 403)
        #expect(
            reply.text
                == "\(other) is not authorized to perform action on database \(server.arena.identity.hex): \(action)")
        #expect(try await server.send(method, path).status == 403)
        #expect(try await server.send(.get, "/v1/database/arena").status == 200)
    }

    @Test func aLockedDatabaseIsNotDeleted() async throws {
        let server = try TestServer()
        let lock = try await server.send(.post, "/v1/database/arena/lock", as: server.owner)
        #expect(lock.status == 200)
        #expect(lock.bytes.isEmpty)
        for (method, path) in [
            (HTTPRequest.Method.delete, "/v1/database/arena"), (.put, "/v1/database/arena?clear=true"),
            (.put, "/v1/database/arena/reset"),
        ] {
            #expect(try await server.send(method, path, as: server.owner).status == 403)
        }
        #expect(try await server.send(.post, "/v1/database/arena/unlock", as: server.owner).status == 200)
        #expect(try await server.send(.put, "/v1/database/arena/reset", as: server.owner).status == 400)
        let deleted = try await server.send(.delete, "/v1/database/arena", as: server.owner)
        #expect(deleted.status == 200)
        #expect(deleted.bytes.isEmpty)
        #expect(try await server.send(.get, "/v1/database/arena").status == 404)
        #expect(try await server.send(.post, "/v1/database/arena/lock", as: server.owner).status == 404)
    }

    @Test func deletingWhatIsNotThereSucceeds() async throws {
        let server = try TestServer()
        let identity = Identity(issuer: "localhost", subject: "none").hex
        #expect(try await server.send(.delete, "/v1/database/\(identity)", as: server.owner).status == 200)
        #expect(try await server.send(.delete, "/v1/database/none", as: server.owner).status == 404)
        #expect(try await server.send(.delete, "/v1/database/None", as: server.owner).status == 400)
    }

    @Test func aServerMayDemandAnIssuerForCreating() async throws {
        let server = try TestServer { $0.tokens.publishingIssuer = "https://auth.example.com" }
        for path in ["/v1/database", "/v1/database/new"] {
            let reply = try await server.send(path == "/v1/database" ? .post : .put, path, as: server.owner)
            #expect(reply.status == 401)
            #expect(reply.text.contains("https://auth.example.com"))
        }
        #expect(try await server.send(.get, "/v1/database/new/identity").status == 404)
        let key = try await IssuerKey.es256("k")
        let issuer = "https://auth.example.com/"
        server.documents.publish(issuer: "https://auth.example.com", keys: [key.jwk], as: issuer)
        let token = try await key.token(TestClaims(iss: issuer, sub: "somebody"))
        #expect(try await server.send(.put, "/v1/database/new", as: token).status == 501)
    }
}
