import SpacetimeKit
import Testing

/// What the original Unreal SDK sends, and what it relies on.
@Suite struct UnrealPlayerTests {
    private static let path = "/v1/database/arena/subscribe?compression=Gzip"
    private static let v2 = "v2.bsatn.spacetimedb"

    @Test func aConnectionLivesAsTheSDKLivesIt() async throws {
        try await withServer(try arena()) { server in
            let token = try await server.token()
            let client = try await server.connect(
                Self.path, protocols: Self.v2, headers: ["Authorization: Bearer \(token)"])
            #expect(try Greeting(try await client.message()).token == token)
            // Subscriptions and reducers share a counter; procedures have their own.
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            #expect(try await client.message().count == 40)
            try await client.send(Say.addUser(2, 3, "Cleo"))
            #expect(try await client.message().count == 72)
            try await client.send(Say.addUser(3, 3, "Cleo"))
            expect(
                try await client.message(),
                is: "00 06 03000000 ________________ 02 0e000000 0a000000 6e616d652074616b656e")
            try await client.send(Say.procedure(1, "sum", littleEndian(2 as UInt32) + littleEndian(3 as UInt32)))
            expect(Array(try await client.message().suffix(4)), is: "01000000")
            try await client.send(Say.unsubscribe(4, 1))
            #expect(try await client.message().count == 71)
            try await client.sendClose(1_000)
            #expect(try await client.next() == .close(code: 1_000, reason: ""))
            // It ignores empty frames, and would never finish a message that ends with one.
            #expect(client.counts.emptyLastFragments == 0)
        }
    }

    @Test func itIsNeverSentBrotli() async throws {
        let database = try arena()
        try await database.call(Arena.addUser, 9, String(repeating: "long ", count: 1_000))
        try await withServer(database) { server in
            let client = try await server.greeted(query: "compression=Gzip")
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            let applied = try await client.message()
            #expect(applied[0] == 2 || applied[0] == 0)
        }
    }
}
