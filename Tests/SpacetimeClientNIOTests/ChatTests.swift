import ChatModule
import SpacetimeClientNIO
import SpacetimeKit
import SpacetimeServer
import SpacetimeTestSupport
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The client against the real server, over sockets.
@Suite(.timeLimit(.minutes(10))) struct ChatTests {
    private let tables = ChatTables()

    /// A quick reconnection, so that no test waits a second for it.
    private func quick() -> ClientOptions {
        var options = ClientOptions()
        options.reconnection = ClientOptions.Reconnection(
            firstDelay: .milliseconds(5), longestDelay: .milliseconds(20))
        return options
    }

    @Test(arguments: [Compression.none, .gzip, .brotli])
    func callsAreCarriedOutAndTheirRowsAreThere(_ compression: Compression) async throws {
        try await withChat { address, _ in
            let client = try await DatabaseClient.connect(
                to: address, database: "chat", over: NIOTransport(compression: compression))
            try await client.subscribe("SELECT * FROM message", "SELECT * FROM room", "SELECT * FROM user")
            let identity = try #require(client.identity)
            let byIdentity = try tables.users.column("identity", Identity.self)
            #expect(try client.table(tables.users).first(where: byIdentity, equals: identity)?.isOnline == true)

            // Longer than what is sent as it is.
            let text = String(repeating: "hello ", count: 500)
            try await client.call("send", "lobby", text)
            let inLobby = try tables.messages.column("room", String.self)
            let sent = try client.table(tables.messages).rows(where: inLobby, equals: "lobby")
            #expect(sent.map(\.text) == [text])
            #expect(sent.map(\.sender) == [identity])
            #expect(try await client.query("SELECT * FROM message", as: Message.self).map(\.text) == [text])
            await client.disconnect()
            #expect(client.state == .ended(nil))
        }
    }

    @Test func whatGoesWrongIsThrown() async throws {
        try await withChat { address, _ in
            let client = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            let rejected = try await clientError { try await client.call("send", "nowhere", "hello") }
            #expect(rejected == ClientError(.rejected, "there is no room nowhere"))
            // Not within `#expect`: Swift 6.3 gives a closure in the arguments of a macro the name of one that stands beside it,
            // and runs the one for the other.
            let unknown = try await clientError { try await client.call("fly") }
            #expect(unknown.code == .failed)
            let malformed = try await clientError { try await client.call("send", 7 as UInt8) }
            #expect(malformed.code == .failed)
            let query = try await clientError { _ = try await client.query("SELECT * FROM nothing", as: Room.self) }
            #expect(query.code == .failed)
            let refused = try await clientError { try await client.subscribe("SELECT * FROM nothing") }
            #expect(refused.code == .subscription)
            let wrong = try await clientError { _ = try await client.query("SELECT * FROM room", as: User.self) }
            #expect(wrong.code == .undecodable)
            await client.disconnect()
            let ended = try await clientError { try await client.call("send", "lobby", "x") }
            #expect(ended.code == .disconnected)
        }
    }

    @Test func whatOthersDoIsTold() async throws {
        try await withChat { address, _ in
            let ada = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            let bob = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            let texts = Arrivals<String>()
            let counts = Arrivals<(UInt32, UInt32)>()
            let offline = Arrivals<Identity>()
            ada.onInsert(tables.messages) { texts.put($0.text) }
            ada.onUpdate(tables.rooms) { old, new in counts.put((old.messageCount, new.messageCount)) }
            ada.onUpdate(tables.users) { if $0.isOnline, !$1.isOnline { offline.put($1.identity) } }
            try await ada.subscribe("SELECT * FROM message", "SELECT * FROM room", "SELECT * FROM user")
            try await bob.call("send", "lobby", "one")
            try await bob.call("send", "lobby", "two")
            #expect(try await texts.next() == "one")
            #expect(try await texts.next() == "two")
            let first = try await counts.next()
            #expect(first.0 == 0 && first.1 == 1)
            let identity = try #require(bob.identity)
            await bob.disconnect()
            #expect(try await offline.next() == identity)
            await ada.disconnect()
        }
    }

    @Test func changesAreASequence() async throws {
        try await withChat { address, _ in
            let client = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            try await client.subscribe("SELECT * FROM room")
            var changes = client.changes(
                of: tables.messages, subscribingTo: "SELECT * FROM message WHERE room = 'lobby'"
            ).makeAsyncIterator()
            for text in ["one", "two", "three"] { try await client.call("send", "lobby", text) }
            var texts: [String] = []
            while texts.count < 3, let next = try await changes.next() { texts += next.inserted.map(\.text) }
            #expect(texts == ["one", "two", "three"])
            // What is there already comes first.
            var rooms = client.changes(of: tables.rooms).makeAsyncIterator()
            #expect(try await rooms.next()?.inserted.map { $0.name } == ["lobby"])
            try await client.call("send", "lobby", "four")
            #expect(try await rooms.next()?.updated.map { $0.new.messageCount } == [4])
            await client.disconnect()
            #expect(try await rooms.next() == nil)
        }
    }

    @Test func aSequenceThatIsNotReadEndsWithAnError() async throws {
        try await withChat { address, _ in
            let client = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            try await client.subscribe("SELECT * FROM message")
            let changes = client.changes(of: tables.messages, bufferLimit: 2)
            for number in 0..<5 { try await client.call("send", "lobby", "\(number)") }
            let error = try await clientError { for try await _ in changes {} }
            #expect(error.code == .fellBehind)
            await client.disconnect()
        }
    }

    @Test func aConnectionThatIsCutIsMadeAgainAndTheCacheIsRight() async throws {
        try await withChat { address, port in
            let proxy = try await FaultyProxy.start(to: port)
            let client = try await DatabaseClient.connect(
                to: "ws://127.0.0.1:\(proxy.port)", database: "chat", over: NIOTransport(), options: quick())
            let other = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            try await client.subscribe("SELECT * FROM message", "SELECT * FROM room")
            try await client.call("send", "lobby", "before")
            let identity = client.identity
            let texts = Arrivals<String>()
            let states = Arrivals<ConnectionState>()
            client.onInsert(tables.messages) { texts.put($0.text) }
            client.onDelete(tables.messages) { texts.put("lost \($0.text)") }
            client.onStateChange { states.put($0) }
            for round in 0..<3 {
                proxy.cut()
                _ = try await states.next { if case .waiting = $0 { true } else { false } }
                #expect(client.table(tables.messages).count == round + 1)
                try await other.call("send", "lobby", "\(round)")
                // Only what is new is told, and nothing as lost.
                #expect(try await texts.next() == "\(round)")
                _ = try await states.next { if case .connected = $0 { true } else { false } }
            }
            #expect(client.identity == identity)
            try await client.call("send", "lobby", "after")
            #expect(client.table(tables.messages).count == 5)
            #expect(try await texts.next() == "after")
            await client.disconnect()
            await other.disconnect()
            try await proxy.stop()
        }
    }

    @Test func aTokenThatIsKeptMakesTheSameUser() async throws {
        let directory = "/tmp/spacetime-tokens-\(UInt64.random(in: .min ... .max))"
        defer { remove(directory) }
        try await withChat { address, _ in
            let store = FileTokenStore(directory: directory)
            var identities: [Identity?] = []
            for _ in 0..<2 {
                let client = try await DatabaseClient.connect(
                    to: address, database: "chat", over: NIOTransport(), tokens: store)
                identities.append(client.identity)
                await client.disconnect()
            }
            #expect(identities[0] != nil && identities[0] == identities[1])
            let stranger = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            #expect(stranger.identity != identities[0])
            await stranger.disconnect()

            let key = try ServerAddress(address).hostAndPort
            // As somebody writes it who has it from elsewhere.
            let token = try #require(try await store.token(for: key))
            try await store.setToken("\(token)\r\n", for: key)
            let again = try await DatabaseClient.connect(
                to: address, database: "chat", over: NIOTransport(), tokens: store)
            #expect(again.identity == identities[0])
            await again.disconnect()
            // No request can be made of it, so that nobody would answer.
            for token in ["a\r\nb", "ü", "a\u{0}"] {
                let error = try await clientError {
                    _ = try await DatabaseClient.connect(
                        to: address, database: "chat", over: NIOTransport(), tokens: MemoryTokenStore([key: token]))
                }
                #expect(error.code == .refused && error.message.contains("token"), "\(error)")
            }
            try await store.setToken("nonsense", for: key)
            let error = try await clientError {
                _ = try await DatabaseClient.connect(
                    to: address, database: "chat", over: NIOTransport(), tokens: store)
            }
            #expect(error.code == .refused)
            try await store.setToken(nil, for: key)
            #expect(try await store.token(for: key) == nil)
        }
    }

    @Test func whoCannotConnectIsToldWhy() async throws {
        try await withChat { address, port in
            let unknown = try await clientError {
                _ = try await DatabaseClient.connect(to: address, database: "nothing", over: NIOTransport())
            }
            #expect(unknown.code == .refused)
            let proxy = try await FaultyProxy.start(to: port)
            let free = proxy.port
            try await proxy.stop()
            let nobody = try await clientError {
                _ = try await DatabaseClient.connect(
                    to: "ws://127.0.0.1:\(free)", database: "chat", over: NIOTransport())
            }
            #expect(nobody.code == .unreachable)
        }
    }

    @Test func onATickAndOnlyThereTheCacheChanges() async throws {
        try await withChat { address, _ in
            var options = ClientOptions()
            options.delivery = .onFrameTick
            let client = try await DatabaseClient.connect(
                to: address, database: "chat", over: NIOTransport(), options: options)
            let ticks = Mutex(0)
            let inserted = Mutex<[Int]>([])
            client.onInsert(tables.messages) { _ in inserted.withLock { $0.append(ticks.withLock { $0 }) } }
            let subscription = try client.beginSubscribing(["SELECT * FROM message", "SELECT * FROM room"])
            let isDone = Mutex(false)
            try client.post("send", "lobby", "hello") { _ in isDone.withLock { $0 = true } }
            // The loop of a game, which is in no hurry.
            while !isDone.withLock({ $0 }) {
                let before = client.table(tables.messages).count
                await Task.yield()
                #expect(client.table(tables.messages).count == before)
                ticks.withLock { $0 += 1 }
                client.frameTick()
            }
            #expect(subscription.state == .active)
            #expect(inserted.withLock { $0 } == [ticks.withLock { $0 }])
            #expect(client.table(tables.messages).count == 1)
            await client.disconnect()
        }
    }

    @Test func severalDatabasesAreApart() async throws {
        try await withChat(as: ["red", "blue"]) { address, _ in
            let red = try await DatabaseClient.connect(to: address, database: "red", over: NIOTransport())
            let blue = try await DatabaseClient.connect(to: address, database: "blue", over: NIOTransport())
            for client in [red, blue] { try await client.subscribe("SELECT * FROM message") }
            try await red.call("send", "lobby", "red")
            #expect(red.table(tables.messages).count == 1)
            #expect(blue.table(tables.messages).count == 0)
            await red.disconnect()
            await blue.disconnect()
        }
    }

    @Test func callsNeedNotBeWaitedForOneByOne() async throws {
        try await withChat { address, _ in
            let client = try await DatabaseClient.connect(to: address, database: "chat", over: NIOTransport())
            try await client.subscribe("SELECT * FROM message")
            let outcomes = Arrivals<Bool>()
            for number in 0..<200 {
                try client.post("send", "lobby", "\(number)") { outcomes.put((try? $0.get()) != nil) }
            }
            for _ in 0..<200 { #expect(try await outcomes.next()) }
            let texts = try client.table(tables.messages).rows().sorted { $0.id < $1.id }.map(\.text)
            #expect(texts == (0..<200).map { "\($0)" })
            await client.disconnect()
        }
    }

    @Test func whoGivesUpWaitingIsNotAnswered() async throws {
        try await withChat { address, _ in
            var options = ClientOptions()
            options.delivery = .onFrameTick
            let client = try await DatabaseClient.connect(
                to: address, database: "chat", over: NIOTransport(), options: options)
            // Nobody ticks, so there is no answer.
            let waiting = Task { try await client.call("send", "lobby", "hello") }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            await client.disconnect()
        }
    }
}
