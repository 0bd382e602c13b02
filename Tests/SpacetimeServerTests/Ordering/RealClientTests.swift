import SpacetimeClientKit
import SpacetimeClientNIO
import SpacetimeTestSupport
import Synchronization
import Testing

/// The model test of the order in which clients are told of commits, with the real client.
@Suite(.timeLimit(.minutes(10))) struct RealClientTests {
    private static let opened = Atomic(0)

    private func open(_ seed: UInt64) throws -> Database<Ledger> {
        var options = DatabaseOptions()
        options.identity = identity(seed)
        // Sometimes little is remembered.
        if seed % 3 == 1 { options.resuming.changeLimit = 20 }
        if seed % 3 == 2 { options.resuming.queryLimit = 4 }
        return try Database.open(.inMemory, module: Ledger.self, options: options)
    }

    private func identity(_ seed: UInt64) -> Identity { Identity(issuer: "real client", subject: "\(seed)") }

    private func run<Base: ClientTransport>(
        _ database: Database<Ledger>, _ seed: UInt64, resumes: Bool, address: String,
        _ transport: @Sendable (Int) -> Base
    ) async throws {
        var clients: [RealClient<Base>] = []
        for number in 0..<4 {
            clients.append(
                try await RealClient(transport(number), identity(seed), address: address, resumes: resumes))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask { try await client.act(120, seed: seed &* 1_000 &+ UInt64(number)) }
            }
            try await group.waitForAll()
        }
        for client in clients {
            #expect(client.problems.isEmpty, "seed \(seed): \(client.problems.prefix(3))")
            #expect(client.checks.all > 30)
            await client.client.disconnect()
        }
        #expect(clients.contains { $0.checks.exact > 0 })
        // Where enough is remembered, somebody goes on where it was; nobody does who did not ask.
        let resumed = clients.reduce(0) { $0 + $1.resumed }
        if !resumes { #expect(resumed == 0) } else if seed % 3 == 0 { #expect(resumed > 0, "seed \(seed)") }
    }

    @Test(arguments: [(1, true), (2, true), (3, true), (3, false)] as [(UInt64, Bool)])
    func inProcessTheCacheIsWhatTheDatabaseHadAtEachCommit(seed: UInt64, resumes: Bool) async throws {
        let seed = seed &+ (resumes ? 0 : 300)
        let database = try open(seed)
        History.keep(database.core)
        defer { History.forget(identity(seed)) }
        try await run(database, seed, resumes: resumes, address: "localhost") { number in
            LocalTransport(database, as: .local("\(number)"), confirmedReads: number % 2 == 0)
        }
    }

    @Test(arguments: [(4, true), (5, true), (6, true), (6, false)] as [(UInt64, Bool)])
    func overASocketTheCacheIsWhatTheDatabaseHadAtEachCommit(seed: UInt64, resumes: Bool) async throws {
        let seed = seed &+ (resumes ? 0 : 300)
        let database = try open(seed)
        History.keep(database.core)
        defer { History.forget(identity(seed)) }
        try await withServer(database, as: "ledger") { server in
            try await run(database, seed, resumes: resumes, address: "ws://127.0.0.1:\(server.port)") { _ in
                NIOTransport(compression: .none)
            }
        }
    }
}
