import SpacetimeKit
import Synchronization
import Testing

@Suite struct RollbackTests {
    private static func note(_ context: borrowing ReducerContext, _ id: UInt64) throws {
        try context.table(Account.self).insert(Account(id: id, owner: UInt32(id), slot: 0, balance: 0))
    }

    private func ids(_ db: Database<DynamicModule>) throws -> [UInt64] {
        try db.read { $0.table(Account.self).rows.map(\.id).sorted() }
    }

    @Test func workAfterARollbackStaysWhenTheCallIsUndone() throws {
        let db = try openDynamic { context in
            let (sender, time) = (context.sender, context.timestamp)
            try context.afterRollback { context in
                #expect(context.sender == sender && context.timestamp == time)
                #expect(context.table(Account.self).count == 0)
                try Self.note(context, 1)
            }
            try context.afterRollback { context in
                try Self.note(context, 2)
                throw SenderError("undone alone")
            }
            try context.afterRollback { try Self.note($0, 3) }
            try Self.note(context, 4)
            throw SenderError("the call failed")
        }
        let seen = try db.subscribe(Account.all)
        _ = seen.nextAvailable()
        #expect(throws: SenderError("the call failed")) { try db.call("run", arguments: []) }
        #expect(try ids(db) == [1, 3])
        #expect(try db.lastOffset() == TxOffset(2))
        #expect(seen.nextAvailable()?.inserted.map(\.id) == [1])
        #expect(seen.nextAvailable()?.inserted.map(\.id) == [3])
    }

    @Test func workIsForgottenWhenTheCallSucceeds() throws {
        let fails = Atomic(false)
        let db = try openDynamic { context in
            if fails.load(ordering: .relaxed) { throw SenderError("no work was noted in this call") }
            try context.afterRollback { _ in Issue.record("the call did not fail") }
            try Self.note(context, 1)
        }
        try db.call("run", arguments: [])
        fails.store(true, ordering: .relaxed)
        #expect(throws: SenderError.self) { try db.call("run", arguments: []) }
        #expect(try ids(db) == [1])
    }

    @Test func workNotedInAnUndoneSavepointIsDoneToo() throws {
        let db = try openDynamic { context in
            do {
                try context.savepoint {
                    try context.afterRollback { try Self.note($0, 1) }
                    throw SenderError("inner")
                }
            } catch {}
            throw SenderError("outer")
        }
        #expect(throws: SenderError("outer")) { try db.call("run", arguments: []) }
        #expect(try ids(db) == [1])
    }

    @Test func workOfTypedCallsAndRefusedClientsIsDone() throws {
        let fail = Reducer<DynamicModule, UInt64>("fail") { context, id in
            try context.afterRollback { try Self.note($0, id) }
            throw SenderError("no")
        }
        let db = try Database.open(
            .inMemory,
            module: Module("audit") {
                Table(Account.self)
                fail
                Reducer("come", lifecycle: .clientConnected) { (context: borrowing ReducerContext) in
                    try context.afterRollback { try Self.note($0, 9) }
                    throw SenderError("not you")
                }
            })
        #expect(throws: SenderError("no")) { try db.call(fail, 7) }
        #expect(throws: SenderError("not you")) { _ = try db.connect(as: "mallory") }
        #expect(try ids(db) == [7, 9])
    }

    @Test func aDatabaseThatCouldNotBeCreatedDoesNoWork() throws {
        let error = #expect(throws: DatabaseError.self) {
            _ = try Database.open(
                .inMemory,
                module: Module("init") {
                    Table(Account.self)
                    Reducer("create", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                        try context.afterRollback { _ in Issue.record("there is no database to write to") }
                        throw DatabaseError(.readOnly, "not created")
                    }
                })
        }
        #expect(error?.code == .readOnly)
    }

    @Test func theOwnerIsKnownToReducers() throws {
        try inReducer { context in #expect(context.sender == context.owner) }
    }

    /// A function is called as a function: its writes belong to the caller's transaction, caught or not.
    @Test func aReducerCalledAsAFunctionAndCaughtKeepsItsWritesWithoutASavepoint() throws {
        @Sendable func inner(_ context: borrowing ReducerContext, _ id: UInt64) throws {
            try Self.note(context, id)
            throw SenderError("inner")
        }
        let db = try openDynamic { context in
            do { try inner(context, 1) } catch {}
            do { try context.savepoint { try inner(context, 2) } } catch {}
        }
        try db.call("run", arguments: [])
        #expect(try ids(db) == [1])
    }
}
