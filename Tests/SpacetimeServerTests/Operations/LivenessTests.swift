import Dispatch
import NIOCore
import SpacetimeKit
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

/// Who looks whether a server is alive is answered while a reducer has the database.
@Suite(.timeLimit(.minutes(10))) struct LivenessTests {
    /// A reducer that runs until it is let go.
    private struct Hold: Sendable {
        let begun = AsyncStream<Void>.makeStream()
        private let end = DispatchSemaphore(value: 0)

        func run() {
            begun.continuation.yield()
            // It ends by itself if the test has failed.
            _ = end.wait(timeout: .now() + 500)
        }

        func waitUntilBegun() async { for await _ in begun.stream { return } }
        func release() { end.signal() }
    }

    private static func module(_ hold: Hold) -> Module {
        Module("busy") {
            Table(Line.self)
            Reducer("say") { (context: borrowing ReducerContext, text: String) in
                try context.table(Line.self).insert(Line(id: 0, text: text))
            }
            Reducer("work") { (context: borrowing ReducerContext) in
                try context.table(Line.self).insert(Line(id: 0, text: "not to be seen yet"))
                hold.run()
            }
        }
    }

    /// A transaction that takes that long is no illness here.
    private static var options: ServerOptions {
        var options = ServerOptions.test()
        options.healthPatience = .seconds(6_000)
        return options
    }

    /// Called over a socket, by somebody who has called it before: it is known to be slow.
    @Test func probesAreAnsweredWhileAReducerHasTheDatabase() async throws {
        let hold = Hold()
        let db = try await Database.open(.inMemory, module: Self.module(hold))
        try await withServer(db, options: Self.options) { server in
            let caller = try await server.greeted()
            let prober = try await server.greeted(protocols: "v3.bsatn.spacetimedb")
            try await caller.send(Say.call(1, "say", counted("hello")))
            try await caller.expectAnswer(to: 1)
            let generation = try server.server.registry.database("arena").generation
            let somebody = Caller(identity: Identity(issuer: "test", subject: "somebody"))
            let work = try generation.core.sessions.reducer(named: "work", for: somebody)
            for _ in 0..<8 { generation.pace.note(work, 10_000_000_000) }
            try await caller.send(Say.call(2, "work"))
            await hold.waitUntilBegun()
            defer { hold.release() }
            for client in [prober, caller] {
                try await client.send([1, 2, 3], as: .ping)
                #expect(try await client.next() == .pong([1, 2, 3]))
            }
            for request in 3..<6 as Range<UInt32> {
                try await prober.send(Say.query(request, "SELECT * FROM line"))
                let answer = try await prober.message()
                expect(Array(answer.prefix(7)), is: "00 05 \(format(request)) 00")
                let text = String(decoding: answer, as: UTF8.self)
                #expect(text.contains("hello") && !text.contains("not to be seen yet"))
            }
            for path in ["/v1/ping", "/v1/health", "/v1/health/live", "/v1/metrics"] {
                #expect(try await server.request("GET", path).status == 200, "\(path)")
            }
            hold.release()
            try await caller.expectAnswer(to: 2)
            try await prober.send(Say.query(6, "SELECT * FROM line"))
            #expect(String(decoding: try await prober.message(), as: UTF8.self).contains("not to be seen yet"))
        }
    }

    /// Called by the program that holds the server: nobody knew that it would take so long. Questions of what is in the
    /// database wait, all others do not.
    @Test func probesThatNeedNoRowsAreAnsweredWhoeverHasTheDatabase() async throws {
        let hold = Hold()
        let db = try await Database.open(.inMemory, module: Self.module(hold))
        try await withServer(db, options: Self.options) { server in
            let prober = try await server.greeted()
            let ended = AsyncStream<Void>.makeStream()
            startThread {
                _ = try? db.call("work", arguments: [])
                ended.continuation.yield()
            }
            await hold.waitUntilBegun()
            defer { hold.release() }
            // Nor does the query hold up what comes behind it.
            try await prober.send(Say.query(1, "SELECT * FROM line"))
            try await prober.send([1, 2, 3], as: .ping)
            #expect(try await prober.next() == .pong([1, 2, 3]))
            for path in ["/v1/ping", "/v1/health", "/v1/health/live", "/v1/metrics"] {
                #expect(try await server.request("GET", path).status == 200, "\(path)")
            }
            hold.release()
            expect(Array(try await prober.message().prefix(7)), is: "00 05 01000000 00")
            for await _ in ended.stream { break }
        }
    }

    private func format(_ request: UInt32) -> String { "0\(request)000000" }
}
