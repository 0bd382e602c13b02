import SpacetimeKit
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
}
