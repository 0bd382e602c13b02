import SpacetimeKit
import Synchronization
import Testing

/// Notes what lifecycle reducers see, beyond what tables can tell.
final class Journal: Sendable {
    private let lines = Mutex<[String]>([])
    func note(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

@Suite struct ConnectionTests {
    private static func module(_ journal: Journal) -> Module {
        Module("lifecycle") {
            Table(Account.self)
            Reducer("create", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                journal.note("create")
                try context.table(Account.self).insert(Account(id: 1, owner: 0, slot: 0, balance: 0))
            }
            Reducer("come", lifecycle: .clientConnected) { (context: borrowing ReducerContext) in
                journal.note("come")
                try context.table(Account.self).insert(Account(id: 2, owner: 2, slot: 0, balance: 0))
                if context.sender == Identity(issuer: "localhost", subject: "mallory") {
                    throw SenderError("not you")
                }
            }
            Reducer("go", lifecycle: .clientDisconnected) { (context: borrowing ReducerContext) in
                journal.note("go")
                try context.table(Account.self).insert(Account(id: 3, owner: 3, slot: 0, balance: 0))
                if context.sender == Identity(issuer: "localhost", subject: "bob") { throw SenderError("oops") }
            }
        }
    }

    @Test func creatingADatabaseRunsInitializeAndItsFailureLeavesNone() throws {
        let journal = Journal()
        let db = try Database.open(.inMemory, module: Self.module(journal))
        #expect(journal.all == ["create"])
        #expect(try db.read { $0.table(Account.self).count } == 1)
        #expect(try db.lastOffset() == TxOffset(0))
        let bad = Module("bad") {
            Table(Account.self)
            Reducer("create", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                throw SenderError("not today")
            }
        }
        #expect(throws: SenderError("not today")) { try Database.open(.inMemory, module: bad) }
    }

    @Test func aRefusedClientLeavesNothingBehind() throws {
        let db = try Database.open(.inMemory, module: Self.module(Journal()))
        #expect(throws: SenderError("not you")) { try db.connect(as: "mallory") }
        #expect(try db.read { $0.table(Account.self).count } == 1)
        _ = try db.connect(as: "alice")
        #expect(try db.read { $0.table(Account.self).count } == 2)
    }

    @Test func disconnectingTwiceRunsTheReducerOnce() throws {
        let journal = Journal()
        let db = try Database.open(.inMemory, module: Self.module(journal))
        let alice = try db.connect(as: "alice")
        #expect(try alice.disconnect() == nil)
        #expect(try alice.disconnect() == nil)
        #expect(journal.all == ["create", "come", "go"])
        #expect(!alice.isOpen)
        let error = #expect(throws: DatabaseError.self) { try alice.call("come", arguments: []) }
        #expect(error?.code == .disconnected)
    }

    @Test func aFailingDisconnectReducerIsUndoneAndTheClientIsGone() throws {
        let journal = Journal()
        let db = try Database.open(.inMemory, module: Self.module(journal))
        let bob = try db.connect(as: "bob")
        let error = try bob.disconnect()
        #expect(error as? SenderError == SenderError("oops"))
        #expect(try db.read { $0.table(Account.self).id.contains(3) } == false)
        #expect(try bob.disconnect() == nil)
        #expect(journal.all == ["create", "come", "go"])
    }

    @Test func clientsCannotCallLifecycleReducers() throws {
        let db = try Database.open(.inMemory, module: Self.module(Journal()))
        for name in ["create", "come", "go"] {
            let error = #expect(throws: DatabaseError.self) { try db.call(name, arguments: []) }
            #expect(error?.code == .noSuchReducer)
        }
        let typed = Reducer<DynamicModule>("create") { _ in }
        let error = #expect(throws: DatabaseError.self) { try db.call(typed) }
        #expect(error?.code == .noSuchReducer)
    }

    @Test func connectingAndDisconnectingAlwaysTakeAnOffset() throws {
        let db = try openChat()
        try db.call(Chat.nothing)
        #expect(try db.lastOffset() == TxOffset(0))
        let alice = try db.connect(as: "alice")
        #expect(try db.lastOffset() == TxOffset(1))
        try alice.call(Chat.nothing)
        try alice.call(Chat.send, "lobby", "hi")
        #expect(try db.lastOffset() == TxOffset(2))
        try alice.disconnect()
        #expect(try db.lastOffset() == TxOffset(3))
    }

    @Test func theSameNameIsTheSameIdentityAndConnectionsDiffer() throws {
        let db = try openChat()
        let first = try db.connect(as: "alice")
        let second = try db.connect(as: "alice")
        #expect(first.identity == second.identity)
        #expect(first.identity == Identity(issuer: "localhost", subject: "alice"))
        #expect(first.id != second.id && !first.id.isNone)
    }
}
