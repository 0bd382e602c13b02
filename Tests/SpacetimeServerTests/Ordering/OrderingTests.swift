import NIOCore
import NIOPosix
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeServer

/// Many clients at once, without sockets, each on one of a few event loops: whatever the order in which things happen, each
/// client is told a history that fits.
@Suite struct OrderingTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func eachClientsCacheIsWhatTheDatabaseHadAtTheCommitThatItHasReached(seed: UInt64) async throws {
        try await run(
            try await Database.open(.inMemory, module: Ledger.self, options: options(seed)),
            [.v3, .v3, .v3, .v2, .v1BSATN, .v1BSATN], seed)
    }

    /// As it is for a moment with a set that is joined for the rows of one that is left, or that was refused: a commit may come
    /// before the database has left it again.
    @Test(arguments: [Subprotocol.v3, .v2, .v1BSATN])
    func aClientHearsOfNoSetWhoseRowsItWasNotTold(subprotocol: Subprotocol) async throws {
        let database = try await Database.open(.inMemory, module: Ledger.self, options: options(0))
        let hosted = HostedDatabase(database.core)
        History.keep(database.core)
        defer { History.forget(hosted.identity) }
        let loop = LoopDelivery(MultiThreadedEventLoopGroup.singleton.next(), WebSocketOptions())
        var client = try await ModelClient(hosted, loop, subprotocol, seed: 1)
        // One that no client numbers like that, and that no client was answered about.
        try await client.joinUnasked(set: 900, "SELECT * FROM parcel")
        for _ in 0..<5 { try await client.callAndSettle() }
        #expect(client.checks > 5)
        client.leave()
    }

    /// Half of the clients hear of what is on disk only, and of nothing sooner.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func whoWaitsForTheDiskHearsOfNothingBeforeItIsThere(seed: UInt64) async throws {
        let directory = try TemporaryDirectory()
        try await run(
            try await Database.open(at: directory.path + "/db", module: Ledger.self, options: options(seed)),
            [.v3, .v2, .v1BSATN, .v3, .v2, .v1BSATN], confirmed: 3, seed)
    }

    /// Tests with the same seed run beside each other.
    private static let opened = Atomic(0)

    private func options(_ seed: UInt64) -> DatabaseOptions {
        var options = DatabaseOptions()
        // The history is kept by it.
        options.identity = Identity(
            issuer: "model", subject: "database \(seed) \(Self.opened.wrappingAdd(1, ordering: .relaxed).newValue)")
        return options
    }

    /// - Parameter count: so many of the clients, from the first on, are told of durable commits only.
    private func run(
        _ database: Database<Ledger>, _ subprotocols: [Subprotocol], confirmed count: Int = 0, _ seed: UInt64
    ) async throws {
        let hosted = HostedDatabase(database.core)
        History.keep(database.core)
        defer { History.forget(hosted.identity) }
        let group = MultiThreadedEventLoopGroup.singleton
        let loops = (0..<2).map { _ in LoopDelivery(group.next(), WebSocketOptions()) }
        var clients: [ModelClient] = []
        for (number, subprotocol) in subprotocols.enumerated() {
            clients.append(
                try await ModelClient(
                    hosted, loops[number % 2], subprotocol, isConfirmed: number < count,
                    seed: seed &* 1_000 &+ UInt64(number)))
        }
        clients = try await withThrowingTaskGroup(of: ModelClient.self) { group in
            for client in clients {
                group.addTask {
                    var client = client
                    for _ in 0..<60 { try await client.act() }
                    try await client.settle()
                    return client
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // All are told of the last commit.
        let last = try await database.read { $0.turn.id.find(0)?.number ?? 0 }
        for number in clients.indices { try await clients[number].follow(to: last) }
        #expect(clients.allSatisfy { $0.checks > 50 })
        #expect(last >= UInt64(clients.reduce(0) { $0 + $1.commits }))
        for client in clients { client.leave() }
    }
}
