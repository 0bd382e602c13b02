import ChatModule
import SpacetimeClientNIO
import SpacetimeKit
import SpacetimeTestSupport
import Synchronization
import Testing

/// The client against the real server, with a bad network between them.
@Suite(.timeLimit(.minutes(10))) struct FaultTests {
    private enum Fault: CaseIterable {
        case cut, halfCloseToClient, halfCloseToServer, slow, quick, none
    }

    /// What somebody has who puts together what is told.
    private final class Mirror: Sendable {
        private let rows = Mutex<[UInt64: [UInt8]]>([:])
        private let problems = Mutex<[String]>([])

        func insert(_ row: Message) { put(nil, row) }
        func update(_ old: Message, _ new: Message) { put(old, new) }
        func delete(_ row: Message) { put(row, nil) }

        private func put(_ old: Message?, _ new: Message?) {
            guard let id = (new ?? old)?.id else { return }
            let (old, new) = (old?.bsatn(), new?.bsatn())
            let before = rows.withLock { rows in
                defer { rows[id] = new }
                return rows[id]
            }
            // Only what is different is told.
            if before != old || old == new { problems.withLock { $0.append("message \(id)") } }
        }

        var all: Set<[UInt8]> { rows.withLock { Set($0.values) } }
        var found: [String] { problems.withLock { $0 } }
    }

    @Test(arguments: [(true, 11), (false, 12), (true, nil)] as [(Bool, UInt64?)])
    func underAProxyThatCutsDelaysAndHalfClosesTheCacheIsRight(resumes: Bool, pinned: UInt64?) async throws {
        let seed = pinned ?? freshSeed()
        let tables = ChatTables()
        try await withChat { address, port in
            let proxy = try await FaultyProxy.start(to: port, seed: seed)
            var options = ClientOptions()
            options.resumes = resumes
            options.reconnection = ClientOptions.Reconnection(
                firstDelay: .milliseconds(2), longestDelay: .milliseconds(20))
            let client = try await DatabaseClient.connect(
                to: "ws://127.0.0.1:\(proxy.port)", database: "chat", over: NIOTransport(), options: options)
            let other = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            let mirror = Mirror()
            client.onInsert(tables.messages) { mirror.insert($0) }
            client.onUpdate(tables.messages) { mirror.update($0, $1) }
            client.onDelete(tables.messages) { mirror.delete($0) }
            for client in [client, other] {
                try await client.subscribe(
                    "SELECT * FROM message", "SELECT * FROM room", "SELECT * FROM message WHERE room = 'lobby'")
            }
            var dice = RandomValues(seed: seed)
            var sent = 0
            for round in 0..<25 {
                // Some of it is under way when it happens, and some while nobody is connected.
                for _ in 0..<dice.below(4) {
                    try client.post("send", "lobby", "mine \(round)")
                    sent += 1
                }
                if dice.oneIn(2) { try await other.call("send", "lobby", "theirs \(round)") }
                switch dice.one(of: Fault.allCases) {
                case .cut: proxy.cut()
                case .halfCloseToClient: proxy.halfClose(to: .client)
                case .halfCloseToServer: proxy.halfClose(to: .server)
                case .slow: proxy.setSlow(true)
                case .quick: proxy.setSlow(false)
                case .none: break
                }
                if dice.oneIn(2) { try await other.call("send", "lobby", "behind \(round)") }
                try await Self.settle(client)
                // The answer to a call comes behind all that was committed before it.
                try await Self.settle(other)
                let rows = Set(try client.table(tables.messages).rows().map { $0.bsatn() })
                let expected = Set(try other.table(tables.messages).rows().map { $0.bsatn() })
                try #require(rows == expected, "seed \(seed), round \(round)")
                let rooms = (try client.table(tables.rooms).rows(), try other.table(tables.rooms).rows())
                try #require(Set(rooms.0.map(\.messageCount)) == Set(rooms.1.map(\.messageCount)))
                try #require(mirror.all == rows, "seed \(seed), round \(round)")
            }
            #expect(mirror.found.isEmpty)
            #expect(proxy.connections > 1 && sent > 0)
            await client.disconnect()
            await other.disconnect()
            try await proxy.stop()
        }
    }

    /// Makes a call that the module refuses, as often as it gets lost, and waits for the refusal.
    private static func settle(_ client: DatabaseClient) async throws {
        while true {
            do { try await client.call("send", "nowhere", "") } catch let error as ClientError {
                if error.code == .rejected { return }
                try #require(error.code == .connectionLost, "\(error)")
            }
        }
    }
}
