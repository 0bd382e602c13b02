import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTestSupport
import SpacetimeTesting
import Testing

@testable import SpacetimeWASM

/// What a guest has the host keep, copy or write is bounded, by limits that do not hit those who have done nothing.
@Suite(.needsWasmtime) struct HostBoundsTests {
    private static let callSoon =
        #"(import "spacetime_10.0" "volatile_nonatomic_schedule_immediate" (func $soon (param i32 i32 i32 i32)))"#
    private static let send =
        #"(import "spacetime_10.3" "procedure_http_request" (func $send (param i32 i32 i32 i32 i32) (result i32)))"#

    private func stopped(_ body: () async throws -> Void) async -> String {
        let error = await #expect(throws: DatabaseError.self) { try await body() }
        #expect(error?.code == .moduleFailure)
        return error?.message ?? ""
    }

    // MARK: The log

    @Test func linesAboutCallsOfNoReducerCountAsTheCallsOwn() throws {
        var module = TextModule(imports: [Self.callSoon])
        module.fields = "(global $calls (mut i32) (i32.const 0))"
        module.reducers = [
            .init(
                name: "flood",
                body: """
                    (loop $again
                      (call $soon (i32.const 32) (i32.const 4) (i32.const 0x1000) (i32.const 0))
                      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                      (br_if $again (i32.lt_u (global.get $calls) (i32.const 1000))))
                    (i32.const 0)
                    """)
        ]
        let db = try Database.open(.inMemory, module: module.module { $0.limits.logByteLimit = 1_000 })
        try db.call("flood", arguments: [])
        let lines = db.log.last().filter { $0.message.contains("'item', which is no reducer") }
        #expect(!lines.isEmpty && lines.count < 20)
        #expect(lines.allSatisfy { $0.level == .error && $0.function == "flood" })
        #expect(db.log.last().contains { $0.message.contains("what follows is left out") })
    }

    // MARK: Copies

    @Test func namesThatNothingCanHaveStopTheGuest() async throws {
        for call in [
            "(drop (call $table_id_from_name (i32.const 4096) (i32.const 65537) (i32.const 100)))",
            "(drop (call $index_id_from_name (i32.const 4096) (i32.const 65537) (i32.const 100)))",
            "(call $soon (i32.const 4096) (i32.const 65537) (i32.const 4096) (i32.const 0))",
        ] {
            var module = TextModule(imports: [Self.callSoon])
            module.reducers = [.init(name: "bad", body: "\(call) (i32.const 0)")]
            let db = try await Database.open(.inMemory, module: module.module())
            let message = await stopped { try await db.call("bad", arguments: []) }
            #expect(message.contains("a name of 65537 bytes was handed to the host"), "\(message)")
        }
    }

    @Test func aRequestThatIsTooLongIsNotCopied() async throws {
        var module = TextModule(imports: [Self.send])
        module.memory = "(memory (export \"memory\") 300)"
        module.procedures = [
            .init(
                name: "ask",
                body:
                    "(drop (call $send (i32.const 4096) (i32.const 16777217) (i32.const 4096) (i32.const 1) (i32.const 200)))"
                    + "(i32.const 0)")
        ]
        let db = try await Database.open(.inMemory, module: module.module())
        let message = await stopped { _ = try await db.callProcedure("ask", arguments: []) }
        #expect(message.contains("16777217 bytes were handed to the host"), "\(message)")
    }

    // MARK: Sources

    /// Sends a request again and again; `each` is done with the answer.
    private func asking(_ each: String) -> TextModule {
        let request: [UInt8] = [0] + UInt32(0).bsatn() + [1] + "http://there.example/".bsatn() + [2]
        let bytes = request.map { "\\" + Hexadecimal.text([$0]) }.joined()
        var module = TextModule(imports: [Self.send])
        module.fields = """
            (data (i32.const 3000) "\(bytes)") (global $count (mut i32) (i32.const 0))
            (func $skip (param $source i32)
              (i32.store (i32.const 4092) (i32.const 8192))
              (drop (call $bytes_source_read (local.get $source) (i32.const 4096) (i32.const 4092))))
            """
        module.procedures = [
            .init(
                name: "ask", parameters: [("times", .u32)],
                body: """
                    (i32.store (i32.const 220) (i32.const 4))
                    (drop (call $bytes_source_read (local.get $source) (i32.const 216) (i32.const 220)))
                    (global.set $count (i32.load (i32.const 216)))
                    (loop $again
                      (if (i32.ne (i32.const 0) (call $send (i32.const 3000) (i32.const \(request.count))
                        (i32.const 4096) (i32.const 1) (i32.const 200))) (then unreachable))
                      \(each)
                      (global.set $count (i32.sub (global.get $count) (i32.const 1)))
                      (br_if $again (global.get $count)))
                    (call $give (local.get $sink) (i32.const 1)) (i32.const 0)
                    """)
        ]
        return module
    }

    private func open(
        _ module: TextModule, _ change: (inout WASMLimits) -> Void
    ) async throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.http = StubHTTP { _ in HTTP.Response(status: 200, body: [UInt8](repeating: 7, count: 1_000)) }
        return try await Database.open(.inMemory, module: module.module { change(&$0.limits) }, options: options)
    }

    @Test func answersThatAreLeftUnreadHaveALimit() async throws {
        let few = try await open(asking("")) { $0.openScanLimit = 9 }
        // An answer is two: its head and its body.
        _ = try await few.callProcedure("ask", arguments: UInt32(4).bsatn())
        let count = await stopped { _ = try await few.callProcedure("ask", arguments: UInt32(5).bsatn()) }
        #expect(count.contains("leaves 9 answers of the host unread"), "\(count)")

        let small = try await open(asking("")) { $0.unreadByteLimit = 3_500 }
        _ = try await small.callProcedure("ask", arguments: UInt32(3).bsatn())
        let bytes = await stopped { _ = try await small.callProcedure("ask", arguments: UInt32(4).bsatn()) }
        #expect(bytes.contains("answers of the host unread"), "\(bytes)")

        // Who reads them may have as many as it likes, and their numbers come again.
        let read = "(call $skip (i32.load (i32.const 200))) (call $skip (i32.load (i32.const 204)))"
        let reading = try await open(asking(read)) {
            $0.openScanLimit = 2
            $0.unreadByteLimit = 3_500
        }
        _ = try await reading.callProcedure("ask", arguments: UInt32(100).bsatn())
    }

    /// What a call begins with the guest has not asked for.
    @Test func whatACallBeginsWithCountsForNoLimit() async throws {
        var module = TextModule(procedures: [
            .init(
                name: "take", parameters: [("bytes", .array(.u8))],
                body: "(call $give (local.get $sink) (i32.const 1)) (i32.const 0)")
        ])
        module.handlers = [.init(name: "web", body: "(i32.const 0)")]
        let db = try await open(module) {
            $0.openScanLimit = 0
            $0.unreadByteLimit = 0
        }
        let arguments = [UInt8](repeating: 1, count: 10_000).bsatn()
        for _ in 0..<3 { #expect(try await db.callProcedure("take", arguments: arguments) == UInt32(1).bsatn()) }
        let response = await db.core.handle(HTTP.Request(.post, "http://host.example/web", body: arguments))
        #expect(response.status == 200)
    }

    // MARK: Scans

    /// A table that is written while scans of it are open is copied for each of them.
    @Test(arguments: [false, true]) func whatOpenScansCopyHasALimit(ofPoints: Bool) async throws {
        var module = TextModule(imports: [
            #"(import "spacetime_10.4" "datastore_index_scan_point_bsatn" "#
                + "(func $point (param i32 i32 i32 i32) (result i32)))"
        ])
        let open =
            ofPoints
            ? "(i64.store (i32.const 4104) (i64.const 1)) "
                + "(drop (call $point (call $index) (i32.const 4104) (i32.const 8) (i32.const 4096)))"
            : "(drop (call $datastore_table_scan_bsatn (call $table) (i32.const 4096)))"
        let advance = """
            (i32.store (i32.const 4100) (i32.const 8192))
            (drop (call $row_iter_bsatn_advance (i32.load (i32.const 4096)) (i32.const 8192) (i32.const 4100)))
            """
        func opening(_ count: Int) -> String { String(repeating: open, count: count) }
        let write = "(drop (call $insert (i64.const 100) (i32.const 1)))"
        module.reducers = [
            .init(
                name: "fill",
                body: (1...3).map { "(drop (call $insert (i64.const \($0)) (i32.const 1)))" }.joined() + "(i32.const 0)"
            ),
            .init(name: "few", body: opening(2) + write + advance + "(i32.const 0)"),
            // The first one is copied last.
            .init(
                name: "many",
                body: opening(200) + write + "(i32.store (i32.const 4096) (i32.const 1))" + advance + "(i32.const 0)"),
            .init(
                name: "closing",
                body: """
                    (local $left i32) (local.set $left (i32.const 10))
                    (loop $again
                      \(open)
                      (drop (call $insert (i64.extend_i32_u (i32.add (local.get $left) (i32.const 100))) (i32.const 1)))
                      (drop (call $row_iter_bsatn_close (i32.load (i32.const 4096))))
                      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
                    (i32.const 0)
                    """),
        ]
        // A row has 12 bytes, and is counted with 76 when it is written, and with 20 when it is copied for a scan of several.
        let db = try await self.open(module) { $0.writtenByteLimit = 1_000 }
        try await db.call("fill", arguments: [])
        try await db.call("few", arguments: [])
        try await db.sql("DELETE FROM item WHERE id = 100")
        let message = await stopped { try await db.call("many", arguments: []) }
        #expect(message.contains("while scans of them are open"), "\(message)")
        #expect(try await db.sql("SELECT id FROM item").count == 3)
        // What is closed counts no more.
        try await db.call("closing", arguments: [])
        try await db.call("few", arguments: [])
        #expect(try await db.sql("SELECT id FROM item").count == 14)
    }

    // MARK: Any number

    /// A limit is whatever a program sets it to: the largest number for none, a negative one that was computed.
    @Test(arguments: [Int.min, -1, 0, 1, .max]) func limitsMayBeAnyNumber(number: Int) async throws {
        var module = asking("")
        module.reducers = [.init(name: "write", body: "(call $insert (i64.const 1) (i32.const 1))")]
        let db = try await open(module) { limits in
            limits.openScanLimit = number
            limits.unreadByteLimit = number
            limits.timerLimit = number
            limits.writtenByteLimit = number
            limits.logByteLimit = number
            limits.immediateCallLimit = number
        }
        if number == .max {
            _ = try await db.callProcedure("ask", arguments: UInt32(3).bsatn())
            try await db.call("write", arguments: [])
        } else {
            _ = await stopped { _ = try await db.callProcedure("ask", arguments: UInt32(3).bsatn()) }
            #expect(await stopped { try await db.call("write", arguments: []) }.contains("writtenByteLimit"))
        }
        let none = try await open(asking("")) { $0.procedureLimit = number }
        if number > 0 {
            _ = try await none.callProcedure("ask", arguments: UInt32(1).bsatn())
        } else {
            let error = await #expect(throws: DatabaseError.self) {
                _ = try await none.callProcedure("ask", arguments: UInt32(1).bsatn())
            }
            #expect(error?.code == .limitReached)
        }
    }

    // MARK: WASI

    /// Nothing stops a guest while the host works for it, so what it can ask for at once is bounded.
    @Test func whatIsPrintedAtOnceIsBounded() async throws {
        var module = TextModule(imports: [
            #"(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))"#,
            #"(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))"#,
        ])
        module.memory = "(memory (export \"memory\") 300)"
        // 2,000 buffers, all of which are the same bytes.
        module.fields = """
            (func $print (param $length i32) (result i32) (local $place i32)
              (local.set $place (i32.const 65536))
              (loop $again
                (i32.store (local.get $place) (i32.const 65536))
                (i32.store offset=4 (local.get $place) (local.get $length))
                (local.set $place (i32.add (local.get $place) (i32.const 8)))
                (br_if $again (i32.lt_u (local.get $place) (i32.const 81536))))
              (drop (call $write (i32.const 1) (i32.const 65536) (i32.const 2000) (i32.const 4096)))
              (call $insert (i64.load32_u (i32.const 4096)) (i32.const 0)))
            """
        module.reducers = [
            .init(name: "many", body: "(call $print (i32.const 3))"),
            .init(name: "much", body: "(call $print (i32.const 1048576))"),
            .init(name: "random", body: "(call $random (i32.const 4096) (i32.const 16777217))"),
        ]
        let db = try await open(module) { $0.logByteLimit = .max }
        try await db.call("many", arguments: [])
        try await db.call("much", arguments: [])
        let counts = try await db.sql("SELECT id FROM item").values(of: "id", as: UInt64.self)
        #expect(counts.sorted() == [3 * 1_024, 16 << 20])
        let message = await stopped { try await db.call("random", arguments: []) }
        #expect(message.contains("16777217 bytes were handed to the host"), "\(message)")
    }

    // MARK: The start

    /// Each call of a module that does not start for its database starts it again.
    @Test func whatAModuleSaysThatDoesNotStartIsNotGathered() throws {
        var module = TextModule(imports: [
            #"(import "spacetime_10.0" "identity" (func $identity (param i32)))"#
        ])
        module.fields = """
            (func (export "_initialize")
              (call $identity (i32.const 4096))
              (if (i64.ne (i64.load (i32.const 4096)) (i64.const 0)) (then
                (call $log (i32.const 32) (i32.const 4)) unreachable)))
            """
        let guest = try Guest(module.module().program, identity: Identity(issuer: "here", subject: "somebody"))
        for _ in 0..<3 {
            let error = #expect(throws: DatabaseError.self) { try guest.start() }
            #expect(error?.message.split(separator: "it says: item", omittingEmptySubsequences: false).count == 2)
        }
        #expect(guest.state.earlyLines.count == 1)
    }

    /// A guest for procedures is started when the first procedure is called. Its setup is not part of that call.
    @Test func whatAModuleSetsItselfUpWithIsNotPartOfTheCallThatItIsStartedFor() async throws {
        for call in [
            "(drop (call $procedure_start_mut_tx (i32.const 4096)))",
            "(drop (call $procedure_sleep_until (i64.const 1)))",
        ] {
            var module = TextModule(imports: [
                #"(import "spacetime_10.0" "identity" (func $identity (param i32)))"#
            ])
            module.procedures = [
                .init(name: "work", body: "(call $give (local.get $sink) (i32.const 1)) (i32.const 0)")
            ]
            let directory = try TemporaryDirectory()
            let first = try await Database.open(at: directory.path, module: module.module())
            try await first.close()
            // It behaves as long as it does not know whose it is; but no database would be made for it.
            module.fields = """
                (func (export "_initialize")
                  (call $identity (i32.const 4096))
                  (if (i64.ne (i64.load (i32.const 4096)) (i64.const 0)) (then \(call))))
                """
            let db = try await Database.open(at: directory.path, module: module.module())
            let error = await #expect(throws: DatabaseError.self) {
                _ = try await db.callProcedure("work", arguments: [])
            }
            #expect(error?.code == .invalidModule)
            #expect(error?.message.contains("only procedures and handlers") == true, "\(error?.message ?? "")")
            #expect(try await db.sql("SELECT id FROM item").count == 0)
            try await db.close()
        }
    }

    @Test func whatAModuleSaysWhenItDoesNotStartIsCut() {
        var long = TextModule()
        long.fields = """
            (func (export "__setup__") (param $sink i32) (result i32)
              (i32.store (i32.const 4096) (i32.const 60000))
              (drop (call $bytes_sink_write (local.get $sink) (i32.const 4100) (i32.const 4096)))
              (i32.const 1))
            """
        var named = TextModule()
        named.fields = "(func (export \"__preinit__\(String(repeating: "n", count: 90_000))\") (unreachable))"
        var imported = TextModule()
        imported.imports = [
            #"(import "spacetime_10.0" "\#(String(repeating: "n", count: 90_000))" (func $unknown))"#
        ]
        for module in [long, named, imported] {
            let error = #expect(throws: DatabaseError.self) { try module.module() }
            let count = error?.message.utf8.count ?? 0
            #expect(count > 1_000 && count < 12_000)
            #expect(error?.message.contains("more bytes)") == true)
        }
    }

    /// As the specification of the interface has it, which makes no other of these names' types a matter of taste.
    @Test func anInitializerOfPlainToolchainsWithAnotherTypeIsPassedOver() throws {
        var module = TextModule()
        module.fields = "(func (export \"_initialize\") (param i32) (unreachable))"
        _ = try module.module()
    }
}
