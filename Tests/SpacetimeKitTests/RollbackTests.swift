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

    /// Whichever way the call came: typed, by name, by a schedule, as a client that connects. The database is free when the
    /// program hears of it, and callers get what the call threw.
    @Test func workThatFailsIsTold() throws {
        let told = Told()
        let clock = VirtualClock()
        var options = DatabaseOptions()
        options.clock = clock
        options.onAfterRollbackFailure = { told.tell($0) }
        let fail = Reducer<DynamicModule, String>("fail") { context, text in
            try context.afterRollback { _ in throw SenderError("first of \(text)") }
            try context.afterRollback { try Self.note($0, 1) }
            try context.afterRollback { context in
                try context.afterRollback { _ in throw SenderError("third of \(text)") }
                throw SenderError("second of \(text)")
            }
            throw SenderError(text)
        }
        let db = try Database.open(
            .inMemory,
            module: Module("audit") {
                Table(Account.self)
                Table(Beat.self)
                fail
                Reducer("schedule") { (context: borrowing ReducerContext) in
                    try context.table(Beat.self).insert(Beat(id: 0, when: .interval(.seconds(1))))
                }
                Reducer("beat", lifecycle: .scheduled) { (context: borrowing ReducerContext, _: Beat) in
                    try context.afterRollback { _ in throw SenderError("tick") }
                    throw SenderError("tock")
                }
                Reducer("come", lifecycle: .clientConnected) { (context: borrowing ReducerContext) in
                    try context.afterRollback { _ in throw SenderError("come") }
                    throw SenderError("not you")
                }
            }, options: options)
        told.database.withLock { $0 = db }

        #expect(throws: SenderError("typed")) { try db.call(fail, "typed") }
        // The work of work is done before it is known that the work has failed.
        #expect(told.take() == ["fail: first of typed", "nil: third of typed", "fail: second of typed"])
        #expect(throws: SenderError("name")) { try db.call("fail", arguments: "name".bsatn()) }
        #expect(told.take() == ["fail: first of name", "nil: third of name", "fail: second of name"])
        #expect(throws: SenderError("not you")) { _ = try db.connect(as: "mallory") }
        #expect(told.take() == ["come: come"])
        try db.call("schedule", arguments: [])
        clock.advance(by: .seconds(2))
        #expect(told.take() == ["beat: tick", "beat: tick"])
        #expect(try ids(db) == [1])
        told.database.withLock { $0 = nil }
    }

    @Test func workThatFailsAfterADisconnectIsTold() throws {
        let told = Told()
        var options = DatabaseOptions()
        options.onAfterRollbackFailure = { told.tell($0) }
        let db = try Database.open(
            .inMemory,
            module: Module("audit") {
                Table(Account.self)
                Reducer("go", lifecycle: .clientDisconnected) { (context: borrowing ReducerContext) in
                    try context.afterRollback { _ in throw SenderError("go") }
                    throw SenderError("stay")
                }
            }, options: options)
        told.database.withLock { $0 = db }
        let failure = try db.connect(as: "ann").disconnect()
        #expect(failure as? SenderError == SenderError("stay"))
        #expect(told.take() == ["go: go"])
        told.database.withLock { $0 = nil }
    }

    /// What was told, by a program that looks into the database each time.
    private final class Told: Sendable {
        let database = Mutex<Database<DynamicModule>?>(nil)
        private let texts = Mutex<[String]>([])

        func tell(_ failure: AfterRollbackFailure) {
            let database = database.withLock { $0 }
            #expect(throws: Never.self) { _ = try database?.read { $0.table(Account.self).count } }
            #expect(failure.description.hasSuffix("failed: \(failure.error)"))
            texts.withLock { $0.append("\(failure.reducer ?? "nil"): \(failure.error)") }
        }

        func take() -> [String] {
            texts.withLock { texts in
                defer { texts = [] }
                return texts
            }
        }
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
