import SpacetimeHost
import SpacetimeKit
import Synchronization
import Testing

/// Keeps the arguments of the calls it is told of.
private final class ArgumentSink: CommitSink {
    private let records = Mutex<[[UInt8]]>([])
    var arguments: [[UInt8]] { records.withLock { $0 } }

    func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError) {
        let bytes = (try? CommitRecord(record)).map { Array($0.arguments) } ?? [0xFF]
        records.withLock { $0.append(bytes) }
    }
}

/// Keeps the records that it is given.
private final class RecordSink: CommitSink {
    private let kept = Mutex<[[UInt8]]>([])
    var records: [[UInt8]] { kept.withLock { $0 } }

    func append(_ record: UnsafeRawBufferPointer, at offset: TxOffset) throws(DatabaseError) {
        kept.withLock { $0.append(Array(record)) }
    }
}

/// A clock whose last tick was three milliseconds ago, until it is set back.
private final class TickingClock: HostClock {
    static let start = Timestamp(microsecondsSinceUnixEpoch: 1_800_000_000_000_000)
    private let time = Mutex(start)

    func set(_ microseconds: Int64) { time.withLock { $0 = Self.start + TimeDuration(microseconds: microseconds) } }
    func now() -> Timestamp { time.withLock { $0 } }
    func coarseNow() -> Timestamp { time.withLock { $0 - TimeDuration(microseconds: 3_000) } }
    func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm { VirtualClock().makeAlarm(ring) }
}

/// A module that only has tables, written as the macro writes it.
private enum Silent: SpacetimeKit.ModuleDefinition {
    static let tables = Tables(Account.self)
    struct TableHandles: SpacetimeKit.TableHandles {
        let _spacetimeTransaction: SpacetimeKit.TransactionReference
        init(_spacetimeTransaction transaction: SpacetimeKit.TransactionReference) {
            _spacetimeTransaction = transaction
        }
        var account: Account.Handle { .init(_spacetimeReference: .init(_spacetimeTransaction, table: 0)) }
    }
    static var moduleContent: SpacetimeKit.ModuleContent {
        .init(name: "Silent", tables: Self.tables, functions: [])
    }
}

@Suite struct CommitRecordTests {
    @Test func theArgumentsOfATypedCallAreRecordedAsItsBytes() throws {
        let sink = ArgumentSink()
        var options = DatabaseOptions()
        options.sink = sink
        let db = try Database.open(.inMemory, module: Chat.self, options: options)
        try db.call(Chat.send, "lobby", "hello")
        try db.call(Chat.nothing)
        #expect(throws: SenderError.self) { try db.call(Chat.send, "lobby", "") }
        try db.call(Chat.open, 7, -1)
        // What the record holds makes the same call again.
        #expect(sink.arguments == [[], "lobby".bsatn() + "hello".bsatn(), UInt64(7).bsatn() + Int64(-1).bsatn()])
        let copy = try openChat()
        try copy.call("send", arguments: sink.arguments[1])
        #expect(try copy.read { $0.message.rows.map(\.text) } == ["hello"])
    }

    /// Typed calls that nobody watches put their record together in another way than all others.
    @Test func aRecordIsTheSameWhetherTheCallIsWatchedOrNot() throws {
        func records(isWatched: Bool) throws -> [[UInt8]] {
            let sink = RecordSink()
            var options = DatabaseOptions()
            options.sink = sink
            options.clock = VirtualClock()
            options.seed = 77
            let db = try Database.open(.inMemory, module: Chat.self, options: options)
            let observer = isWatched ? try db.subscribe(Message.where { $0.id > 0 }, onChange: { _ in }) : nil
            let ada = try db.connect(as: "ada")
            try db.call(Chat.send, "lobby", "hello")
            try ada.call(Chat.send, "lobby", String(repeating: "long ", count: 100))
            try db.call(Chat.open, 7, -1)
            try ada.call(Chat.open, 8, 1)
            try ada.call(Chat.transfer, 8, 7, 1)
            try db.call(Chat.edit, 1, "hullo")
            observer?.cancel()
            return sink.records
        }
        let (plain, watched) = (try records(isWatched: false), try records(isWatched: true))
        #expect(plain.count == 8)
        for (position, (plain, watched)) in zip(plain, watched).enumerated() {
            #expect(plain == watched, "record \(position)")
        }
        #expect(plain.count == watched.count)
    }

    @Test func aCallThatDoesNotAskForItsTimeIsRecordedWithACheapOne() throws {
        let sink = RecordSink()
        let clock = TickingClock()
        var options = DatabaseOptions()
        options.sink = sink
        options.clock = clock
        let db = try Database.open(.inMemory, module: Chat.self, options: options)
        func timeOfLast() throws -> Int64 {
            let record = try #require(sink.records.last)
            let time = try record.withUnsafeBytes { try CommitRecord($0).timestamp }
            return (time - TickingClock.start).microseconds
        }
        try db.call(Chat.open, 1, 0)
        #expect(try timeOfLast() == -3_000)
        // `send` keeps the time in its row, so it is exact.
        try db.call(Chat.send, "lobby", "hello")
        #expect(try timeOfLast() == 0)
        // Not before the one that was recorded last,
        try db.call(Chat.open, 2, 0)
        #expect(try timeOfLast() == 0)
        // unless the clock was set back.
        clock.set(-5_000_000)
        try db.call(Chat.open, 3, 0)
        #expect(try timeOfLast() == -5_003_000)
    }

    @Test func aModuleMayHaveTablesOnly() throws {
        let db = try Database.open(.inMemory, module: Silent.self)
        #expect(try db.read { $0.account.isEmpty })
    }
}
