import SpacetimeClientKit
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeClient

@Table(.public)
private struct Guest {
    @PrimaryKey var identity: Identity
}

@Module
private enum Party {
    static let tables = Tables(Guest.self)

    @Reducer(.clientConnected) static func come(_ context: borrowing Context) throws {
        guard context.sender != .local("stranger") else { throw SenderError("who are you?") }
        try context.db.guest.insert(Guest(identity: context.sender))
    }

    @Reducer(.clientDisconnected) static func go(_ context: borrowing Context) throws {
        try context.db.guest.identity.delete(context.sender)
    }

    @Reducer static func nothing(_ context: borrowing Context) throws {}
}

/// What a transport without a socket has to see to by itself.
@Suite(.timeLimit(.minutes(10))) struct LocalTransportTests {
    private let database: Database<Party>

    init() throws { database = try Self.open() }

    private static func open() throws -> Database<Party> { try Database.open(.inMemory, module: Party.self) }

    private func guests() throws -> Set<Identity> { try database.read { Set($0.guest.rows.map(\.identity)) } }

    @Test func clientsComeAndGoAsTheModuleSeesIt() async throws {
        let client = try await DatabaseClient.connect(to: database, as: "ada")
        #expect(client.identity == .local("ada"))
        #expect(try guests() == [.local("ada")])
        await client.disconnect()
        #expect(try guests() == [])
    }

    @Test func whomTheModuleRefusesIsToldWhy() async throws {
        let error = await thrown { _ = try await DatabaseClient.connect(to: database, as: "stranger") }
        #expect((error as? ClientError)?.code == .refused)
        #expect("\(error.map { "\($0)" } ?? "")".contains("who are you?"))
        #expect(try guests() == [])
    }

    @Test func aDatabaseThatIsClosedEndsItsClients() async throws {
        var options = ClientOptions()
        options.reconnection = ClientOptions.Reconnection(firstDelay: .milliseconds(1))
        let client = try await DatabaseClient.connect(to: database, as: "ada", options: options)
        try await client.subscribe(Guest.all)
        let states = Arrivals<ConnectionState>()
        client.onStateChange { states.put($0) }
        try close()
        let end = try await states.next { if case .ended = $0 { true } else { false } }
        guard case .ended(let error?) = end else { return #expect(Bool(false), "it ended without an error") }
        #expect(error.code == .refused)
        let late = await thrown { try await client.call(Party.nothing) }
        #expect((late as? ClientError)?.code == .disconnected)
    }

    /// Here, because code that may wait gets the form of `close` that does.
    private func close() throws { try database.close() }

    @Test func bytesThatAreNoMessageEndTheConnection() async throws {
        let transport = LocalTransport(database, as: .local("ada"))
        let (received, ended) = (Arrivals<[UInt8]>(), Arrivals<TransportEnd>())
        let opening = TransportOpening(
            address: try ServerAddress("localhost"), path: "/", headers: [], subprotocols: [.v3],
            wantsOffsets: false, messageByteLimit: 1_000)
        let opened = try await transport.open(
            opening, TransportReceiver(receive: { received.put($0) }, end: { ended.put($0) }))
        // The greeting.
        _ = try await received.next()
        opened.connection.send([99])
        #expect(try await ended.next().code == 1011)
        #expect(try guests() == [])
    }

    /// Calls in any number are carried out in order, and a client that reads nothing for a while misses nothing.
    @Test func readingMayStopForAWhile() async throws {
        var options = ClientOptions()
        options.delivery = .onFrameTick
        options.inboxByteLimit = 64
        let client = try await DatabaseClient.connect(to: database, as: "ada", options: options)
        let done = Mutex<[Int]>([])
        for number in 0..<300 { try client.post(Party.nothing) { _ in done.withLock { $0.append(number) } } }
        while done.withLock({ $0.count }) < 300 {
            await Task.yield()
            client.frameTick()
        }
        #expect(done.withLock { $0 } == Array(0..<300))
        await client.disconnect()
    }
}
