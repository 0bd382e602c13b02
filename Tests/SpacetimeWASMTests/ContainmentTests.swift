import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeWASM

/// A guest that misbehaves is stopped, and nothing but its own call notices: the transaction is undone, the caller gets an
/// error, the log has where it happened, and the next call works.
@Suite(.needsWasmtime) struct ContainmentTests {
    /// A module whose reducer `bad` first inserts a row and then misbehaves, and whose reducer `good` inserts item 1.
    private func module(
        _ bad: String, imports: [String] = [], fields: String = "", memory: String? = nil
    ) -> TextModule {
        var module = TextModule(imports: imports)
        module.reducers = [
            .init(name: "good", body: "(call $insert (i64.const 1) (i32.const 10))"),
            .init(
                name: "bad",
                body: "(drop (call $insert (i64.const 666) (i32.const 1))) \(bad) (i32.const 0)"),
            .init(
                name: "calls",
                body: """
                    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                    (drop (call $insert (i64.extend_i32_u (global.get $calls)) (i32.const 0))) (i32.const 0)
                    """),
        ]
        module.fields = "(global $calls (mut i32) (i32.const 100)) " + fields
        if let memory { module.memory = memory }
        return module
    }

    private func open(
        _ module: TextModule, _ change: (inout WASMOptions) -> Void = { _ in }
    ) throws -> Database<DynamicModule> {
        try Database.open(.inMemory, module: module.module(change))
    }

    private func ids(_ db: Database<DynamicModule>) throws -> [UInt64] {
        try db.sql("SELECT id FROM item").values(of: "id", as: UInt64.self).sorted()
    }

    /// Calls `bad`, and checks all that has to be so afterwards.
    @discardableResult
    private func requireContained(
        _ db: Database<DynamicModule>, saying word: String, in function: String? = "reducer_bad"
    ) throws -> DatabaseError? {
        let error = #expect(throws: DatabaseError.self) { try db.call("bad", arguments: []) }
        #expect(error?.code == .moduleFailure)
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        #expect(try ids(db) == [], "the transaction was undone")
        let panic = db.log.last().last { $0.level == .panic }
        #expect(panic?.message.contains(word) == true)
        #expect(panic?.function == "bad")
        if let function {
            #expect(panic?.trace.contains { $0.function == function } == true, "\(panic?.trace ?? [])")
            #expect(panic?.trace.contains { $0.module == "test" } == true)
        }
        try db.call("good", arguments: [])
        #expect(try ids(db) == [1], "the next call works")
        return error
    }

    @Test func aTrapUndoesTheCallAndNothingElse() throws {
        try requireContained(open(module("(unreachable)")), saying: "unreachable")
    }

    @Test func aDivisionByZeroIsATrap() throws {
        let db = try open(
            module(
                "(drop (i32.div_u (i32.const 1) (global.get $zero)))", fields: "(global $zero i32 (i32.const 0))"))
        try requireContained(db, saying: "divide by zero")
    }

    @Test func aReadBeyondTheMemoryIsATrap() throws {
        try requireContained(open(module("(drop (i32.load (i32.const -4)))")), saying: "out of bounds memory access")
    }

    @Test func anIndirectCallOfNothingIsATrap() throws {
        let db = try open(
            module(
                "(call_indirect (type $nothing) (i32.const 3))", fields: "(type $nothing (func)) (table 8 funcref)"))
        try requireContained(db, saying: "uninitialized element")
    }

    @Test(.timeLimit(.minutes(10))) func anEndlessLoopIsStopped() throws {
        let db = try open(module("(loop $again (br $again))")) { $0.limits.callDuration = .milliseconds(60) }
        try requireContained(db, saying: "0.06 seconds, the limit of a call")
    }

    @Test func aCallBehindOthersOfTheSameTickIsStoppedAsWell() throws {
        let db = try open(module("(loop $again (br $again))")) { $0.limits.callDuration = .milliseconds(60) }
        for round in 0..<3 {
            // They have one deadline, which is set once. The guest that takes over has none yet.
            for _ in 0..<200 { try db.call("calls", arguments: []) }
            let error = #expect(throws: DatabaseError.self) { try db.call("bad", arguments: []) }
            #expect(error?.message.contains("the limit of a call") == true, "round \(round)")
            try db.sql("DELETE FROM item")
        }
    }

    @Test func endlessCallsOfTheHostAreStopped() throws {
        let db = try open(module("(loop $again (drop (call $count)) (br $again))")) {
            $0.limits.callDuration = .milliseconds(60)
        }
        try requireContained(db, saying: "the limit of a call")
    }

    @Test func aStackOverflowIsStopped() throws {
        let deep = """
            (func $deep (param i64) (result i64)
              (i64.add (local.get 0) (call $deep (i64.add (local.get 0) (i64.const 1)))))
            """
        let db = try open(module("(drop (call $deep (i64.const 1)))", fields: deep))
        try requireContained(db, saying: "call stack exhausted", in: "deep")
    }

    @Test func memoryDoesNotGrowBeyondItsLimit() throws {
        // Grows until that fails, says how large it became, and gives up.
        let bomb = """
            (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
            (drop (call $insert (i64.extend_i32_u (memory.size)) (i32.const 0)))
            """
        let db = try open(module(bomb)) { $0.limits.memoryByteLimit = 8 << 20 }
        try db.call("bad", arguments: [])
        let pages = try #require(try ids(db).first { $0 != 666 })
        #expect(pages <= 128 && pages > 96)
        let trapping = try open(module(bomb + "(unreachable)")) { $0.limits.memoryByteLimit = 8 << 20 }
        try requireContained(trapping, saying: "unreachable")
    }

    @Test func tablesDoNotGrowBeyondTheirLimit() throws {
        let db = try open(
            module(
                """
                (if (i32.ne (table.grow $functions (ref.null func) (i32.const 2000000)) (i32.const -1))
                  (then (drop (call $insert (i64.const 667) (i32.const 0)))))
                """, fields: "(table $functions 1 funcref)"))
        try db.call("bad", arguments: [])
        #expect(try ids(db) == [666])
    }

    @Test func aForgedIteratorIsANumberAndNoTrap() throws {
        for handle in [0, 1, 2, 77, -1] {
            let db = try open(
                module(
                    """
                    (i32.store (i32.const 4096) (i32.const 64))
                    (if (i32.ne (call $row_iter_bsatn_advance (i32.const \(handle)) (i32.const 5000) (i32.const 4096))
                      (i32.const 6)) (then unreachable))
                    (if (i32.ne (call $row_iter_bsatn_close (i32.const \(handle))) (i32.const 6)) (then unreachable))
                    """))
            try db.call("bad", arguments: [])
        }
    }

    @Test func iteratorsDoNotOutliveTheirTransaction() throws {
        var module = module("")
        module.reducers[1].body = """
            (drop (call $datastore_table_scan_bsatn (call $table) (i32.const 4096)))
            (global.set $calls (i32.load (i32.const 4096))) (i32.const 0)
            """
        module.reducers[2].body = """
            (i32.store (i32.const 4096) (i32.const 64))
            (if (i32.ne (call $row_iter_bsatn_advance (global.get $calls) (i32.const 5000) (i32.const 4096))
              (i32.const 6)) (then unreachable))
            (i32.const 0)
            """
        let db = try open(module)
        try db.call("good", arguments: [])
        try db.call("bad", arguments: [])
        try db.call("calls", arguments: [])
    }

    @Test func openScansHaveALimit() throws {
        let db = try open(
            module("(loop $again (drop (call $datastore_table_scan_bsatn (call $table) (i32.const 4096))) (br $again))")
        ) { $0.limits.openScanLimit = 50 }
        try requireContained(db, saying: "50 scans are open")
    }

    @Test func timersHaveALimit() throws {
        let db = try open(
            module("(loop $again (drop (call $console_timer_start (i32.const 32) (i32.const 4))) (br $again))")
        ) { $0.limits.timerLimit = 50 }
        try requireContained(db, saying: "50 timers run")
    }

    @Test func whatATransactionWritesHasALimit() throws {
        let endless = """
            (loop $again
              (drop (call $insert (i64.add (call $count) (i64.const 1000)) (i32.const 1)))
              (br $again))
            """
        // Two rows are counted with 76 bytes each.
        let db = try open(module(endless)) { $0.limits.writtenByteLimit = 2 * 76 }
        try requireContained(db, saying: "more than 152 bytes of rows in one transaction")
        let two = try open(module("(drop (call $insert (i64.const 2) (i32.const 1)))")) {
            $0.limits.writtenByteLimit = 2 * 76
        }
        // Each transaction begins anew.
        for _ in 0..<3 {
            try two.sql("DELETE FROM item")
            try two.call("bad", arguments: [])
        }
    }

    @Test func whatIsGivenBackHasALimit() throws {
        let db = try open(
            module(
                """
                (i32.store (i32.const 4096) (i32.const 65536))
                (loop $again
                  (drop (call $bytes_sink_write (local.get $sink) (i32.const 8192) (i32.const 4096))) (br $again))
                """)
        ) { $0.limits.resultByteLimit = 1 << 20 }
        try requireContained(db, saying: "more than 1048576 bytes")
    }

    @Test func theLogIsNotFlooded() throws {
        var module = module("(loop $again (call $log (i32.const 32) (i32.const 4)) (br $again))")
        module.reducers[0].body += "(call $log (i32.const 32) (i32.const 4))"
        let db = try open(module) {
            $0.limits.logByteLimit = 10_000
            $0.limits.callDuration = .milliseconds(60)
        }
        try requireContained(db, saying: "the limit of a call")
        let lines = db.log.last().filter { !$0.isOfHost }
        #expect(lines.count < 200)
        #expect(lines.contains { $0.level == .warn && $0.message.contains("what follows is left out") })
        // Each call has its own share.
        #expect(lines.last?.message == "item")
    }

    /// Each of the two lines is counted with 68 bytes.
    @Test(arguments: [(-1, 0, false), (0, 0, true), (68, 1, true), (135, 1, true), (136, 2, false)])
    func theLogsLimitIsExact(limit: Int, written: Int, isTold: Bool) throws {
        var module = module("")
        let line = "(call $log (i32.const 32) (i32.const 4))"
        module.reducers[0].body = line + line + "(i32.const 0)"
        let db = try open(module) { $0.limits.logByteLimit = limit }
        for round in 1...2 {
            try db.call("good", arguments: [])
            let lines = db.log.last().filter { !$0.isOfHost }
            #expect(lines.count { $0.message == "item" } == written * round)
            #expect(lines.count { $0.message.contains("what follows is left out") } == (isTold ? round : 0))
        }
    }

    @Test func itemsOfTheMemoryAreKeptWhileNothingTraps() throws {
        let db = try open(module("(unreachable)"))
        for _ in 0..<3 { try db.call("calls", arguments: []) }
        #expect(try ids(db) == [101, 102, 103])
        #expect(throws: DatabaseError.self) { try db.call("bad", arguments: []) }
        #expect(throws: Never.self) { try db.sql("DELETE FROM item") }
        try db.call("calls", arguments: [])
        #expect(try ids(db) == [101], "a new guest begins anew")
    }

    @Test func anErrorOfTheModulesOwnKeepsTheGuest() throws {
        var module = module("")
        module.reducers[1].body = """
            (drop (call $insert (i64.const 666) (i32.const 1)))
            (global.set $calls (i32.const 500))
            (i32.store (i32.const 4096) (i32.const 4))
            (drop (call $bytes_sink_write (local.get $sink) (i32.const 32) (i32.const 4096))) (i32.const 1)
            """
        let db = try open(module)
        #expect(throws: SenderError("item")) { try db.call("bad", arguments: []) }
        try db.call("calls", arguments: [])
        #expect(try ids(db) == [501])
    }

    @Test func anUnknownResultIsAnError() throws {
        var module = module("")
        module.reducers[1].body = "(drop (call $insert (i64.const 666) (i32.const 1))) (i32.const 7)"
        let db = try open(module)
        let error = #expect(throws: DatabaseError.self) { try db.call("bad", arguments: []) }
        #expect(error?.code == .moduleFailure && error?.message.contains("returned 7") == true)
        #expect(try ids(db) == [])
    }

    @Test func initThatTrapsLeavesNoDatabase() throws {
        var module = module("(unreachable)")
        module.lifecycle = [(.onInit, 1)]
        let error = #expect(throws: DatabaseError.self) { try open(module) }
        #expect(error?.code == .moduleFailure)
    }

    /// There is no log to look into.
    @Test func whyInitTrappedIsInTheError() throws {
        var module = module(
            "(call $log (i32.const 3000) (i32.const 21)) (unreachable)",
            fields: "(data (i32.const 3000) \"no such colour: mauve\")")
        module.lifecycle = [(.onInit, 1)]
        let error = #expect(throws: DatabaseError.self) { try open(module) }
        for part in ["could not be set up", "unreachable", "no such colour: mauve", "in reducer_bad"] {
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
    }

    @Test func otherDatabasesNoticeNothing() async throws {
        let compiled = try module("(loop $again (br $again))").module { $0.limits.callDuration = .seconds(2) }
        let stuck = try await Database.open(.inMemory, module: compiled)
        let free = try await Database.open(.inMemory, module: compiled)
        let call = Task { try await suspendingAside { try stuck.call("bad", arguments: []) } }
        // The other one runs the same code meanwhile.
        for _ in 0..<100 { try await free.call("calls", arguments: []) }
        #expect(try await free.sql("SELECT id FROM item").count == 100)
        let result = await call.result
        #expect(throws: DatabaseError.self) { try result.get() }
        try await free.call("good", arguments: [])
    }

    @Test func aCallFromTooSmallAStackIsRefused() throws {
        let db = try open(module(""))
        let outcome = Monitor<(any Error)?>(nil)
        let isDone = Monitor(false)
        let isStarted = startThreadIfPossible(stackByteCount: 256 << 10) {
            do { try db.call("good", arguments: []) } catch { outcome.withLock { $0 = error } }
            isDone.wake { $0 = true }
        }
        #expect(isStarted)
        isDone.wait { $0 }
        let error = outcome.withLock { $0 } as? DatabaseError
        #expect(error?.code == .moduleFailure && error?.message.contains("bytes of stack") == true)
        try db.call("good", arguments: [])
    }
}
