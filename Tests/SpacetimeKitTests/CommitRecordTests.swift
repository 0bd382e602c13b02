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

    @Test func aModuleMayHaveTablesOnly() throws {
        let db = try Database.open(.inMemory, module: Silent.self)
        #expect(try db.read { $0.account.isEmpty })
    }
}
