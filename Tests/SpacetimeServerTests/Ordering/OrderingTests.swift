import NIOCore
import NIOPosix
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// Many clients at once, without sockets, each on one of a few event loops: whatever the order in which things happen, each
/// client is told a history that fits.
@Suite struct OrderingTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func eachClientsCacheIsWhatTheDatabaseHadAtTheCommitThatItHasReached(seed: UInt64) async throws {
        var options = DatabaseOptions()
        // The history is kept by it.
        options.identity = Identity(issuer: "model", subject: "database \(seed)")
        let database = try await Database.open(.inMemory, module: Ledger.self, options: options)
        let hosted = HostedDatabase(database.core)
        defer { History.forget(hosted.identity) }
        let group = MultiThreadedEventLoopGroup.singleton
        let loops = (0..<2).map { _ in LoopDelivery(group.next(), WebSocketOptions()) }
        var clients: [ModelClient] = []
        for number in 0..<6 as Range<UInt64> {
            clients.append(
                try await ModelClient(
                    hosted, loops[Int(number % 2)], number < 4 ? .v3 : .v2, seed: seed &* 1_000 &+ number))
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
