import SpacetimeKit
import SpacetimeServerTestSupport
import Testing

@testable import SpacetimeServer

@Table(.public) struct Ringing {
    @PrimaryKey @AutoIncrement var id: UInt64
    var who: Identity
}

@Module private enum Chime {
    static let tables = Tables(Ringing.self)

    @Reducer(rate: .perSecond(0.001, burst: 2)) static func ring(_ context: borrowing Context) throws {
        try context.db.ringing.insert(Ringing(id: 0, who: context.sender))
    }

    @Reducer static func listen(_ context: borrowing Context) throws {}
}

/// Reducers that say how often a client may call them.
@Suite struct RateTests {
    private static let owner = Identity(issuer: "localhost", subject: TestServer.ownerSubject)

    private func serve(
        _ change: (inout ServerOptions) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningServer, Database<Chime>) async throws -> Void
    ) async throws {
        var options = DatabaseOptions()
        options.owner = Self.owner
        let bell = try await Database.open(.inMemory, module: Chime.self, options: options)
        try await withServer(bell, as: "bell", options: .test(change)) { try await body($0, bell) }
    }

    /// What a call over a WebSocket is answered with, behind the request's number and the time: what it is, and the rest.
    private func ring(_ client: RawClient, _ request: UInt32 = 1) async throws -> (tag: UInt8, text: String) {
        try await client.send(Say.call(request, "ring"))
        let answer = try await client.message()
        return (answer[14], String(decoding: answer.dropFirst(19), as: UTF8.self))
    }

    private func ring(_ server: RunningServer, _ token: String?) async throws -> HTTPAnswer {
        try await server.request(
            "POST", "/v1/database/bell/call/ring",
            headers: ["content-type: application/json"] + (token.map { ["Authorization: Bearer \($0)"] } ?? []),
            body: Array("[]".utf8))
    }

    @Test func allConnectionsAndRequestsOfACallerCountTogether() async throws {
        try await serve { server, bell in
            let token = server.server.authority.issue(to: "ada").token
            let bearer = "Authorization: Bearer \(token)"
            let first = try await server.greeted("bell", headers: [bearer])
            let second = try await server.greeted("bell", headers: [bearer])
            #expect(try await ring(first).tag != 3)
            #expect(try await ring(second).tag != 3)
            let (tag, text) = try await ring(first, 2)
            // An error of the call itself would have tag 2.
            #expect(tag == 3)
            #expect(text.hasPrefix("'ring' was called too often; wait ") && text.hasSuffix(" ms and call it again"))
            let refused = try await ring(server, token)
            #expect(refused.status == 429)
            #expect(refused.text.hasPrefix("'ring' was called too often; wait "))
            let seconds = try #require(refused["retry-after"].flatMap { Int($0) })
            #expect((1...1_000).contains(seconds))
            // Nothing else is held back, and nobody else.
            try await first.send(Say.call(3, "listen"))
            #expect(try await first.message()[14] != 3)
            let other = try await server.greeted("bell")
            #expect(try await ring(other).tag != 3)
            #expect(try await bell.read { $0.ringing.count } == 3)
        }
    }

    @Test func requestsOfOneCallerCountAndThoseWithoutATokenByTheirAddress() async throws {
        try await serve { server, bell in
            let token = server.server.authority.issue(to: "ada").token
            for caller in [token, nil] as [String?] {
                var statuses: [Int] = []
                for _ in 0..<3 { statuses.append(try await ring(server, caller).status) }
                #expect(statuses == [200, 200, 429])
            }
            let count = try await bell.read { $0.ringing.count }
            #expect(count == 4)
        }
    }

    @Test func theOwnerAndTheProgramItselfAreNotHeldToIt() async throws {
        try await serve { server, bell in
            let token = server.server.authority.issue(to: TestServer.ownerSubject).token
            for _ in 0..<5 { #expect(try await ring(server, token).status == 200) }
            for _ in 0..<5 { try await bell.call(Chime.ring) }
            #expect(try await bell.read { $0.ringing.count } == 10)
        }
    }

    @Test func theServersOptionsWinOverTheModule() async throws {
        let change = { (options: inout ServerOptions) in
            options.limits.everybody.reducerRates["ring"] = .perSecond(0.001, burst: 3)
        }
        try await serve(change) { server, _ in
            let client = try await server.greeted("bell")
            for request in 0..<3 as Range<UInt32> { #expect(try await ring(client, request).tag != 3) }
            #expect(try await ring(client, 3).tag == 3)
        }
    }

    @Test func aModuleMadeAtRunTimeSaysItToo() async throws {
        let module = Module("bell") {
            Reducer("ring", rate: .perMinute(1)) { (context: borrowing ReducerContext) in }
        }
        let bell = try await Database.open(.inMemory, module: module)
        #expect(bell.core.reducerRates == [0: RateLimit(perSecond: 1.0 / 60, burst: 1)])
    }
}
