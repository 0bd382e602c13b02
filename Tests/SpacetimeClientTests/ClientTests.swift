import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Synchronization
import Testing

@testable import SpacetimeClient

/// What programs see of a client, with a model of a server behind it.
@Suite(.timeLimit(.minutes(10))) struct ClientTests {
    private let transport = ModelTransport([Item(id: 1, owner: 0, text: "one"), Item(id: 2, owner: 1, text: "two")])
    private let items: TableDescription<Item>

    init() throws { items = try itemTable() }

    private func connect(_ change: (inout ClientOptions) -> Void = { _ in }) async throws -> DatabaseClient {
        var options = ClientOptions()
        options.reconnection = ClientOptions.Reconnection(
            firstDelay: .milliseconds(1), longestDelay: .milliseconds(5))
        change(&options)
        return try await DatabaseClient.connect(to: "localhost", database: "items", over: transport, options: options)
    }

    /// The error that a body throws, which must be one of the client's.
    private func clientError(_ body: () async throws -> Void) async throws -> ClientError {
        do { try await body() } catch let error as ClientError { return error }
        throw Unexpected()
    }

    @Test func aCallReturnsWhenTheCacheHasItsRows() async throws {
        let client = try await connect()
        try await client.subscribe(ItemQuery.all.text)
        #expect(client.table(items).count == 2)
        try await client.call("put", 3 as UInt32, 1 as UInt32, "three")
        let owner = try items.column("owner", UInt32.self)
        #expect(try client.table(items).rows(where: owner, equals: 1).map(\.text) == ["two", "three"])
        let id = try items.column("id", UInt32.self)
        #expect(try client.table(items).first(where: id, equals: 3)?.text == "three")
        #expect(try client.table(items).first(where: id, equals: 4) == nil)
        #expect(try client.table(items).rows(where: id, equals: 1, and: owner, equals: 0).map(\.text) == ["one"])
        #expect(try client.table(items).rows(where: id, equals: 1, and: id, equals: 1).map(\.text) == ["one"])
        #expect(try client.table(items).rows(where: id, equals: 1, and: id, equals: 2).isEmpty, "no row has both")
        // A column without an index.
        let text = try items.column("text", String.self)
        #expect(try client.table(items).rows(where: text, equals: "one").map(\.id) == [1])
        #expect(try await client.query(ItemQuery.owner(0).text, as: Item.self).map(\.id) == [1])
        let echo = try await client.callProcedure("echo", "hello", returning: String.self)
        #expect(echo == "hello")
        await client.disconnect()
    }

    @Test func aSequenceOfAClientThatHasEndedEnds() async throws {
        let client = try await connect()
        try await client.subscribe(ItemQuery.all.text)
        await client.disconnect()
        var seen: [Int] = []
        for try await changes in client.changes(of: items) { seen.append(changes.inserted.count) }
        #expect(seen == [2], "what is in the cache, and nothing behind it")
        let error = try await clientError {
            for try await _ in client.changes(of: items, subscribingTo: ItemQuery.all.text) {}
        }
        #expect(error.code == .disconnected)
    }

    @Test func errorsSayWhatKindTheyAre() async throws {
        let client = try await connect()
        #expect(
            try await clientError { try await client.call("fail", "no way") } == ClientError(.rejected, "no way"))
        #expect(try await clientError { try await client.call("unknown") }.code == .failed)
        #expect(try await clientError { try await client.subscribe("nonsense") }.code == .subscription)
        #expect(
            try await clientError {
                _ = try await client.callProcedure("echo", 1 as UInt8, returning: String.self)
            }.code == .undecodable)
        #expect(throws: ClientError.self) { try items.column("nothing", String.self) }
        #expect(throws: ClientError.self) { try items.column("id", String.self) }
        #expect(throws: ClientError.self) {
            try TableDescription(Item.self, name: "item", primaryKey: "nothing")
        }
        #expect(throws: ClientError.self) { try TableDescription(String.self, name: "item") }
        await client.disconnect()
        #expect(try await clientError { try await client.call("put") }.code == .disconnected)
    }

    @Test func callbacksTellEachChangeOnce() async throws {
        let client = try await connect()
        let told = Arrivals<String>()
        client.onInsert(items) { told.put("+\($0.text)") }
        client.onDelete(items) { told.put("-\($0.text)") }
        let updates = client.onUpdate(items) { told.put("\($0.text)>\($1.text)") }
        let subscription = try await client.subscribe(ItemQuery.owner(0).text)
        #expect(try await told.next() == "+one")
        transport.put(Item(id: 1, owner: 0, text: "uno"))
        #expect(try await told.next() == "one>uno")
        updates.cancel()
        transport.put(Item(id: 1, owner: 0, text: "eins"))
        transport.put(Item(id: 1, owner: 1, text: "away"))
        #expect(try await told.next() == "-eins")
        transport.put(Item(id: 5, owner: 0, text: "five"))
        #expect(try await told.next() == "+five")
        try await subscription.unsubscribe()
        #expect(try await told.next() == "-five")
        #expect(subscription.state == .ended(nil))
        await client.disconnect()
    }

    @Test func changesAreASequenceThatBeginsWithWhatIsThere() async throws {
        let client = try await connect()
        try await client.subscribe(ItemQuery.owner(0).text)
        var changes = client.changes(of: items, subscribingTo: ItemQuery.owner(1).text).makeAsyncIterator()
        #expect(try await changes.next()?.inserted.map { $0.text } == ["one"])
        #expect(try await changes.next()?.inserted.map { $0.text } == ["two"])
        transport.put(Item(id: 2, owner: 1, text: "zwei"))
        #expect(try await changes.next()?.updated.map { $0.new.text } == ["zwei"])
        await client.disconnect()
        #expect(try await changes.next() == nil)
    }

    @Test func aSequenceWhoseQueryIsRefusedThrows() async throws {
        let client = try await connect()
        let changes = client.changes(of: items, subscribingTo: "nonsense")
        let error = try await clientError { for try await _ in changes {} }
        #expect(error.code == .subscription)
        await client.disconnect()
    }

    @Test func aSequenceThatIsNotReadEndsWithAnError() async throws {
        let client = try await connect()
        try await client.subscribe(ItemQuery.all.text)
        let changes = client.changes(of: items, bufferLimit: 2)
        for id in 10..<15 as Range<UInt32> { try await client.call("put", id, 0 as UInt32, "\(id)") }
        let count = Mutex(0)
        let error = try await clientError { for try await _ in changes { count.withLock { $0 += 1 } } }
        #expect(count.withLock { $0 } == 2)
        #expect(error.code == .fellBehind)
        await client.disconnect()
    }

    @Test func onATickAndOnlyThereTheCacheChanges() async throws {
        let client = try await connect { $0.delivery = .onFrameTick }
        let subscription = try client.beginSubscribing([ItemQuery.all.text])
        let isDone = Mutex(false)
        let inTick = Mutex(false)
        let insertedInTick = Mutex<[Bool]>([])
        client.onInsert(items) { _ in
            let isIn = inTick.withLock { $0 }
            insertedInTick.withLock { $0.append(isIn) }
        }
        try client.post("put", 3 as UInt32, 1 as UInt32, "three") { _ in isDone.withLock { $0 = true } }
        while !isDone.withLock({ $0 }) {
            let before = client.table(items).count
            await Task.yield()
            #expect(client.table(items).count == before)
            inTick.withLock { $0 = true }
            client.frameTick()
            inTick.withLock { $0 = false }
        }
        #expect(subscription.state == .active)
        #expect(client.table(items).count == 3)
        #expect(insertedInTick.withLock { $0 } == [true, true, true])
        await client.disconnect()
    }

    @Test func aLostConnectionIsMadeAgainAndOnlyDifferencesAreTold() async throws {
        let client = try await connect()
        try await client.subscribe(ItemQuery.all.text)
        let states = Arrivals<ConnectionState>()
        let told = Arrivals<String>()
        client.onStateChange { states.put($0) }
        client.onChange(items) { changes in
            told.put("\(changes.inserted.count) \(changes.deleted.count) \(changes.updated.count)")
        }
        transport.cut()
        _ = try await states.next { if case .waiting = $0 { true } else { false } }
        #expect(client.table(items).count == 2)
        transport.put(Item(id: 1, owner: 0, text: "uno"))
        #expect(try await told.next() == "0 0 1")
        #expect(client.table(items).count == 2)
        // The token of the first connection is what the second one was opened with.
        #expect(transport.openings.map { $0.headers.map(\.value) } == [[], ["Bearer token"]])
        await client.disconnect()
    }

    @Test func aTokenIsKeptAndPresented() async throws {
        let tokens = MemoryTokenStore()
        for _ in 0..<2 {
            let client = try await DatabaseClient.connect(
                to: "localhost", database: "items", over: transport, tokens: tokens)
            await client.disconnect()
        }
        #expect(tokens.token(for: "localhost:80") == "token")
        #expect(transport.openings.map { $0.headers.map(\.value) } == [[], ["Bearer token"]])
    }

    @Test func aFirstConnectionThatFailsIsThrown() async throws {
        transport.refuse(ClientError(.unreachable, "nobody there"))
        let error = try await clientError { _ = try await connect() }
        #expect(error == ClientError(.unreachable, "nobody there"))
        // Unless it is to be tried again.
        transport.refuse(ClientError(.unreachable, "nobody there"), ClientError(.unreachable, "nobody there"))
        let client = try await connect { $0.reconnection.coversFirstConnection = true }
        #expect(client.identity != nil)
        await client.disconnect()
    }

    @Test func aClientThatNobodyHoldsSaysGoodBye() async throws {
        do {
            let client = try await connect()
            #expect(client.session != nil)
        }
        #expect(try await transport.closes.next() == 1000)
    }

    @Test func rowsOfAnotherShapeAreReportedAndDoNoHarm() async throws {
        struct Other: SpacetimeType {
            var id: UInt32
            var rest: UInt64
            static func algebraicType(in types: inout TypespaceBuilder) -> AlgebraicType {
                .product([("id", .u32), ("rest", .u64)])
            }
            init(from reader: inout BSATNReader) throws(BSATNError) {
                id = try UInt32(from: &reader)
                rest = try UInt64(from: &reader)
            }
            func encode(to writer: inout BSATNWriter) {
                id.encode(to: &writer)
                rest.encode(to: &writer)
            }
        }
        let problems = Arrivals<ClientError>()
        let client = try await connect { $0.onProblem = { problems.put($0) } }
        let wrong = try TableDescription(Other.self, name: "item", primaryKey: "id")
        client.onInsert(wrong) { _ in }
        try await client.subscribe(ItemQuery.all.text)
        #expect(try await problems.next().code == .undecodable)
        #expect(throws: ClientError.self) { try client.table(wrong).rows() }
        await client.disconnect()
    }

    @Test func whoGivesUpWaitingIsNotAnswered() async throws {
        let client = try await connect { $0.delivery = .onFrameTick }
        // Nobody ticks, so there is no answer.
        let waiting = Task { try await client.call("put", 7 as UInt32, 0 as UInt32, "x") }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await client.disconnect()
    }
}
