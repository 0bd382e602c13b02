import SpacetimeKit
import SpacetimeSATS
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

@Suite struct LogRouteTests {
    private func open() throws -> (SpacetimeServer, Database<DynamicModule>) {
        let module = Module("m") {
            Reducer("say") { (context: borrowing ReducerContext, text: String) in context.log.info(text) }
        }
        let db = try Database.open(.inMemory, module: module)
        let server = SpacetimeServer(options: .test())
        try server.host(db, as: "talk")
        return (server, db)
    }

    private func request(_ query: String, _ token: String?) -> String {
        "GET /v1/database/talk/logs\(query) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
            + (token.map { "authorization: Bearer \($0)\r\n" } ?? "") + "\r\n"
    }

    private func get(_ port: Int, _ query: String, _ token: String?) async throws -> (head: String, body: String) {
        try await SocketProbe.open(port) { probe in
            try await probe.send(request(query, token))
            return (await probe.readHead().lowercased(), await probe.readToEnd())
        }
    }

    @Test func theOwnerReadsTheNewestLines() async throws {
        let (server, db) = try open()
        for number in 0..<5 { try await db.call("say", arguments: "line \(number)".bsatn()) }
        let owner = server.token(for: "owner")
        try await serving(server) { port in
            let (head, body) = try await get(port, "?num_lines=2", owner)
            #expect(head.hasPrefix("http/1.1 200"))
            #expect(head.contains("content-type: application/x-ndjson\r\n"))
            #expect(head.contains("cache-control: no-cache\r\n"))
            let lines = body.split(separator: "\n").map(String.init)
            #expect(lines == db.log.last(2).map(\.json))
            let all = try await get(port, "", owner)
            #expect(all.body.split(separator: "\n").count == 6, "and the one of the database itself")
        }
    }

    @Test func othersDoNot() async throws {
        let (server, _) = try open()
        try await serving(server) { port in
            let nobody = try await get(port, "", nil)
            #expect(nobody.head.hasPrefix("http/1.1 403"))
            let stranger = try await get(port, "", server.token(for: "mallory"))
            #expect(stranger.head.hasPrefix("http/1.1 403"))
        }
    }

    @Test(arguments: ["?num_lines=-1", "?num_lines=x", "?follow=1"]) func malformedParametersAreRefused(
        query: String
    ) async throws {
        let (server, _) = try open()
        try await serving(server) { port in
            let answer = try await get(port, query, server.token(for: "owner"))
            #expect(answer.head.hasPrefix("http/1.1 400"))
        }
    }

    @Test(.timeLimit(.minutes(10))) func followersGetWhatComesUntilTheServerStops() async throws {
        let (server, db) = try open()
        try await db.call("say", arguments: "before".bsatn())
        let body = try await withThrowingTaskGroup(of: String.self) { group in
            try await serving(server) { port in
                let opened = AsyncStream.makeStream(of: Void.self)
                group.addTask {
                    try await SocketProbe.open(port) { probe in
                        try await probe.send(request("?num_lines=1&follow=true", server.token(for: "owner")))
                        _ = await probe.readHead()
                        opened.continuation.finish()
                        return await probe.readToEnd()
                    }
                }
                for await _ in opened.stream {}
                try await db.call("say", arguments: "after".bsatn())
            }
            return try await group.next() ?? ""
        }
        #expect(body.contains(#""message":"before"}"#))
        #expect(body.contains(#""message":"after"}"#))
    }
}
