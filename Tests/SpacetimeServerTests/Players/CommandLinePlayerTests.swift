import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// What the original command line client sends, and what it relies on.
@Suite struct CommandLinePlayerTests {
    /// What every command that names a database asks first.
    private static func resolve(_ server: RunningServer, _ bearer: String) async throws -> String {
        let answer = try await server.request("GET", "/v1/database/arena/identity", headers: [bearer])
        #expect(answer.status == 200 && answer.text.utf8.count == 64)
        return answer.text
    }

    private static func bearer(_ server: RunningServer) async throws -> String {
        "Authorization: Bearer \(try await server.token())"
    }

    @Test func aServerIsAddedPingedAndLoggedInTo() async throws {
        try await withServer(try arena()) { server in
            let key = try await server.request("GET", "/v1/identity/public-key")
            #expect(key.status == 200 && key.text.hasPrefix("-----BEGIN PUBLIC KEY-----"))
            #expect(try await server.request("GET", "/v1/ping").status == 200)
            let login = try await server.request("POST", "/v1/identity", body: [])
            #expect(login.status == 200 && login["content-type"] == "application/json")
            let identity = try RunningServer.field("identity", of: login.text)
            let token = try RunningServer.field("token", of: login.text)
            #expect(identity.utf8.count == 64 && token.split(separator: ".").count == 3)
            // It reads the payload without checking the signature, and has to find itself in it.
            let payload = try #require(Base64URL.bytes(token.split(separator: ".")[1].utf8))
            let claims = try JSON(parsing: payload)
            #expect(claims["hex_identity"]?.stringValue == identity)
            let (issuer, subject) = (claims["iss"]?.stringValue, claims["sub"]?.stringValue)
            #expect(Identity(issuer: try #require(issuer), subject: try #require(subject)).hex == identity)
            #expect(claims["iat"] != nil)
            // With the token it is known from then on.
            let bearer = "Authorization: Bearer \(token)"
            let verified = try await server.request("GET", "/v1/identity/\(identity)/verify", headers: [bearer])
            #expect(verified.status == 204)
        }
    }

    /// `logs -n 2`, and `logs -f`, which goes on until the client ends it.
    @Test func logsAreLinesOfJSONThatCanBeFollowed() async throws {
        let database = try arena()
        try await withServer(database) { server in
            let token = server.server.authority.issue(to: TestServer.ownerSubject).token
            let bearer = "Authorization: Bearer \(token)"
            let identity = try await Self.resolve(server, bearer)
            for text in ["one", "two", "three"] { database.core.log.append(.info, text) }
            let last = try await server.request(
                "GET", "/v1/database/\(identity)/logs?num_lines=2&follow=false", headers: [bearer])
            #expect(last.status == 200 && last["content-type"] == "application/x-ndjson")
            let lines = last.text.split(separator: "\n").map(String.init)
            try #require(lines.count == 2)
            for (line, text) in zip(lines, ["two", "three"]) {
                let record = try JSON(parsing: Array(line.utf8))
                #expect(record["message"]?.stringValue == text && record["level"]?.stringValue == "Info")
                #expect(record["ts"] != nil)
            }
            try await SocketProbe.open(server.port) { probe in
                try await probe.send(
                    "GET /v1/database/\(identity)/logs?num_lines=1&follow=true HTTP/1.1\r\nhost: localhost\r\n"
                        + "\(bearer)\r\n\r\n")
                #expect(await probe.readHead().hasPrefix("HTTP/1.1 200"))
                #expect(await probe.read(upTo: "three"))
                database.core.log.append(.warn, "four")
                #expect(await probe.read(upTo: "four"))
            }
        }
    }

    @Test func callSendsAnArrayAndPrintsWhatAProcedureReturns() async throws {
        let database = try arena()
        try await withServer(database) { server in
            let bearer = try await Self.bearer(server)
            let identity = try await Self.resolve(server, bearer)
            let schema = try await server.request(
                "GET", "/v1/database/\(identity)/schema?version=10", headers: [bearer])
            #expect(schema.status == 200 && schema["content-type"] == "application/json")
            #expect(schema.text.contains("add_user") && schema.text.contains("sum"))

            let json = "content-type: application/json"
            func call(_ function: String, _ body: String) async throws -> HTTPAnswer {
                try await server.request(
                    "POST", "/v1/database/\(identity)/call/\(function)", headers: [bearer, json],
                    body: Array(body.utf8))
            }
            let added = try await call("add_user", "[3, \"Cleo\"]")
            #expect(added.status == 200 && added.body.isEmpty)
            #expect(try await database.read { $0.user.id.find(3)?.name } == "Cleo")
            let refused = try await call("add_user", "[3, \"Cleo\"]")
            #expect(refused.status == 530 && refused.text == "name taken")
            let sum = try await call("sum", "[2, 3]")
            #expect(sum.status == 200 && sum.text == "5" && sum["content-type"] == "application/json")
            #expect(try await call("no_such", "[]").status == 404)
        }
    }

    @Test func sqlIsAnsweredWithSchemaRowsAndDurations() async throws {
        try await withServer(try arena()) { server in
            let bearer = try await Self.bearer(server)
            let identity = try await Self.resolve(server, bearer)
            let answer = try await server.request(
                "POST", "/v1/database/\(identity)/sql", headers: [bearer], body: Array("SELECT * FROM user".utf8))
            #expect(answer.status == 200 && answer["content-type"] == "application/json")
            #expect(answer.text.hasPrefix("[{\"schema\":") && answer.text.contains("\"rows\":[[1,\"Ann\"]]"))
            #expect(answer.text.contains("\"total_duration_micros\":") && answer.text.contains("\"stats\":"))
        }
    }

    @Test func describeOfANameWithoutDatabaseSaysSo() async throws {
        try await withServer(try arena()) { server in
            let bearer = try await Self.bearer(server)
            let answer = try await server.request("GET", "/v1/database/nowhere/identity", headers: [bearer])
            #expect(answer.status == 404)
        }
    }

    @Test func subscribeSpeaksTheThirdProtocolAlone() async throws {
        try await withServer(try arena()) { server in
            let bearer = try await Self.bearer(server)
            let identity = try await Self.resolve(server, bearer)
            let client = try await server.connect(
                "/v1/database/\(identity)/subscribe?compression=None", protocols: "v3.bsatn.spacetimedb",
                headers: [bearer])
            #expect(client.response["sec-websocket-protocol"] == "v3.bsatn.spacetimedb")
            _ = try Greeting(try await client.message())
            try await client.send(Say.subscribe(0, 0, "SELECT * FROM user"))
            #expect(try await client.message().count == 40)
            let other = try await server.greeted()
            try await other.send(Say.addUser(0, 3, "Cleo"))
            expect(
                try await client.message(),
                is: """
                    00 04 01000000 00000000 01000000 04000000 75736572 01000000 00 00 0c00 0c000000 03000000 04000000
                    436c656f 01 00000000 00000000
                    """)
        }
    }

    /// It uses this text a lot. Event tables are not part of it.
    @Test(arguments: ["SELECT * FROM *", "select  *  from *"])
    func allTablesAreOneQuery(query: String) async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted(protocols: "v3.bsatn.spacetimedb")
            try await client.send(Say.subscribe(0, 0, query))
            let applied = try await client.message()
            expect(Array(applied.prefix(10)), is: "00 01 00000000 00000000")
            let ann = bytes("04000000 75736572 00 0b00 0b000000 01000000 03000000 416e6e")
            #expect(applied.indices.contains { applied[$0...].starts(with: ann) })
            #expect(!String(decoding: applied, as: UTF8.self).contains("ping"))
        }
    }

    @Test func aFailedSubscriptionEndsItWithTheText() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted(protocols: "v3.bsatn.spacetimedb")
            try await client.send(Say.subscribe(0, 0, "SELECT * FROM nothing"))
            expect(Array(try await client.message().prefix(11)), is: "00 03 00 00000000 00000000")
        }
    }

    /// Where the server echoes another name than the third protocol's, it connects again with the first.
    @Test func theFirstProtocolIsItsFallback() async throws {
        try await withServer(try arena()) { server in
            let bearer = try await Self.bearer(server)
            let client = try await server.connect(
                "/v1/database/arena/subscribe", protocols: "v1.json.spacetimedb", headers: [bearer])
            #expect(client.response["sec-websocket-protocol"] == "v1.json.spacetimedb")
            let greeting = try await client.text()
            #expect(greeting.hasPrefix("{\"IdentityToken\":{\"identity\":{\"__identity__\":\"0x"))
            try await client.send(text: #"{"Subscribe":{"query_strings":["SELECT * FROM user"],"request_id":1}}"#)
            let initial = try await client.text()
            #expect(initial.hasPrefix(#"{"InitialSubscription":{"database_update":{"tables":[{"table_id":"#))
            #expect(
                initial.contains(
                    #""table_name":"user","num_rows":1,"updates":[{"deletes":[],"inserts":["{\"id\":1,\"name\":\"Ann\"}"]}]"#
                ))
            #expect(initial.contains(#""request_id":1"#))
        }
    }

    @Test func theDatabasesOfAnIdentityAreListedByTheirIdentities() async throws {
        try await withServer(try arena()) { server in
            let login = try await server.request("POST", "/v1/identity", body: [])
            let own = try RunningServer.field("identity", of: login.text)
            let bearer = "Authorization: Bearer \(try RunningServer.field("token", of: login.text))"
            let list = try await server.request("GET", "/v1/identity/\(own)/databases", headers: [bearer])
            #expect(list.status == 200 && list["content-type"] == "application/json")
            #expect(list.text == #"{"identities":[]}"#)
            let identity = try await Self.resolve(server, bearer)
            let names = try await server.request("GET", "/v1/database/\(identity)/names", headers: [bearer])
            #expect(names.text == #"{"names":["arena"]}"#)
        }
    }

    /// What only the owner may do, in the words of the client: `rename`, `delete`, `lock`.
    @Test func strangersAreRefusedWhatIsTheOwners() async throws {
        try await withServer(try arena()) { server in
            let bearer = try await Self.bearer(server)
            let identity = try await Self.resolve(server, bearer)
            let json = "content-type: application/json"
            for (method, path, body) in [
                ("PUT", "/names", Array(#"["new"]"#.utf8)), ("DELETE", "", nil), ("POST", "/lock", []),
            ] as [(String, String, [UInt8]?)] {
                let answer = try await server.request(
                    method, "/v1/database/\(identity)\(path)", headers: [bearer, json], body: body)
                #expect([401, 403].contains(answer.status), "\(method) \(path): \(answer.status)")
            }
        }
    }
}
