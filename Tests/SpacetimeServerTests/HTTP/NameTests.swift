import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// The names of databases, and how long they live.
@Suite struct NameTests {
    func put(_ server: TestServer, _ database: String, _ names: String, as token: String) async throws
        -> TestServer.Reply
    {
        try await server.send(
            .put, "/v1/database/\(database)/names", as: token, type: "application/json", text: names)
    }

    @Test func aNameIsAdded() async throws {
        let server = try TestServer()
        let reply = try await server.send(.post, "/v1/database/arena/names", as: server.owner, text: "arena2")
        #expect(reply.status == 200)
        #expect(
            reply.text
                == #"{"Success":{"domain":"arena2","database_identity":"\#(server.arena.identity.hex)"}}"#)
        #expect(reply.type == "application/json")
        #expect(try await server.send(.get, "/v1/database/arena/names").text == #"{"names":["arena","arena2"]}"#)
        #expect(try await server.send(.get, "/v1/database/arena2/identity").text == server.arena.identity.hex)
    }

    @Test func badNamesAreNotAdded() async throws {
        let server = try TestServer()
        for name in ["", "A", "a--b", "a/b", "a b", "ü"] {
            let reply = try await server.send(.post, "/v1/database/arena/names", as: server.owner, text: name)
            #expect(reply.status == 400)
            #expect(reply.type == "text/plain; charset=utf-8")
        }
        let notText = try await server.send(.post, "/v1/database/arena/names", as: server.owner, body: [0xff])
        #expect(notText.status == 400)
    }

    @Test func onlyTheOwnerAddsNames() async throws {
        let server = try TestServer()
        for token in [nil, server.token("other")] {
            let reply = try await server.send(.post, "/v1/database/arena/names", as: token, text: "mine")
            #expect(reply.status == 401)
            #expect(reply.text == #"{"PermissionDenied":{"domain":"mine"}}"#)
        }
        #expect(try await server.send(.get, "/v1/database/mine/identity").status == 404)
    }

    @Test func aNameInUseIsNotAdded() async throws {
        let server = try TestServer()
        let used = try await server.send(.post, "/v1/database/arena/names", as: server.owner, text: "vault")
        #expect(used.status == 500)
        #expect(try used.json["OtherError"] != nil)
        _ = try await server.send(.put, "/v1/database/theirs", as: server.token("other"))
        let theirs = try await server.send(.post, "/v1/database/arena/names", as: server.owner, text: "theirs")
        #expect(theirs.status == 401)
        #expect(theirs.text == #"{"PermissionDenied":{"domain":"theirs"}}"#)
    }

    @Test func namesAreReplaced() async throws {
        let server = try TestServer()
        let reply = try await put(server, "arena", #"["one","two"]"#, as: server.owner)
        #expect(reply.status == 200)
        #expect(reply.text == #""Success""#)
        let identity = server.arena.identity.hex
        #expect(try await server.send(.get, "/v1/database/\(identity)/names").text == #"{"names":["one","two"]}"#)
        let old = try await server.send(.get, "/v1/database/arena")
        #expect(old.status == 404)
        #expect(old.text == "`arena` not found")
        // The name is still its owner's.
        let taken = try await server.send(.put, "/v1/database/arena", as: server.token("other"))
        #expect(taken.status == 401)
        #expect(taken.text == #"{"PermissionDenied":{"name":"arena"}}"#)
        #expect(try await put(server, "one", #"["arena"]"#, as: server.owner).status == 200)
        #expect(try await server.send(.get, "/v1/database/arena/identity").text == identity)
    }

    @Test func badReplacementsChangeNothing() async throws {
        let server = try TestServer()
        let identity = server.arena.identity.hex
        _ = try await server.send(.put, "/v1/database/theirs", as: server.token("other"))
        _ = try await server.send(.put, "/v1/database/theirs2", as: server.token("other"))
        for (names, status, text) in [
            (#"["Bad"]"#, 400, nil), (#"["a","a"]"#, 400, nil), ("{}", 400, nil), ("[1]", 400, nil), ("[", 400, nil),
            (#"["new","vault"]"#, 400, #"{"OtherError":"the name `vault` is in use; choose another one"}"#),
            (#"["arena"]"#, 400, #"{"OtherError":"the name `arena` is in use; choose another one"}"#),
            (#"["new","theirs"]"#, 401, #"{"PermissionDenied":{"domain":"theirs"}}"#),
            (#"["theirs","theirs2"]"#, 401, #"{"PermissionDeniedOnAny":{"domains":["theirs","theirs2"]}}"#),
        ] as [(String, Int, String?)] {
            let reply = try await put(server, "arena", names, as: server.owner)
            #expect(reply.status == status, "\(names)")
            if let text { #expect(reply.text == text) }
        }
        let stranger = try await put(server, "arena", #"["new"]"#, as: server.token("other"))
        #expect(stranger.status == 401)
        #expect(stranger.text == #"{"NotYourDatabase":{"database":"\#(identity)"}}"#)
        #expect(try await server.send(.get, "/v1/database/arena/names").text == #"{"names":["arena"]}"#)
        #expect(try await server.send(.put, "/v1/database/arena/names", as: server.owner, text: "[]").status == 400)
        let typed = try await server.send(
            .put, "/v1/database/arena/names", as: server.owner, type: "text/plain", text: "[]")
        #expect(typed.status == 415)
        let none = try await put(server, Identity(issuer: "a", subject: "b").hex, #"["new"]"#, as: server.owner)
        #expect(none.status == 404)
        #expect(none.text == #""DatabaseNotFound""#)
    }

    @Test func aNameOutlivesItsDatabase() async throws {
        let server = try TestServer()
        let identity = server.arena.identity.hex
        #expect(try await server.send(.delete, "/v1/database/arena", as: server.owner).status == 200)
        #expect(try await server.send(.get, "/v1/database/arena/identity").text == identity)
        #expect(try await server.send(.delete, "/v1/database/arena", as: server.owner).status == 200)
        for suffix in ["", "/schema?version=10", "/unstable/timestamp"] {
            let reply = try await server.send(.get, "/v1/database/arena\(suffix)")
            #expect(reply.status == 404)
            #expect(reply.text == "No such database.")
        }
        let stranger = try await server.send(.put, "/v1/database/arena", as: server.token("other"))
        #expect(stranger.status == 401)
        #expect(stranger.text == #"{"PermissionDenied":{"name":"arena"}}"#)
    }

    @Test func aFailedPublicationReservesItsName() async throws {
        let server = try TestServer()
        let first = try await server.send(.put, "/v1/database/fresh", as: server.owner, text: "no module")
        #expect(first.status == 501)
        let identity = try await server.send(.get, "/v1/database/fresh/identity").text
        #expect(Identity(hex: identity) != nil)
        let described = try await server.send(.get, "/v1/database/fresh/schema?version=10")
        #expect(described.status == 404)
        #expect(described.text == "No such database.")
        _ = try await server.send(.put, "/v1/database/fresh", as: server.owner)
        #expect(try await server.send(.get, "/v1/database/fresh/identity").text == identity)
        let stranger = try await server.send(.put, "/v1/database/fresh", as: server.token("other"))
        #expect(stranger.text == #"{"PermissionDenied":{"name":"fresh"}}"#)
    }

    @Test func metricsKeepTheNameThatADatabaseWasHostedUnder() async throws {
        let server = try TestServer()
        for name in ["a-name-in-front", "zzz"] {
            let reply = try await server.send(.post, "/v1/database/vault/names", as: server.owner, text: name)
            #expect(reply.status == 200)
        }
        #expect(server.server.namedDatabases.map(\.name).sorted() == ["arena", "vault"])
        let replaced = try await server.send(
            .put, "/v1/database/vault/names", as: server.owner, type: "application/json", text: #"["other"]"#)
        #expect(replaced.status == 200)
        #expect(server.server.namedDatabases.map(\.name).sorted() == ["arena", "vault"])
    }

    @Test func databasesOfOneIdentityAreToldApartByAnother() throws {
        let server = try TestServer()
        let another = try Database.open(.inMemory, module: Vault.self)
        let error = #expect(throws: DatabaseError.self) { try server.server.host(another, as: "another") }
        #expect(error?.message.contains("DatabaseOptions.identity") == true)
        var options = DatabaseOptions()
        options.identity = Identity(issuer: "rooms", subject: "lobby")
        try server.server.host(Database.open(.inMemory, module: Vault.self, options: options), as: "another")
    }
}
