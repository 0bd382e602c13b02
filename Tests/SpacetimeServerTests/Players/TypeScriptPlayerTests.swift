import SpacetimeKit
import Testing

/// What the original TypeScript SDK sends, in a browser and elsewhere, and what it relies on.
@Suite struct TypeScriptPlayerTests {
    /// What the SDK offers: the server is to choose the first.
    static let protocols = "v3.bsatn.spacetimedb, v2.bsatn.spacetimedb"

    @Test func messagesBeforeTheFirstAnswerAreKept() async throws {
        try await withServer(try arena()) { server in
            // The frame is on the wire before the server has said anything.
            let early = RawFrame(opcode: .binary, payload: Say.subscribe(0, 0, "SELECT * FROM \"user\"")).bytes
            let client = try await server.connect(
                "/v1/database/arena/subscribe?compression=Gzip", protocols: Self.protocols, early: early)
            // The answer may be in the same frame, behind the first message.
            var rest = try Greeting(try await client.message()).rest
            if rest.isEmpty { rest = Array(try await client.message().dropFirst()) }
            expect(
                [0] + rest,
                is: """
                    00 01 00000000 00000000 01000000 04000000 75736572 00 0b00 0b000000
                    01000000 03000000 416e6e
                    """)
        }
    }

    @Test func aConnectionLivesAsTheSDKLivesIt() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.connect(
                "/v1/database/arena/subscribe?compression=Gzip&light=true", protocols: Self.protocols)
            #expect(client.response["sec-websocket-protocol"] == "v3.bsatn.spacetimedb")
            _ = try Greeting(try await client.message())

            // subscribeToAllTables: one message with a query for each table; one counter for all requests, from 0.
            try await client.send(
                Say.subscribe(0, 0, "SELECT * FROM ping", "SELECT * FROM score", "SELECT * FROM user"))
            let applied = try await client.message()
            expect(Array(applied.prefix(10)), is: "00 01 00000000 00000000")
            #expect(applied.suffix(11) == bytes("01000000 03000000 416e6e")[...])

            try await client.send(Say.addUser(1, 2, "Bobby"))
            expect(Array(try await client.message().prefix(15)), is: "00 06 01000000 ________________ 00")

            // Two calls in one turn of the event loop are one frame; the answers may be one frame as well.
            try await client.send(
                bytes("03 02000000 00 04000000 7469636b 00000000 03 03000000 00 04000000 7469636b 00000000"))
            var answers = try await client.message()
            if answers.count == 75 { answers += try await client.message().dropFirst() }
            // It watches the pings, which are events: one for each user.
            let answer = """
                ________________ 00 00000000 01000000 00000000 01000000 04000000 70696e67 01000000
                01 00 0c00 18000000 01000000 04000000 7469636b 02000000 04000000 7469636b
                """
            expect(answers, is: "00 06 02000000 \(answer) 06 03000000 \(answer)")

            try await client.send(Say.procedure(4, "sum", littleEndian(2 as UInt32) + littleEndian(3 as UInt32)))
            let sum = try await client.message()
            expect(sum, is: "00 07 00 08000000 0500000000000000 ________________ ________________ 04000000")

            try await client.send(Say.unsubscribe(5, 0))
            let dropped = try await client.message()
            expect(Array(dropped.prefix(11)), is: "00 02 05000000 00000000 00")
            #expect(dropped.count > 60, "the cache leaks without the rows")

            try await client.sendClose()
            #expect(try await client.next() == .close(code: nil, reason: ""))
            #expect(try await client.next() == .ended)
        }
    }

    @Test func theConnectionManagerGetsCompleteRowsAgain() async throws {
        try await withServer(try arena()) { server in
            for _ in 0..<3 {
                let client = try await server.connect(
                    "/v1/database/arena/subscribe?compression=Gzip", protocols: Self.protocols)
                _ = try Greeting(try await client.message())
                try await client.send(Say.subscribe(0, 0, "SELECT * FROM \"user\""))
                #expect(try await client.message().count == 40)
                try await client.vanish()
            }
        }
    }

    @Test(arguments: ["v2.bsatn.spacetimedb", "v3.bsatn.spacetimedb,v2.bsatn.spacetimedb"])
    func confirmedReadsAreAskedForByParameter(protocols: String) async throws {
        try await withServer(try arena()) { server in
            for confirmed in ["true", "false"] {
                let client = try await server.greeted(
                    protocols: protocols, query: "compression=None&confirmed=\(confirmed)")
                try await client.send(Say.call(0, "tick"))
                #expect(try await client.message().count == 23)
            }
        }
    }
}
