import SpacetimeHost
import SpacetimeKit
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@testable import SpacetimeServer

/// Addresses at which a server cannot listen.
@Suite struct ListeningTests {
    private func failure(_ change: (inout ServerOptions) -> Void) async -> DatabaseError? {
        let server = SpacetimeServer(options: .test(change))
        do {
            try await server.run()
            return nil
        } catch { return error as? DatabaseError }
    }

    @Test(arguments: [-1, 65_536, 70_000, Int.max]) func aPortThatThereIsNotIsRefused(port: Int) async throws {
        let failure = try #require(await failure { $0.port = port })
        #expect(failure.code == .notPossible)
        #expect(failure.message.contains("there is no port \(port)"))
    }

    @Test func aPortInUseIsSaidToBeSo() async throws {
        let server = SpacetimeServer(options: .test())
        try await serving(server) { port in
            let failure = try #require(await failure { $0.port = port })
            #expect(failure.code == .notPossible)
            #expect(failure.message.contains("'127.0.0.1', port \(port): something else listens there"))
        }
    }

    @Test(arguments: ["999.1.1.1", "no such host"]) func aHostThatIsNoneIsRefused(host: String) async throws {
        let failure = try #require(await failure { $0.host = host })
        #expect(failure.code == .notPossible)
        #expect(failure.message.contains("'\(host)', port 0: this is no address"))
    }

    @Test func anAddressOfAnotherMachineIsSaidToBeSo() async throws {
        // Kept for documentation (RFC 5737), so no machine has it.
        let failure = try #require(await failure { $0.host = "192.0.2.1" })
        #expect(failure.message.contains("this machine does not have the address"))
    }

    @Test(.timeLimit(.minutes(10))) func whoWaitsForAServerThatCannotListenIsToldWhy() async throws {
        let server = SpacetimeServer(options: .test())
        try await serving(server) { port in
            let late = SpacetimeServer(options: .test { $0.port = port })
            let early = Task { try await late.waitUntilListening() }
            let failure = try #require(await #expect(throws: DatabaseError.self) { try await late.run() })
            for waiting in [early, Task { try await late.waitUntilListening() }] {
                let told = await #expect(throws: DatabaseError.self) { try await waiting.value }
                #expect(told?.code == .notPossible && told?.message == failure.message)
            }
            #expect(late.port == nil)
        }
        #expect(try await server.waitUntilListening() == server.port)
    }

    @Test(.timeLimit(.minutes(10))) func whoWaitsMayStopWaiting() async throws {
        let server = SpacetimeServer(options: .test())
        let waiting = Task { try await server.waitUntilListening() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        // Others wait on, until the server is ended before it listens, or after.
        let other = Task { try await server.waitUntilListening() }
        let running = Task { try await server.run() }
        running.cancel()
        _ = await (other.result, running.result)
    }

    @Test(.timeLimit(.minutes(10))) func nobodyWaitsForAServerWhoseDirectoryAnotherOneHas() async throws {
        let disk = SimulatedDisk()
        func server() -> SpacetimeServer {
            SpacetimeServer(
                options: .test { options in
                    options.publishing.runtime = ModuleRuntime(StandInLoader())
                    options.publishing.directory = "server"
                    options.publishing.storage = .simulated(disk)
                })
        }
        try await serving(server()) { _ in
            let second = server()
            let waiting = Task { try await second.waitUntilListening() }
            #expect(await #expect(throws: DatabaseError.self) { try await second.run() }?.code == .inUse)
            #expect(await #expect(throws: DatabaseError.self) { try await waiting.value }?.code == .inUse)
        }
    }
}
