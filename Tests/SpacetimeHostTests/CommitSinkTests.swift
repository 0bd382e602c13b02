import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeHost

@Suite struct CommitSinkTests {
    @Test func everyCommitIsRecordedWithItsCallAndNetChanges() throws {
        let sink = RecordingSink()
        let core = try open(.items(), sink: sink)
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        try core.runner.call("nothing", arguments: [], as: core.owner)
        #expect(throws: SenderError.self) { try core.runner.call("fail", arguments: [], as: core.owner) }
        try core.runner.call("rename", arguments: UInt64(1).bsatn() + "plum".bsatn(), as: core.owner)
        let client = try core.connections.connect(Identity(number: UInt256(9)), credentials: "{}")
        try core.connections.disconnect(client)
        let table = core.items.rawValue
        let (clients, credentials) = (
            core.catalog.systemTables.client.rawValue, core.catalog.systemTables.credentials.rawValue
        )
        #expect(
            sink.lines == [
                "0 creation none 0 bytes []",
                "1 reducer 0 9 bytes [insert #\(table) 17 bytes]",
                "2 reducer 1 16 bytes [replace #\(table) 16 bytes]",
                "3 connect none 0 bytes [insert #\(credentials) 22 bytes, insert #\(clients) 48 bytes]",
                "4 disconnect none 0 bytes [delete #\(clients) 48 bytes, delete #\(credentials) 16 bytes]",
            ])
    }

    @Test func afterAFailedRecordTheDatabaseRefusesWritesAndStillReads() throws {
        let sink = RecordingSink()
        let core = try open(.items(), sink: sink)
        sink.fail(from: 2)
        try core.runner.call("add", arguments: "apple".bsatn(), as: core.owner)
        for _ in 0..<2 {
            let error = #expect(throws: DatabaseError.self) {
                try core.runner.call("add", arguments: "pear".bsatn(), as: core.owner)
            }
            #expect(error?.code == .writesRefused)
        }
        // What could not be recorded did not happen.
        #expect(try core.rows(of: core.items).count == 1)
        #expect(try core.runner.lastOffset() == TxOffset(1))
    }
}

@Suite struct LifecycleTests {
    private func clients(_ core: DatabaseCore) throws -> Int {
        try core.rows(of: core.catalog.systemTables.client).count
    }

    @Test func clientsAreInTheSystemTablesWhileTheyAreConnected() throws {
        let core = try open(.items())
        let client = try core.connections.connect(Identity(number: UInt256(9)), credentials: "{}")
        #expect(
            try core.rows(of: core.catalog.systemTables.client) == [client.identity.bsatn() + client.connection.bsatn()]
        )
        #expect(try core.rows(of: core.catalog.systemTables.credentials) == [client.connection.bsatn() + "{}".bsatn()])
        try core.connections.disconnect(client)
        #expect(try clients(core) == 0)
        #expect(try core.rows(of: core.catalog.systemTables.credentials) == [])
    }

    @Test func aConnectionIdIsUsedOnce() throws {
        let core = try open(.items())
        let client = try core.connections.connect(Identity(number: UInt256(9)), credentials: "")
        #expect(throws: DatabaseError.self) {
            try core.connections.connect(Identity(number: UInt256(10)), connection: client.connection, credentials: "")
        }
        #expect(try clients(core) == 1)
    }

    @Test func theModuleSeesItsClientAndMayRefuseIt() throws {
        let core = try open(
            .items(lifecycle: [
                (
                    .onConnect,
                    { @Sendable transaction, _ in
                        #expect(try transaction.count(transaction.table(named: "st_client")) == 1)
                        if try transaction.caller.identity == Identity(number: UInt256(13)) {
                            throw SenderError("unlucky")
                        }
                    }
                )
            ]))
        #expect(throws: SenderError("unlucky")) {
            try core.connections.connect(Identity(number: UInt256(13)), credentials: "")
        }
        #expect(try clients(core) == 0)
        #expect(try core.runner.lastOffset() == TxOffset(0))
    }

    @Test func aFailingDisconnectReducerCostsASecondTransaction() throws {
        let sink = RecordingSink()
        let module = ByteModule.items(lifecycle: [
            (
                .onDisconnect,
                { @Sendable transaction, _ in
                    let row = UInt64(0).bsatn() + "trace".bsatn()
                    let table = try transaction.table(named: "item")
                    try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
                    throw SenderError("oops")
                }
            )
        ])
        let core = try open(module, sink: sink)
        let client = try core.connections.connect(Identity(number: UInt256(9)), credentials: "")
        let error = try core.connections.disconnect(client)
        #expect(error as? SenderError == SenderError("oops"))
        #expect(try clients(core) == 0)
        #expect(try core.rows(of: core.items) == [])
        #expect(try core.runner.lastOffset() == TxOffset(2))
        #expect(sink.lines.last?.hasPrefix("2 disconnect none") == true)
        // Gone already: nothing is done.
        #expect(try core.connections.disconnect(client) == nil)
        #expect(try core.runner.lastOffset() == TxOffset(2))
    }

    @Test func initRunsInTheCreatingTransactionAsTheOwner() throws {
        let sink = RecordingSink()
        let module = ByteModule.items(lifecycle: [
            (
                .onInit,
                { @Sendable transaction, _ in
                    #expect(try transaction.caller == Caller(identity: testOwner))
                    let row = UInt64(0).bsatn() + "first".bsatn()
                    let table = try transaction.table(named: "item")
                    try row.withUnsafeBytes { _ = try transaction.insert($0, into: table) }
                }
            )
        ])
        let core = try open(module, sink: sink)
        #expect(sink.lines == ["0 creation 5 0 bytes [insert #\(core.items.rawValue) 17 bytes]"])
        #expect(try core.rows(of: core.items).count == 1)
    }

    @Test func bookkeepingAloneIsNotBroadcast() throws {
        let core = try open(.items())
        let watcher = FakeSession(core)
        try watcher.subscribe(1, SessionQuery(core.catalog.systemTables.client))
        let client = try core.connections.connect(Identity(number: UInt256(9)), credentials: "")
        try core.connections.disconnect(client)
        #expect(watcher.pull().count == 1)
    }
}

@Suite struct SeamTests {
    @Test func theVirtualClockMovesWhenTold() {
        let clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 5))
        clock.advance(by: .milliseconds(2))
        #expect(clock.now() == Timestamp(microsecondsSinceUnixEpoch: 2_005))
        clock.advance(by: .microseconds(-5))
        #expect(clock.now() == Timestamp(microsecondsSinceUnixEpoch: 2_000))
    }

    @Test func theSystemClockShowsThisCentury() {
        #expect(SystemClock().now().microsecondsSinceUnixEpoch > 1_700_000_000_000_000)
    }

    @Test func equalSeedsDrawEqualNumbers() {
        var (first, second, third) = (
            DeterministicRandom(seed: 1), DeterministicRandom(seed: 1), DeterministicRandom(seed: 2)
        )
        let numbers = (0..<8).map { _ in first.next() }
        #expect((0..<8).map { _ in second.next() } == numbers)
        #expect((0..<8).map { _ in third.next() } != numbers)
    }

    @Test func keysAreCutOutOfRowsOfAnyShape() throws {
        let table = TableSchema(
            name: "t",
            columns: [
                ("a", .string), ("b", .option(.array(.u16))), ("c", .u8),
                ("d", .product(ProductType([("x", .bool), ("y", .array(.string))]))), ("e", .u64),
            ],
            primaryKey: [0, 4])
        let locator = try #require(KeyLocator(table))
        let head = "key".bsatn()
        let tail = UInt64(77).bsatn()
        let row = head + Optional<[UInt16]>([1, 2]).bsatn() + [9] + [1] + ["p", "qq"].bsatn() + tail
        #expect(row.withUnsafeBytes { locator.key(of: $0) } == head + tail)
        #expect(KeyLocator(TableSchema(name: "u", columns: [("a", .u8)])) == nil)
    }
}
