import SpacetimeKit
import Testing

/// What the original C# SDK sends, and what it relies on.
@Suite struct CSharpPlayerTests {
    private static let path =
        "/v1/database/arena/subscribe?connection_id=0102030405060708090A0B0C0D0E0F10&compression=Brotli"
    private static let v2 = "v2.bsatn.spacetimedb"

    private static func connect(_ server: RunningServer, _ rest: String = "") async throws -> RawClient {
        let token = try await server.token()
        let client = try await server.connect(
            path + rest, protocols: v2, headers: ["Authorization: Bearer \(token)"])
        let greeting = try Greeting(try await client.message())
        // It drew the id itself and has shown it to the application before any answer.
        #expect(greeting.connectionID == bytes("100f0e0d0c0b0a090807060504030201"))
        #expect(greeting.token == token)
        return client
    }

    @Test func itsCountersOfEachKindMayHaveTheSameNumberUnderWay() async throws {
        try await withServer(try arena()) { server in
            let client = try await Self.connect(server)
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            try await client.send(Say.addUser(1, 3, "Cleo"))
            try await client.send(Say.query(1, "SELECT user.* FROM user WHERE id = 1"))
            try await client.send(Say.procedure(1, "sum", littleEndian(2 as UInt32) + littleEndian(3 as UInt32)))
            var tags: Set<UInt8> = []
            for _ in 0..<4 {
                let message = try await client.message()
                #expect(message[0] == 0 && tags.insert(message[1]).inserted)
                let id = message[1] == 7 ? message.suffix(4) : message[2..<6]
                #expect(Array(id) == [1, 0, 0, 0])
            }
            #expect(tags == [1, 5, 6, 7])
        }
    }

    @Test func aRemoteQueryIsAnsweredWithExactlyOneTable() async throws {
        try await withServer(try arena()) { server in
            let client = try await Self.connect(server, "&light=true&confirmed=true")
            try await client.send(
                bytes(
                    """
                    02 01000000 24000000
                    53454c45435420757365722e2a2046524f4d2075736572205748455245206964203d2031
                    """))
            expect(
                try await client.message(),
                is: "00 05 01000000 00 01000000 04000000 75736572 00 0b00 0b000000 01000000 03000000 416e6e")
            // Conditions are written by hand with the names of its bindings: `Id` for the column `id`.
            try await client.send(
                bytes(
                    """
                    02 01000000 24000000
                    53454c45435420757365722e2a2046524f4d2075736572205748455245204964203d2031
                    """))
            #expect(try await client.message().count == 37)
            try await client.send(Say.query(1, "SELECT score.* FROM score WHERE UserId = 1"))
            expect(Array(try await client.message().prefix(7)), is: "00 05 01000000 00")
            // No row: still exactly one entry, named.
            try await client.send(Say.query(1, "SELECT user.* FROM user WHERE id = 2"))
            expect(try await client.message(), is: "00 05 01000000 00 01000000 04000000 75736572 01 00000000 00000000")
            // An empty filter leaves a blank at the end.
            try await client.send(Say.query(2, "SELECT user.* FROM user "))
            #expect(try await client.message().count == 37)
            // A bad one is an answer, not the end.
            try await client.send(Say.query(3, "SELECT user.* FROM user WHERE"))
            expect(Array(try await client.message().prefix(7)), is: "00 05 03000000 01")
        }
    }

    @Test func itsCloseIsEchoedOrItReportsAnError() async throws {
        try await withServer(try arena()) { server in
            let client = try await Self.connect(server)
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            _ = try await client.message()
            try await client.send(Say.unsubscribe(2, 1))
            #expect(try await client.message().count == 41)
            try await client.sendClose(1_000, "Disconnecting normally.")
            #expect(try await client.next() == .close(code: 1_000, reason: "Disconnecting normally."))
            #expect(try await client.next() == .ended)
        }
    }
}
