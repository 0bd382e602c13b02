import SpacetimeKit
import Testing

/// What the original Rust SDK sends, and what it relies on.
@Suite struct RustPlayerTests {
    private static let path = "/v1/database/arena/subscribe?compression=Brotli"
    private static let v2 = "v2.bsatn.spacetimedb"

    @Test func theTokenThatWasPresentedIsReported() async throws {
        try await withServer(try arena()) { server in
            let token = try await server.token()
            let client = try await server.connect(
                Self.path, protocols: Self.v2, headers: ["Authorization: Bearer \(token)"])
            #expect(client.response.status == 101)
            #expect(client.response["sec-websocket-protocol"] == Self.v2)
            #expect(client.response["sec-websocket-extensions"] == nil)
            #expect(try Greeting(try await client.message()).token == token)
        }
    }

    @Test func aSecondConnectionWithTheSameTokenIsTheSameIdentity() async throws {
        try await withServer(try arena()) { server in
            let first = try Greeting(try await server.connect(Self.path, protocols: Self.v2).message())
            let second = try Greeting(
                try await server.connect(
                    Self.path, protocols: Self.v2, headers: ["Authorization: Bearer \(first.token)"]
                ).message())
            #expect(second.identity == first.identity && second.token == first.token)
            #expect(second.connectionID != first.connectionID)
        }
    }

    @Test func theCallerGetsAResultAndTheOtherAnUpdateAndNeitherBoth() async throws {
        try await withServer(try arena()) { server in
            // Counters of the whole process, from 1: the second connection goes on counting.
            let alice = try await server.connect(Self.path, protocols: Self.v2)
            let bob = try await server.connect(Self.path, protocols: Self.v2)
            _ = try await (alice.message(), bob.message())
            try await alice.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            try await bob.send(Say.subscribe(2, 2, "SELECT * FROM user"))
            #expect(try await alice.message().count == 40)
            #expect(try await bob.message().count == 40)
            try await alice.send(Say.addUser(3, 3, "Cleo"))
            let rows = "01000000 04000000 75736572 01000000 00 00 0c00 0c000000 03000000 04000000 436c656f"
            let noDeletes = "01 00000000 00000000"
            expect(
                try await alice.message(),
                is: "00 06 03000000 ________________ 00 00000000 01000000 01000000 \(rows) \(noDeletes)")
            expect(try await bob.message(), is: "00 04 01000000 02000000 \(rows) \(noDeletes)")
            // What comes next is the next answer: neither got anything else.
            for client in [alice, bob] {
                try await client.send(Say.call(4, "tick"))
                expect(try await client.message(), is: "00 06 04000000 ________________ 00 00000000 00000000")
            }
        }
    }

    @Test(arguments: [
        "SELECT * FROM user;", "select * from user where id < 100", "SELECT * FROM user WHERE id = 1 OR id = 1;",
    ])
    func theTextsOfItsTestsAreAccepted(query: String) async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(1, 1, query))
            #expect(try await client.message().count == 40)
        }
    }

    @Test func aMisspelledQueryIsASubscriptionError() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(1, 1, "SELEcCT * FROM user"))
            expect(Array(try await client.message().prefix(11)), is: "00 03 00 01000000 01000000")
        }
    }

    @Test func unsubscribingWhilePendingIsAnsweredInOrder() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send(Say.subscribe(1, 1, "SELECT * FROM user"))
            try await client.send(Say.unsubscribe(2, 1))
            #expect(try await client.message().count == 40)
            expect(Array(try await client.message().prefix(11)), is: "00 02 02000000 01000000 00")
            // Of one that failed, both requests are answered by errors.
            try await client.send(Say.subscribe(3, 2, "SELECT * FROM nothing"))
            try await client.send(Say.unsubscribe(4, 2))
            expect(Array(try await client.message().prefix(11)), is: "00 03 00 03000000 02000000")
            expect(Array(try await client.message().prefix(11)), is: "00 03 00 04000000 02000000")
        }
    }

    @Test func aPingIsAnsweredWithItsPayload() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.send([], as: .ping)
            #expect(try await client.next() == .pong([]))
            try await client.send([1, 2, 3], as: .ping)
            #expect(try await client.next() == .pong([1, 2, 3]))
        }
    }

    @Test func anEmptyCloseFrameIsAnsweredByAnEmptyOne() async throws {
        try await withServer(try arena()) { server in
            let client = try await server.greeted()
            try await client.sendClose()
            #expect(try await client.next() == .close(code: nil, reason: ""))
            #expect(try await client.next() == .ended)
        }
    }

    /// The test of its suite that opens a connection of each kind and sends a row of 32 KiB.
    @Test func aLargeRowReachesConnectionsOfEachCompression() async throws {
        try await withServer(try arena()) { server in
            let name = String(repeating: "spacetime", count: 3_641)
            let watchers = try await ["Brotli", "Gzip", "None"].asyncMap { compression in
                try await server.greeted(query: "compression=\(compression)")
            }
            for watcher in watchers {
                try await watcher.send(Say.subscribe(1, 1, "SELECT * FROM user WHERE id = 8"))
                _ = try await watcher.message()
            }
            let caller = try await server.greeted()
            try await caller.send(Say.addUser(1, 8, name))
            _ = try await caller.message()
            for (tag, watcher) in zip([1, 2, 0] as [UInt8], watchers) {
                let payload = try await watcher.message()
                // A server may always send it plain.
                #expect(payload[0] == tag || payload[0] == 0)
                if payload[0] == 0 { #expect(payload.count > name.utf8.count) }
                // One member of gzip, whose trailer holds the true length: Unreal allocates by it.
                if payload[0] == 2 {
                    #expect(payload[1...2] == [0x1F, 0x8B])
                    let length = payload.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
                    #expect(length > name.utf8.count && length < name.utf8.count + 100)
                }
            }
        }
    }
}

extension Array {
    /// One after the other.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
