import NIOPosix
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeServer

/// Clients that lose their connections at random moments, among others who commit: what each has is always what the database
/// had at the commit that the client has reached.
@Suite struct ReturningTests {
    private static let opened = Atomic(0)

    private func options(_ seed: UInt64) -> DatabaseOptions {
        var options = DatabaseOptions()
        options.identity = Identity(
            issuer: "returning", subject: "database \(seed) \(Self.opened.wrappingAdd(1, ordering: .relaxed).newValue)")
        options.resuming.window = .seconds(3_600)
        // Sometimes little is remembered.
        if seed % 4 == 1 { options.resuming.changeLimit = 20 }
        if seed % 4 == 2 { options.resuming.queryLimit = 4 }
        return options
    }

    private func act(_ clients: [ReturningClient], _ database: Database<Ledger>) async throws -> [ReturningClient] {
        var clients = try await withThrowingTaskGroup(of: ReturningClient.self) { group in
            for client in clients {
                group.addTask {
                    var client = client
                    for _ in 0..<50 { try await client.act() }
                    try await client.settle()
                    return client
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let last = try await database.read { $0.turn.id.find(0)?.number ?? 0 }
        for number in clients.indices { try await clients[number].follow(to: last) }
        return clients
    }

    private func connect(_ hosted: HostedDatabase, _ seed: UInt64) async throws -> [ReturningClient] {
        let group = MultiThreadedEventLoopGroup.singleton
        let loops = (0..<2).map { _ in LoopDelivery(group.next(), WebSocketOptions()) }
        var clients: [ReturningClient] = []
        for number in 0..<4 {
            clients.append(
                try await ReturningClient(
                    hosted, loops[number % 2], isConfirmed: number % 2 == 0, seed: seed &* 1_000 &+ UInt64(number)))
        }
        return clients
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func whoComesBackHasWhatTheDatabaseHasAtTheCommitThatItReaches(seed: UInt64) async throws {
        let database = try await Database.open(.inMemory, module: Ledger.self, options: options(seed))
        let hosted = HostedDatabase(database.core)
        History.keep(database.core)
        defer { History.forget(hosted.identity) }
        let clients = try await act(try await connect(hosted, seed), database)
        #expect(clients.allSatisfy { $0.checks > 30 })
        // Where enough is remembered, everybody goes on.
        if seed % 4 == 3 || seed % 4 == 0 {
            #expect(clients.reduce(0) { $0 + $1.resumed } > 0 && clients.allSatisfy { $0.renewed == 0 })
        }
        for client in clients { client.vanish() }
    }

    /// What was told before may not be what was written: so another run has another history.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func behindARestartEverybodyBeginsAnew(seed: UInt64) async throws {
        let directory = try TemporaryDirectory()
        let options = options(seed * 4)
        var clients: [ReturningClient] = []
        do {
            let database = try await Database.open(at: directory.path + "/db", module: Ledger.self, options: options)
            let hosted = HostedDatabase(database.core)
            History.keep(database.core)
            clients = try await act(try await connect(hosted, seed), database)
            for client in clients { client.vanish() }
            try await database.close()
        }
        let database = try await Database.open(at: directory.path + "/db", module: Ledger.self, options: options)
        let hosted = HostedDatabase(database.core)
        History.goOn(with: database.core)
        defer { History.forget(hosted.identity) }
        for number in clients.indices {
            clients[number].database = hosted
            let before = (clients[number].resumed, clients[number].renewed)
            try await clients[number].comeBack()
            #expect(clients[number].resumed == before.0 && clients[number].renewed > before.1)
        }
        clients = try await act(clients, database)
        #expect(clients.reduce(0) { $0 + $1.resumed } > 0)
        for client in clients { client.vanish() }
    }
}
