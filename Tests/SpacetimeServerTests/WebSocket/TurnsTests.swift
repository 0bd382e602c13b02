import NIOCore
import NIOPosix
import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeServerTestSupport
import Synchronization
import Testing

@testable import SpacetimeServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Calls of clients of one event loop, without sockets: who gets the database when.
@Suite struct TurnsTests {
    /// Counts the answers to calls, in their order.
    ///
    /// `Sendable` is unchecked: it is used on its event loop only.
    private final class Answers: ClientTransport, @unchecked Sendable {
        private(set) var requests: [UInt32] = []
        private(set) var isReading = true
        private(set) var isDropped = false
        private var parser = RawFrameParser()
        let arrivals = Mailbox<Int>()

        var isWritable: Bool { true }
        var waitingByteCount: Int { 0 }
        var heldByteCount: Int { 0 }
        func flush() {}
        func setReading(_ isReading: Bool) { self.isReading = isReading }
        func close(_ closing: WebSocketClosing) { isDropped = true }
        func drop() { isDropped = true }

        func write(_ frames: ByteBuffer) {
            parser.append(frames.readableBytesView)
            while let frame = try? parser.frame() {
                guard frame.opcode == .binary else { continue }
                let body = Array(frame.payload.dropFirst())
                guard var reader = try? V2.ServerMessageReader(body.span.bytes, isBatched: true) else { continue }
                while let message = try? reader.next() {
                    if case .reducerResult(let request, _, _) = message { requests.append(request) }
                }
            }
            arrivals.put(requests.count)
        }
    }

    private struct Client: Sendable {
        let connection: ClientConnection
        let answers: Answers
        let loop: any EventLoop

        init(_ database: HostedDatabase, _ delivery: LoopDelivery) async throws {
            var parameters = ConnectionParameters()
            parameters.compression = .none
            let principal = Principal(
                identity: Identity(issuer: "i", subject: "s"), token: "t", claims: "{}", issuer: "i",
                isAnonymous: false)
            let metrics = ServerMetrics()
            let limits = ClientLimits.trusted
            let rates = database.reducerRates(limits, of: .identity(principal.identity))
            connection = ClientConnection(
                database, principal, parameters, .v3, .patient, delivery,
                ClientLedger(limits, .patient, rates, metrics, metrics.database("turns", reducers: [])))
            answers = Answers()
            loop = delivery.eventLoop
            let (connection, answers) = (connection, answers)
            loop.execute { connection.begin(over: answers) }
            _ = try await answers.arrivals.take(within: RawClient.patience, on: loop)
        }

        /// As one frame that was read at once. On the loop.
        func send(_ requests: Range<UInt32>, _ reducer: String = "tick") {
            let frame = requests.flatMap { Say.call($0, reducer) }
            frame.withUnsafeBytes { connection.receive($0, isText: false) }
            connection.endOfRead()
            connection.deliver()
        }

        /// Waits until there are so many answers.
        func receive(_ count: Int) async throws -> [UInt32] {
            while try await loop.submit({ answers.requests.count }).get() < count {
                _ = try await answers.arrivals.take(within: RawClient.patience, on: loop)
            }
            return try await loop.submit { answers.requests }.get()
        }
    }

    @Test func aFloodLetsOtherClientsOfItsLoopInBetween() async throws {
        let database = HostedDatabase(try arena().core)
        let delivery = LoopDelivery(MultiThreadedEventLoopGroup.singleton.next(), WebSocketOptions())
        let flood = try await Client(database, delivery)
        let honest = try await Client(database, delivery)
        // Far more than fit into a turn.
        let count: UInt32 = 20_000
        try await delivery.eventLoop.submit {
            flood.send(0..<count)
            #expect(flood.answers.requests.count < count)
            #expect(!flood.answers.isReading, "nothing more is read from a client who has used up his time")
            honest.send(0..<1)
            #expect(honest.answers.requests == [0], "an honest client is served at once")
            flood.send(count..<count + 1)
        }.get()
        #expect(try await flood.receive(Int(count) + 1) == Array(0...count), "calls of a client are run in their order")
        #expect(try await delivery.eventLoop.submit { flood.answers.isReading }.get())
        for client in [flood, honest] { delivery.eventLoop.execute { client.connection.end() } }
    }

    @Test(arguments: 1...4) func callsThatFoundTheDatabaseTakenRunOnceItIsFree(clients count: Int) async throws {
        let arena = try arena()
        let database = HostedDatabase(arena.core)
        let loops = (0..<2).map { _ in
            LoopDelivery(MultiThreadedEventLoopGroup.singleton.next(), WebSocketOptions())
        }
        var clients: [Client] = []
        for number in 0..<count { clients.append(try await Client(database, loops[number % 2])) }
        // Somebody has the database until all clients have called.
        let holder = try await Holder(arena, on: loops[0].eventLoop)
        for client in clients {
            try await client.loop.submit {
                client.send(0..<100)
                #expect(client.answers.requests.isEmpty)
            }.get()
        }
        try await holder.end()
        for client in clients { #expect(try await client.receive(100) == Array(0..<100)) }
        for client in clients { client.loop.execute { client.connection.end() } }
    }

    /// Whoever waits for the lock may have gone when it is free; others must not wait for him.
    @Test func clientsThatGoWhileTheyWaitLeaveTheDatabaseFree() async throws {
        let arena = try arena()
        let database = HostedDatabase(arena.core)
        let delivery = LoopDelivery(MultiThreadedEventLoopGroup.singleton.next(), WebSocketOptions())
        let gone = try await Client(database, delivery)
        let holder = try await Holder(arena, on: delivery.eventLoop)
        try await delivery.eventLoop.submit {
            gone.send(0..<10)
            gone.connection.end()
        }.get()
        try await holder.end()
        try await arena.call(Arena.tick)
        #expect(try await delivery.eventLoop.submit { gone.answers.requests.isEmpty }.get())
    }

    @Test func aLoopThatWasLateHoldsItAgainstNobody() async throws {
        let database = HostedDatabase(try arena().core)
        let delivery = LoopDelivery(MultiThreadedEventLoopGroup.singleton.next(), WebSocketOptions())
        let client = try await Client(database, delivery)
        try await delivery.eventLoop.submit {
            let (connection, answers) = (client.connection, client.answers)
            // However long it took to get here.
            connection.noteReceived()
            // The machine slept: what the client has sent meanwhile lies in its socket.
            connection.tick(.now() + .hours(48), late: .hours(47))
            #expect(!answers.isDropped)
            connection.tick(.now() + .hours(48) + .hours(25), late: .zero)
            #expect(answers.isDropped)
        }.get()
    }

    /// Has the database, on a thread of its own, until it is told to give it free.
    private final class Holder: Sendable {
        private let mayEnd = Atomic(false)
        private let events = Mailbox<Void>()
        private let loop: any EventLoop

        init(_ arena: Database<Arena>, on loop: any EventLoop) async throws {
            self.loop = loop
            startThread { [self] in
                try? arena.read { _ in
                    events.put(())
                    while !mayEnd.load(ordering: .acquiring) { sched_yield() }
                }
                events.put(())
            }
            try await events.take(within: RawClient.patience, on: loop)
        }

        func end() async throws {
            mayEnd.store(true, ordering: .releasing)
            try await events.take(within: RawClient.patience, on: loop)
        }
    }
}
