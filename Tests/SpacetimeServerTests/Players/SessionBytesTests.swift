import SpacetimeKit
import Testing

/// The session of the specification, byte for byte, over both subprotocols that speak its messages.
@Suite struct SessionBytesTests {
    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb"])
    func aSessionHasTheBytesOfTheSpecification(subprotocol: String) async throws {
        try await withServer(try arena()) { server in
            let path = "/v1/database/arena/subscribe?compression=None&connection_id=0102030405060708090a0b0c0d0e0f10"
            let ann = try await server.connect(path, protocols: subprotocol)
            #expect(ann.response.status == 101)
            #expect(ann.response["sec-websocket-protocol"] == subprotocol)
            #expect(ann.response["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            let greeting = try Greeting(try await ann.message())
            #expect(greeting.connectionID == bytes("100f0e0d0c0b0a090807060504030201"))
            #expect(ann.response["spacetime-identity-token"] == greeting.token)
            let identity = greeting.identity.reversed().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            #expect(ann.response["spacetime-identity"] == identity)

            let bob = try await server.greeted()
            try await bob.send(Say.subscribe(9, 0, "SELECT * FROM user"))
            _ = try await bob.message()

            try await ann.send(
                bytes("00 00000000 00000000 01000000 12000000 53454c454354202a2046524f4d2075736572"))
            expect(
                try await ann.message(),
                is: """
                    00 01 00000000 00000000 01000000 04000000 75736572 00 0b00 0b000000
                    01000000 03000000 416e6e
                    """)
            try await ann.send(
                bytes("03 01000000 00 08000000 6164645f75736572 0c000000 03000000 04000000 436c656f"))
            expect(
                try await ann.message(),
                is: """
                    00 06 01000000 ________________ 00 00000000 01000000 00000000 01000000 04000000 75736572 01000000
                    00 00 0c00 0c000000 03000000 04000000 436c656f 01 00000000 00000000
                    """)
            expect(
                try await bob.message(),
                is: """
                    00 04 01000000 00000000 01000000 04000000 75736572 01000000 00 00 0c00 0c000000 03000000 04000000
                    436c656f 01 00000000 00000000
                    """)
            try await ann.send(
                bytes("03 02000000 00 08000000 6164645f75736572 0c000000 03000000 04000000 436c656f"))
            expect(
                try await ann.message(), is: "00 06 02000000 ________________ 02 0e000000 0a000000 6e616d652074616b656e"
            )
            try await ann.send(bytes("04 01000000 00 03000000 73756d 08000000 02000000 03000000"))
            expect(
                try await ann.message(),
                is: "00 07 00 08000000 0500000000000000 ________________ ________________ 01000000")
            try await ann.send(bytes("01 02000000 00000000 01"))
            try expectBothRows(try await ann.message())
        }
    }

    /// Both rows that set 0 held, in any order.
    private func expectBothRows(_ payload: [UInt8]) throws {
        let start = bytes("00 02 02000000 00000000 00 01000000 04000000 75736572 01 02000000 0000000000000000")
        try #require(payload.count == 71 && Array(payload[..<start.count]) == start)
        let annFirst = "0b00000000000000 17000000 01000000 03000000 416e6e 03000000 04000000 436c656f"
        let cleoFirst = "0c00000000000000 17000000 03000000 04000000 436c656f 01000000 03000000 416e6e"
        let rest = Array(payload[start.count...])
        expect(rest, is: rest[0] == 0x0b ? annFirst : cleoFirst)
    }

    @Test func aTableWithoutRowsMayBeAnsweredWithoutEntry() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(0, 0, "SELECT * FROM score"))
            let answer = try await client.message()
            // Without an entry, or with one that holds the empty list.
            if answer.count == 14 {
                expect(answer, is: "00 01 00000000 00000000 00000000")
            } else {
                expect(answer, is: "00 01 00000000 00000000 01000000 05000000 73636f7265 01 00000000 00000000")
            }
        }
    }

    @Test func aFailedSubscriptionNamesRequestAndSet() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(5, 2, "SELECT * FROM nowhere"))
            let answer = try await client.message()
            expect(Array(answer.prefix(11)), is: "00 03 00 05000000 02000000")
            let text = Array(answer.dropFirst(11))
            #expect(text.count > 4 && text == counted(String(decoding: text.dropFirst(4), as: UTF8.self)))
            // Nothing of it is there, and the connection lives: the set's id is free.
            try await client.send(Say.subscribe(6, 2, "SELECT * FROM user"))
            expect(Array(try await client.message().prefix(10)), is: "00 01 06000000 02000000")
        }
    }

    @Test func aCallThatChangesNothingVisibleIsAnsweredWithTwentyThreeBytes() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(bytes("03 08000000 00 04000000 7469636b 00000000"))
            expect(try await client.message(), is: "00 06 08000000 ________________ 00 00000000 00000000")
            // Rows change, but none that the client watches.
            try await client.send(Say.addUser(9, 7, "Gus"))
            expect(try await client.message(), is: "00 06 09000000 ________________ 00 00000000 00000000")
        }
    }

    @Test func unknownReducersAndBadArgumentsAreAnsweredAndTheConnectionLives() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.call(10, "nothing_like_it"))
            expect(
                try await client.message(),
                is: "00 06 0a000000 ________________ 03 0f000000 6e6f207375636820726564756365 72")
            try await client.send(Say.call(11, "add_user", [1]))
            let refused = try await client.message()
            expect(Array(refused.prefix(15)), is: "00 06 0b000000 ________________ 03")
            let text = String(decoding: refused.dropFirst(19), as: UTF8.self)
            #expect(text.hasPrefix("invalid arguments for reducer add_user: "))
            try await client.send(Say.procedure(4, "no_such", []))
            expect(
                try await client.message(),
                is: """
                    00 07 01 11000000 4e6f20737563682070726f636564757265 0000000000000000 0000000000000000 04000000
                    """)
            try await client.send(Say.call(12, "tick"))
            expect(Array(try await client.message().prefix(6)), is: "00 06 0c000000")
        }
    }

    @Test func overlappingSetsAreReportedInEach() async throws {
        try await withServer(try arena()) { server in
            let watcher = try await server.greeted()
            for set in [1, 2] as [UInt32] {
                try await watcher.send(Say.subscribe(set, set, "SELECT * FROM user WHERE id = 4"))
                _ = try await watcher.message()
            }
            let caller = try await server.greeted()
            try await caller.send(Say.addUser(0, 4, "Dee"))
            _ = try await caller.message()
            let entry =
                "01000000 04000000 75736572 01000000 00 00 0b00 0b000000 04000000 03000000 446565 01 00000000 00000000"
            expect(try await watcher.message(), is: "00 04 02000000 01000000 \(entry) 02000000 \(entry)")
        }
    }

    @Test func aSetIdInUseIsRefusedAndTheFirstSetStays() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            _ = try await client.message()
            try await client.send(Say.subscribe(2, 1, "SELECT * FROM score"))
            expect(Array(try await client.message().prefix(11)), is: "00 03 00 02000000 01000000")
            try await client.send(Say.addUser(3, 5, "Eve"))
            #expect(try await client.message().count == 71)
            // Leaving twice: the second is an error.
            try await client.send(Say.unsubscribe(4, 1))
            expect(Array(try await client.message().prefix(11)), is: "00 02 04000000 01000000 00")
            try await client.send(Say.unsubscribe(5, 1))
            expect(Array(try await client.message().prefix(11)), is: "00 03 00 05000000 01000000")
        }
    }

    @Test func rowsAreAbsentFromUnsubscribeAppliedUnlessAskedFor() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            _ = try await client.message()
            try await client.send(bytes("01 02000000 01000000 00"))
            expect(try await client.message(), is: "00 02 02000000 01000000 01")
        }
    }
}
