import NIOCore
import SpacetimeKit
import SpacetimeServer
import SpacetimeServerTestSupport
import Testing

/// Connections that are half open, silent, or do not read.
@Suite struct SlowClientTests {
    @Test func manyHalfOpenConnectionsDoNotKeepOthersOut() async throws {
        try await withHonestClient { server in
            // Connected, but no request; half a request; half a frame.
            var halves: [RawClient] = []
            var silent: [any Channel] = []
            for number in 0..<1_000 {
                let text = number.isMultiple(of: 2) ? "" : "GET /v1/database/arena/sub"
                silent.append(try await server.halfRequest(text))
                if number.isMultiple(of: 50) {
                    let client = try await server.greeted()
                    try await client.send(RawClient.RawBytes(bytes: [0x82, 0xFE]))
                    halves.append(client)
                }
            }
            let another = try await server.greeted()
            try await another.send(Say.call(4, "tick"))
            try await another.expectAnswer(to: 4)
            // On a busy machine the server may have closed some by now, who have said nothing for too long.
            for channel in silent { try? await channel.close() }
            for client in halves { try? await client.vanish() }
        }
    }

    @Test func aClientThatSaysNothingIsDroppedWithoutACloseFrame() async throws {
        var options = ServerOptions.test()
        options.webSocket.pingInterval = .milliseconds(20)
        // So long that a client that answers is not taken for dead on a machine that has other things to do.
        options.webSocket.idleTimeout = .seconds(4)
        try await withServer(try arena(), options: options) { server in
            let living = try await server.greeted()
            let dead = try await server.connect(
                "/v1/database/arena/subscribe", protocols: "v2.bsatn.spacetimedb", answersPings: false)
            _ = try await dead.message()
            #expect(try await dead.next() == .ended)
            // While a ping is unanswered no other is sent.
            #expect(dead.counts.pings == 1)
            // One that answers pings and says nothing else is kept, though it has been here longer.
            try await living.send(Say.call(1, "tick"))
            try await living.expectAnswer(to: 1)
        }
    }

    @Test func aReaderThatStopsIsDroppedAndTheOthersGoOn() async throws {
        var options = ServerOptions.test()
        options.webSocket.outgoingQueueLimit = 100
        try await withServer(try arena(), options: options) { server in
            let slow = try await server.greeted()
            try await slow.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            _ = try await slow.message()
            try await slow.stopReading()
            let honest = try await server.greeted()
            try await honest.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            _ = try await honest.message()
            let writer = try await server.greeted()
            var seen: [UInt8] = []
            // Far more than the buffers of the system and the queue of the server hold.
            let text = String(repeating: "x", count: 99_997)
            for id in 100..<500 as Range<UInt32> {
                try await writer.send(Say.addUser(id, id, "\(id)\(text)"))
                #expect(try await writer.message().count == 23)
                seen = try await honest.message()
                #expect(seen.count == 100_061 && seen[44..<48].elementsEqual(littleEndian(id)))
            }
            try await slow.goOnReading()
            var messages = 0
            while case .binary = try await slow.next() { messages += 1 }
            #expect(messages < 400, "the slow client was to be dropped behind what was on its way")
            try await honest.send(Say.call(3, "tick"))
            try await honest.expectAnswer(to: 3)
        }
    }
}
