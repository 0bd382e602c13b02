import SpacetimeHost
import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import Testing

@testable import SpacetimeServer

/// What the original command line client sends to publish and to manage databases, and what it relies on; and what other clients
/// of the database notice of it.
@Suite struct PublishingPlayerTests {
    /// The client, with the token that it got when it logged in.
    private struct Player: Sendable {
        let server: RunningServer
        let identity: String
        let bearer: String

        init(_ server: RunningServer) async throws {
            self.server = server
            let login = try await server.request("POST", "/v1/identity", body: [])
            identity = try RunningServer.field("identity", of: login.text)
            bearer = "Authorization: Bearer \(try RunningServer.field("token", of: login.text))"
        }

        func send(_ method: String, _ path: String, _ body: String? = nil, json: Bool = false) async throws
            -> HTTPAnswer
        {
            try await server.request(
                method, path, headers: [bearer] + (json ? ["content-type: application/json"] : []),
                body: body.map { Array($0.utf8) })
        }

        /// `publish NAME`, with the question about clients answered by yes.
        func publish(_ name: String, _ program: String) async throws -> HTTPAnswer {
            let plan = try await send(
                "POST", "/v1/database/\(name)/pre_publish?pretty_print_style=AnsiColor&host_type=Wasm", program)
            if plan.status == 404 { return try await send("PUT", "/v1/database/\(name)?host_type=Wasm", program) }
            #expect(plan.status == 200 && plan["content-type"] == "application/json")
            guard plan.text.contains("AutoMigrate") else { return plan }
            let token = try RunningServer.field("token", of: plan.text)
            return try await send(
                "PUT", "/v1/database/\(name)?token=\(token)&policy=BreakClients&host_type=Wasm", program)
        }

        func resolve(_ name: String) async throws -> String {
            try await server.request("GET", "/v1/database/\(name)/identity").text
        }

        /// `call NAME FUNCTION ARGUMENT`
        func call(_ name: String, _ function: String, _ arguments: String) async throws -> HTTPAnswer {
            let identity = try await resolve(name)
            let schema = try await send("GET", "/v1/database/\(identity)/schema?version=10")
            #expect(schema.status == 200 && schema.text.contains("\"\(function)\""))
            return try await send("POST", "/v1/database/\(identity)/call/\(function)", arguments, json: true)
        }

        /// `sql NAME QUERY`
        func sql(_ name: String, _ query: String) async throws -> HTTPAnswer {
            try await send("POST", "/v1/database/\(resolve(name))/sql", query)
        }

        /// `logs NAME`
        func logs(_ name: String) async throws -> String {
            try await send("GET", "/v1/database/\(resolve(name))/logs?follow=false").text
        }
    }

    private static func play(_ body: @escaping @Sendable (Player) async throws -> Void) async throws {
        var options = ServerOptions.test()
        options.publishing.runtime = ModuleRuntime(StandInLoader())
        try await withServer(try arena(), options: options) { try await body(Player($0)) }
    }

    private static func program(_ lines: String...) -> String { (["stand-in"] + lines).joined(separator: "\n") }

    @Test func publishCallSQLLogsAndDelete() async throws {
        try await Self.play { player in
            let created = try await player.publish("world", Self.program("init first"))
            #expect(created.status == 200 && created["content-type"] == "application/json")
            let identity = try RunningServer.field("database_identity", of: created.text)
            #expect(
                created.text
                    == #"{"Success":{"domain":"world","database_identity":"\#(identity)","op":"created"}}"#)
            let added = try await player.call("world", "add", #"["Cleo"]"#)
            #expect(added.status == 200 && added.body.isEmpty)
            let failed = try await player.call("world", "fail", "[]")
            #expect(failed.status == 530 && failed.text == "it fails")
            #expect(
                try await player.sql("world", "SELECT name FROM item").text.contains(#""rows":[["first"],["Cleo"]]"#))
            let logs = try await player.logs("world")
            #expect(logs.contains(#""message":"Database initialized""#) && logs.contains("'fail' failed: it fails"))
            #expect(try await player.send("DELETE", "/v1/database/\(identity)").status == 200)
            let gone = try await player.send("GET", "/v1/database/world/schema?version=10")
            #expect(gone.status == 404 && gone.text == "No such database.")
            let again = try await player.publish("world", Self.program())
            #expect(again.text.contains(identity) && again.text.contains(#""op":"created""#))
        }
    }

    @Test func publishingAgainUpdates() async throws {
        try await Self.play { player in
            _ = try await player.publish("world", Self.program("procedure"))
            #expect(try await player.call("world", "echo", #"["a"]"#).text == #""a""#)
            let updated = try await player.publish("world", Self.program("prefix new-", "procedure", "table other"))
            #expect(updated.status == 200 && updated.text.contains(#""op":"updated""#))
            #expect(try await player.call("world", "echo", #"["b"]"#).text == #""new-b""#)
            #expect(try await player.sql("world", "SELECT name FROM item").text.contains(#""rows":[["a"],["new-b"]]"#))
            #expect(try await player.logs("world").contains("Updated program to "))
        }
    }

    @Test func anImpossiblePlanIsForcedByDeletingTheData() async throws {
        try await Self.play { player in
            _ = try await player.publish("world", Self.program("column", "init old"))
            let manual = try await player.publish("world", Self.program("init new"))
            #expect(manual.status == 200 && manual.text.hasPrefix(#"{"ManualMigrate":{"reason":""#))
            #expect(manual.text.hasSuffix(#""major_version_upgrade":false}}"#))
            let forced = try await player.send(
                "PUT", "/v1/database/world?clear=true&host_type=Wasm", Self.program("init new"))
            #expect(forced.status == 200 && forced.text.contains(#""op":"updated""#))
            #expect(try await player.sql("world", "SELECT name FROM item").text.contains(#""rows":[["new"]]"#))
        }
    }

    @Test func aBrokenModuleLeavesItsNameToBeRepaired() async throws {
        try await Self.play { player in
            let broken = try await player.publish("world", "no module")
            #expect(broken.status == 500)
            let described = try await player.send(
                "GET", "/v1/database/\(try await player.resolve("world"))/schema?version=10")
            #expect(described.status == 404 && described.text == "No such database.")
            #expect(try await player.publish("world", Self.program()).text.contains(#""op":"created""#))
        }
    }

    @Test func listRenameAndLock() async throws {
        try await Self.play { player in
            let unnamed = try await player.send("POST", "/v1/database?host_type=Wasm", Self.program())
            #expect(unnamed.text.hasPrefix(#"{"Success":{"domain":null,"#))
            let identity = try RunningServer.field("database_identity", of: unnamed.text)
            let list = try await player.send("GET", "/v1/identity/\(player.identity)/databases")
            #expect(list.text == #"{"identities":["\#(identity)"]}"#)
            let renamed = try await player.send("PUT", "/v1/database/\(identity)/names", #"["new"]"#, json: true)
            #expect(renamed.status == 200 && renamed.text == #""Success""#)
            #expect(try await player.resolve("new") == identity)
            #expect(try await player.send("POST", "/v1/database/\(identity)/lock", "").status == 200)
            #expect(try await player.send("DELETE", "/v1/database/\(identity)").status == 403)
            let cleared = try await player.send("PUT", "/v1/database/new?clear=true&host_type=Wasm", Self.program())
            #expect(cleared.status == 403)
            #expect(try await player.send("POST", "/v1/database/\(identity)/unlock", "").status == 200)
            #expect(try await player.send("DELETE", "/v1/database/\(identity)").status == 200)
        }
    }

    // MARK: What other clients notice

    private static func row(_ id: UInt64, _ name: String) -> [UInt8] { littleEndian(id) + counted(name) }

    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb", "v1.json.spacetimedb"])
    func clientsStayConnectedAndSubscribed(subprotocol: String) async throws {
        try await Self.play { player in
            _ = try await player.publish("world", Self.program("init first"))
            let client = try await player.server.connect(
                "/v1/database/world/subscribe?compression=None", protocols: subprotocol)
            let isText = subprotocol.hasPrefix("v1")
            func next() async throws -> String {
                isText ? try await client.text() : String(decoding: try await client.message(), as: UTF8.self)
            }
            _ = try await next()
            if isText {
                try await client.send(text: #"{"Subscribe":{"query_strings":["SELECT * FROM item"],"request_id":1}}"#)
            } else {
                try await client.send(Say.subscribe(1, 1, "SELECT * FROM item"))
            }
            #expect(try await next().contains("first"))
            for number in 1...3 {
                let tables = (1...number).map { "table other\($0)" }
                let program = (["stand-in", "prefix new-", "init first"] + tables).joined(separator: "\n")
                #expect(try await player.publish("world", program).text.contains("updated"))
                #expect(try await player.call("world", "add", #"["b\#(number)"]"#).status == 200)
                let update = try await next()
                #expect(update.contains("new-b\(number)") && update.contains("item"), "\(update)")
            }
            // Its own calls are those of the new module.
            if isText {
                try await client.send(
                    text: #"{"CallReducer":{"reducer":"add","args":"[\"own\"]","request_id":2,"flags":0}}"#)
            } else {
                try await client.send(Say.call(2, "add", counted("own")))
            }
            #expect(try await next().contains("new-own"))
        }
    }

    @Test func callsOfAClientGoOnWhileModulesAreReplaced() async throws {
        try await Self.play { player in
            _ = try await player.publish("world", Self.program())
            let client = try await player.server.greeted("world")
            let count = 400
            async let updates: Void = {
                for number in 1...8 {
                    let tables = number > 4 ? ["table other", "table more"] : ["table other"]
                    let program = (["stand-in", "prefix p\(number)-"] + tables).joined(separator: "\n")
                    _ = try await player.publish("world", program)
                }
            }()
            for number in 0..<count {
                try await client.send(Say.call(UInt32(number), "add", counted("x\(number)")))
            }
            for number in 0..<count {
                // Every call is answered once, in its order, and has committed.
                let answer = try await client.message()
                expect(Array(answer.prefix(6)), is: "00 06 \(Self.hex(littleEndian(UInt32(number))))")
                #expect(answer.count > 14 && answer[14] <= 1, "call \(number) failed")
            }
            try await updates
            let rows = try await player.sql("world", "SELECT COUNT(*) AS n FROM item").text
            #expect(rows.contains(#""rows":[[\#(count)]]"#), "\(rows)")
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String { bytes.hexText }

    @Test func anUpdateThatBreaksClientsDisconnectsThem() async throws {
        try await Self.play { player in
            _ = try await player.publish("world", Self.program("clients"))
            let watching = try await player.server.greeted("world")
            try await watching.send(Say.subscribe(1, 1, "SELECT * FROM item"))
            _ = try await watching.message()
            let idle = try await player.server.greeted("world")
            // It is told of the other one's coming.
            _ = try await watching.message()
            let done = try await player.publish("world", Self.program("clients", "prefix v2-", "column"))
            #expect(done.text.contains("updated"))
            for client in [watching, idle] {
                #expect(try await client.next() == .close(code: 1001, reason: "module exited"))
            }
            #expect(try await player.logs("world").contains("Disconnecting all users"))
            // The disconnect reducer is the new module's.
            try await player.server.server.registry.database("world").clients.allHaveLeft()
            let rows = try await player.sql("world", "SELECT name FROM item WHERE name = 'v2-left'").text
            #expect(rows.components(separatedBy: "v2-left").count >= 3, "\(rows)")
            #expect(try await player.sql("world", "SELECT * FROM st_client").status == 200)
        }
    }

    @Test func deletingAndResettingDisconnects() async throws {
        try await Self.play { player in
            _ = try await player.publish("world", Self.program())
            var client = try await player.server.greeted("world")
            _ = try await player.send("PUT", "/v1/database/world?clear=true&host_type=Wasm", Self.program())
            #expect(try await client.next() == .close(code: 1001, reason: "module exited"))
            client = try await player.server.greeted("world")
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM item"))
            _ = try await client.message()
            _ = try await player.send("DELETE", "/v1/database/world")
            #expect(try await client.next() == .close(code: 1001, reason: "module exited"))
        }
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
