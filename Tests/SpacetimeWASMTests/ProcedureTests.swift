import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeWASM

/// Procedures and views of guests, and what becomes of them when they are stopped.
@Suite(.needsWasmtime) struct ProcedureTests {
    private static let giveOne = "(call $give (local.get $sink) (i32.const 1)) (i32.const 0)"

    private static let insertAndCommit = """
        (drop (call $procedure_start_mut_tx (i32.const 4096)))
        (drop (call $insert (i64.const 1) (i32.const 1)))
        (drop (call $procedure_commit_mut_tx))
        """

    private func open(
        _ procedures: [TextModule.Function], views: [TextModule.Function] = [], fields: String = "",
        options: DatabaseOptions = DatabaseOptions(), _ change: (inout WASMOptions) -> Void = { _ in }
    ) async throws -> Database<DynamicModule> {
        var module = TextModule(procedures: procedures, views: views)
        module.reducers = [.init(name: "good", body: "(call $insert (i64.const 9) (i32.const 10))")]
        module.fields = fields
        return try await Database.open(.inMemory, module: module.module(change), options: options)
    }

    private func ids(_ db: Database<DynamicModule>) async throws -> [UInt64] {
        try await db.sql("SELECT id FROM item").values(of: "id", as: UInt64.self).sorted()
    }

    /// Waits until so many procedures have begun, and all of them sleep.
    private func sleeping(_ count: Int, in db: Database<DynamicModule>) async {
        while db.core.procedures.runningCount < count { await Task.yield() }
        await db.core.procedures.settle()
    }

    @Test func aProcedureMakesTransactionsAndReturnsItsResult() async throws {
        let db = try await open([
            .init(
                name: "work",
                body: Self.insertAndCommit
                    + "(call $give (local.get $sink) (i32.const 42)) (i32.const 0)"
            )
        ])
        #expect(try await db.callProcedure("work", arguments: []) == UInt32(42).bsatn())
        #expect(try await ids(db) == [1])
    }

    @Test func aProcedureThatTrapsKeepsWhatItCommittedAndNothingElse() async throws {
        let db = try await open([
            .init(
                name: "work",
                body: Self.insertAndCommit + """
                    (drop (call $procedure_start_mut_tx (i32.const 4096)))
                    (drop (call $insert (i64.const 2) (i32.const 1)))
                    (unreachable)
                    """)
        ])
        let error = await #expect(throws: DatabaseError.self) { try await db.callProcedure("work", arguments: []) }
        #expect(error?.code == .moduleFailure)
        #expect(try await ids(db) == [1])
        // The lock was given back.
        try await db.call("good", arguments: [])
        #expect(db.log.last().contains { $0.level == .panic && $0.function == "work" })
    }

    @Test func aTransactionThatIsLeftOpenIsUndone() async throws {
        let db = try await open([
            .init(
                name: "work",
                body: """
                    (drop (call $procedure_start_mut_tx (i32.const 4096)))
                    (drop (call $insert (i64.const 2) (i32.const 1)))
                    (call $give (local.get $sink) (i32.const 1)) (i32.const 0)
                    """)
        ])
        _ = try await db.callProcedure("work", arguments: [])
        #expect(try await ids(db) == [])
        #expect(db.log.last().contains { $0.message.contains("transaction open") })
    }

    @Test func transactionsHaveTheirNumbers() async throws {
        func requires(_ call: String, _ number: Int) -> String {
            "(if (i32.ne \(call) (i32.const \(number))) (then unreachable))"
        }
        let db = try await open([
            .init(
                name: "work",
                body: [
                    requires("(call $procedure_commit_mut_tx)", 18), requires("(call $procedure_abort_mut_tx)", 18),
                    requires("(call $insert (i64.const 1) (i32.const 1))", 2),
                    requires("(call $procedure_start_mut_tx (i32.const 4096))", 0),
                    requires("(call $procedure_start_mut_tx (i32.const 4096))", 17),
                    requires("(call $insert (i64.const 1) (i32.const 1))", 0),
                    requires("(call $procedure_abort_mut_tx)", 0), requires("(call $procedure_abort_mut_tx)", 18),
                    "(call $give (local.get $sink) (i32.const 1)) (i32.const 0)",
                ].joined(separator: "\n"))
        ])
        _ = try await db.callProcedure("work", arguments: [])
        #expect(try await ids(db) == [])
    }

    @Test func sleepingFollowsTheClockAndCountsForNothing() async throws {
        var options = DatabaseOptions()
        let clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: 1_000_000))
        options.clock = clock
        let db = try await open(
            [
                .init(
                    name: "work",
                    body: """
                        (call $give (local.get $sink)
                          (i32.wrap_i64 (call $procedure_sleep_until (i64.const 61000000)))) (i32.const 0)
                        """)
            ], options: options)
        let call = Task { try await db.callProcedure("work", arguments: []) }
        await sleeping(1, in: db)
        clock.advance(by: .seconds(60))
        #expect(try await call.value == UInt32(61_000_000).bsatn())
    }

    @Test func cancellingWakesAProcedureThatSleeps() async throws {
        let db = try await open([
            .init(
                name: "work",
                body: "(drop (call $procedure_sleep_until (i64.const 0x7fffffffffffffff))) (i32.const 0)")
        ])
        let call = Task { try await db.callProcedure("work", arguments: []) }
        await sleeping(1, in: db)
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
    }

    @Test func anEndlessProcedureIsStopped() async throws {
        let db = try await open([.init(name: "work", body: "(loop $again (br $again)) (i32.const 0)")]) {
            $0.limits.callDuration = .milliseconds(60)
        }
        let error = await #expect(throws: DatabaseError.self) { try await db.callProcedure("work", arguments: []) }
        #expect(error?.message.contains("the limit of a call") == true)
    }

    @Test func moreProceduresThanTheLimitAreRefused() async throws {
        let db = try await open([
            .init(
                name: "work",
                body: "(drop (call $procedure_sleep_until (i64.const 0x7fffffffffffffff))) (i32.const 0)")
        ]) { $0.limits.procedureLimit = 2 }
        let calls = (0..<2).map { _ in Task { try await db.callProcedure("work", arguments: []) } }
        await sleeping(2, in: db)
        let error = await #expect(throws: DatabaseError.self) { try await db.callProcedure("work", arguments: []) }
        #expect(error?.code == .limitReached)
        for call in calls { call.cancel() }
        for call in calls { _ = await call.result }
    }

    @Test func eachTransactionOfAProcedureMayWriteAsMuch() async throws {
        let db = try await open([.init(name: "work", body: Self.insertAndCommit + Self.insertAndCommit + Self.giveOne)])
        {
            $0.limits.writtenByteLimit = 76
        }
        #expect(try await db.callProcedure("work", arguments: []) == UInt32(1).bsatn())
    }

    @Test func aResultThatIsNoneIsTheModulesFault() async throws {
        let db = try await open([
            .init(name: "nothing", body: "(i32.const 0)"),
            .init(name: "half", body: "(i32.store (i32.const 4096) (i32.const 2)) " + Self.write + " (i32.const 0)"),
            .init(name: "twice", body: "(i32.store (i32.const 4096) (i32.const 8)) " + Self.write + " (i32.const 0)"),
        ])
        for name in ["nothing", "half", "twice"] {
            let error = await #expect(throws: DatabaseError.self) { try await db.callProcedure(name, arguments: []) }
            #expect(error?.code == .moduleFailure)
            #expect(
                error?.message.contains("the procedure '\(name)' returned bytes that are not what it returns") == true)
            #expect(db.log.last().contains { $0.level == .error && $0.message.contains("'\(name)' failed") })
        }
    }

    private static let write =
        "(drop (call $bytes_sink_write (local.get $sink) (i32.const 4000) (i32.const 4096)))"

    @Test func reducersMayNotWait() async throws {
        var module = TextModule()
        module.reducers = [
            .init(name: "wait", body: "(drop (call $procedure_sleep_until (i64.const 1))) (i32.const 0)"),
            .init(name: "begin", body: "(call $procedure_start_mut_tx (i32.const 4096))"),
            .init(
                name: "commit",
                body: """
                    (if (i32.ne (call $procedure_commit_mut_tx) (i32.const 18)) (then unreachable)) (i32.const 0)
                    """),
        ]
        let db = try await Database.open(.inMemory, module: module.module())
        for (name, word) in [("wait", "may wait"), ("begin", "returned 17")] {
            let error = await #expect(throws: DatabaseError.self) { try await db.call(name, arguments: []) }
            #expect(error?.message.contains(word) == true)
        }
        try await db.call("commit", arguments: [])
    }

    // MARK: Views

    private static let allRows = TextModule.Function(
        name: "all_items",
        body: """
            (local $count i32)
            (drop (call $datastore_table_scan_bsatn (call $table) (i32.const 4096)))
            (i32.store (i32.const 4100) (i32.const 4000))
            (drop (call $row_iter_bsatn_advance (i32.load (i32.const 4096)) (i32.const 5004) (i32.const 4100)))
            (i32.store (i32.const 5000) (i32.div_u (i32.load (i32.const 4100)) (i32.const 12)))
            (i32.store (i32.const 4100) (i32.add (i32.load (i32.const 4100)) (i32.const 4)))
            (drop (call $bytes_sink_write (local.get $sink) (i32.const 5000) (i32.const 4100)))
            (i32.const 0)
            """)

    @Test func aViewIsEvaluatedWhileAProcedureCommits() async throws {
        let db = try await open(
            [
                .init(
                    name: "work",
                    body: Self.insertAndCommit + Self.giveOne)
            ],
            views: [Self.allRows])
        #expect(try await db.sql("SELECT * FROM all_items").count == 0)
        _ = try await db.callProcedure("work", arguments: [])
        #expect(try await db.sql("SELECT * FROM all_items").count == 1)
        try await db.call("good", arguments: [])
        #expect(try await db.sql("SELECT * FROM all_items").count == 2)
    }

    @Test func aViewThatTrapsUndoesWhatItWasEvaluatedFor() async throws {
        let trap = TextModule.Function(name: "bad_view", body: "(unreachable)")
        let db = try await open([], views: [trap])
        let error = await #expect(throws: DatabaseError.self) { try await db.sql("SELECT * FROM bad_view") }
        #expect(error?.code == .moduleFailure)
        #expect(db.log.last().contains { $0.level == .panic && $0.function == "bad_view" })
        try await db.call("good", arguments: [])
    }

    @Test func aViewCannotWrite() async throws {
        let writing = TextModule.Function(
            name: "writing",
            body: """
                (if (i32.ne (call $insert (i64.const 5) (i32.const 5)) (i32.const 19)) (then unreachable))
                (i32.store (i32.const 5000) (i32.const 0))
                (i32.store (i32.const 4100) (i32.const 4))
                (drop (call $bytes_sink_write (local.get $sink) (i32.const 5000) (i32.const 4100)))
                (i32.const 0)
                """)
        let db = try await open([], views: [writing])
        #expect(try await db.sql("SELECT * FROM writing").count == 0)
        #expect(try await ids(db) == [])
    }
}
