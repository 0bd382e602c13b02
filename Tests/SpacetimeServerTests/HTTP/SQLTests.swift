import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// SQL over HTTP.
@Suite struct HTTPSQLTests {
    func sql(
        _ server: TestServer, _ text: String, _ query: String = "", as token: String? = nil, in name: String = "arena"
    )
        async throws -> TestServer.Reply
    {
        try await server.send(.post, "/v1/database/\(name)/sql\(query)", as: token, text: text)
    }

    @Test func aQueryAnswersAsTheWorkedExample() async throws {
        let server = try TestServer()
        try await server.arena.call(Arena.addUser, 1, "Ann")
        try await server.arena.call(Arena.addUser, 2, "Bobby")
        let reply = try await sql(server, "SELECT * FROM user ORDER BY id")
        #expect(reply.status == 200)
        #expect(reply.type == "application/json")
        #expect(UInt64(reply.header("spacetime-execution-duration-micros") ?? "") != nil)
        let start =
            #"[{"schema":{"elements":[{"name":{"some":"id"},"algebraic_type":{"U32":[]}},{"name":{"some":"name"},"#
            + #""algebraic_type":{"String":[]}}]},"rows":[[1,"Ann"],[2,"Bobby"]],"total_duration_micros":"#
        #expect(reply.text.hasPrefix(start), "\(reply.text)")
        #expect(reply.text.hasSuffix(#","stats":{"rows_inserted":0,"rows_deleted":0,"rows_updated":0}}]"#))
    }

    @Test func valuesHaveNoNames() async throws {
        let server = try TestServer()
        _ = try await server.call("vault/call/put_thing", "[1,null]", as: server.owner)
        _ = try await server.call("vault/call/put_thing", #"[2,{"some":"x"}]"#, as: server.owner)
        let rows = try await sql(server, "SELECT * FROM thing", in: "vault").json.arrayValue?.first?["rows"]?.arrayValue
        let first = rows?.first { $0.arrayValue?.first == .number("1") }?.arrayValue ?? []
        let second = rows?.first { $0.arrayValue?.first == .number("2") }?.arrayValue ?? []
        #expect(first[1] == .array([.string("0x" + Arena.owner.hex)]))
        #expect(first[2].arrayValue?.count == 1)
        #expect(first[3] == .array([.number("1"), .array([])]))
        #expect(second[3] == .array([.number("0"), .string("x")]))
    }

    @Test func theOwnerWrites() async throws {
        let server = try TestServer()
        for (text, counts) in [
            ("INSERT INTO user (id, name) VALUES (1, 'Ann'), (2, 'Bob')", "2,\"rows_deleted\":0,\"rows_updated\":0"),
            ("UPDATE user SET name = 'Bobby' WHERE id = 2", "0,\"rows_deleted\":0,\"rows_updated\":1"),
            ("DELETE FROM user WHERE id = 1", "0,\"rows_deleted\":1,\"rows_updated\":0"),
        ] {
            let reply = try await sql(server, text, as: server.owner)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(reply.text.hasPrefix(#"[{"schema":{"elements":[]},"rows":[],"#))
            #expect(reply.text.hasSuffix(#""stats":{"rows_inserted":\#(counts)}}]"#), "\(reply.text)")
        }
        #expect(try await server.arena.read { $0.user.rows.map(\.name) } == ["Bobby"])
    }

    @Test(arguments: [
        "", "SELECT", "SELECT * FROM none", "SELECT none FROM user", "SELECT * FROM user WHERE id = 'x'",
        "SELECT * FROM user; SELECT * FROM score", "INSERT INTO user (id, name) VALUES (1, 'Ann')", "DELETE FROM user",
    ]) func whatCannotBeRunIsRefused(text: String) async throws {
        let server = try TestServer()
        let reply = try await sql(server, text)
        #expect(reply.status == 400)
        #expect(reply.type == "text/plain; charset=utf-8")
        #expect(!reply.text.isEmpty)
    }

    @Test func privateTablesAreUnknownToStrangers() async throws {
        let server = try TestServer()
        _ = try await server.call("vault/call/hide", #"["x"]"#, as: server.owner)
        let none = try await sql(server, "SELECT * FROM none", in: "vault")
        let secret = try await sql(server, "SELECT * FROM secret", in: "vault")
        #expect(secret.status == 400)
        #expect(secret.text.replacing("secret", with: "none") == none.text)
        let owner = try await sql(server, "SELECT text FROM secret", as: server.owner, in: "vault")
        #expect(owner.text.contains(#""rows":[["x"]]"#))
    }

    @Test func theAskingConnectionIsSeen() async throws {
        let server = try TestServer()
        let reply = try await sql(server, "SELECT identity FROM st_client", as: server.owner)
        #expect(reply.text.contains(#""rows":[["0x\#(Arena.owner.hex)"]]"#), "\(reply.text)")
    }

    @Test func answersMayWaitForTheDisk() async throws {
        let server = try TestServer()
        for query in ["", "?confirmed=true", "?confirmed=false", "?other=1"] {
            #expect(try await sql(server, "SELECT * FROM user", query).status == 200)
        }
        #expect(try await sql(server, "SELECT * FROM user", "?confirmed=1").status == 400)
    }

    @Test func statementsHaveLimits() async throws {
        let server = try TestServer { $0.http.sql = QueryLimits(rows: 1) }
        try await server.arena.call(Arena.addUser, 1, "Ann")
        #expect(try await sql(server, "SELECT * FROM user").status == 200)
        try await server.arena.call(Arena.addUser, 2, "Bob")
        let reply = try await sql(server, "SELECT * FROM user")
        #expect(reply.status == 400)
        #expect(reply.text.contains("limit"))
    }

    @Test func bodiesThatAreNoTextAreRefused() async throws {
        let server = try TestServer()
        #expect(try await server.send(.post, "/v1/database/arena/sql", body: [0xff, 0xfe]).status == 400)
        #expect(try await sql(server, "SELECT * FROM user", in: "none").status == 404)
    }
}
