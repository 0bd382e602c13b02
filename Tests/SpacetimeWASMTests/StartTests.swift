import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeWASM

/// What modules do while they are started, and what is told of it.
@Suite(.needsWasmtime) struct StartTests {
    private static let identity = #"(import "spacetime_10.0" "identity" (func $identity (param i32)))"#

    private func refusal(_ module: TextModule) -> DatabaseError? {
        #expect(throws: DatabaseError.self) { try module.module() }
    }

    /// A start section runs before the host can know the memory, whatever that of an instance before was.
    @Test func aStartSectionThatHandsPointersToTheHostIsRefused() throws {
        for call in [
            "(call $identity (i32.const 64))", "(drop (call $console_timer_start (i32.const 32) (i32.const 4)))",
            "(drop (call $bytes_sink_write (i32.const 1) (i32.const 32) (i32.const 64)))",
            "(drop (call $procedure_start_mut_tx (i32.const 64)))",
        ] {
            var module = TextModule()
            module.imports = [Self.identity]
            module.fields = "(func $begin \(call)) (start $begin)"
            // There is no sink yet, which is a number for the guest.
            if call.contains("sink") {
                _ = try module.module()
            } else {
                #expect(refusal(module)?.message.contains("in the module's start section") == true)
            }
        }
    }

    @Test func aStartSectionRunsAgainAfterATrap() throws {
        var module = TextModule(reducers: [
            .init(name: "good", body: "(call $insert (i64.const 1) (i32.const 1))"),
            .init(name: "bad", body: "(unreachable)"),
        ])
        // Lines that cannot be written are left out.
        module.fields = "(func $begin (call $log (i32.const 32) (i32.const 4))) (start $begin)"
        let db = try Database.open(.inMemory, module: module.module())
        for _ in 0..<3 {
            #expect(throws: DatabaseError.self) { try db.call("bad", arguments: []) }
            try db.call("good", arguments: [])
            try db.sql("DELETE FROM item")
        }
    }

    @Test func whatAModuleSaysWhileItStartsIsInTheErrorThatRefusesIt() throws {
        var module = TextModule()
        module.fields = "(data (i32.const 3000) \"no such colour: mauve\")"
        let says = "(call $log (i32.const 3000) (i32.const 21))"
        module.start = says + "(unreachable)"
        #expect(refusal(module)?.message.contains("it says: no such colour: mauve") == true)
        // It describes itself by nothing.
        module.start = says + "(return)"
        #expect(refusal(module)?.message.contains("by nothing\n    it says: no such colour: mauve") == true)
        module.start =
            says + """
                (i32.store (i32.const 3100) (i32.const 21))
                (drop (call $bytes_sink_write (local.get $sink) (i32.const 3000) (i32.const 3100)))
                """
        #expect(refusal(module)?.message.contains("no definition") == true)
        #expect(refusal(module)?.message.contains("it says: no such colour: mauve") == true)
    }

    /// It starts while nobody knows whose database it will be, and describes itself; in a database it traps.
    private static var startsNowhere: TextModule {
        var module = TextModule(reducers: [.init(name: "good", body: "(call $insert (i64.const 1) (i32.const 1))")])
        module.imports = [identity]
        module.fields = """
            (data (i32.const 3000) "not here")
            (func (export "_initialize")
              (call $identity (i32.const 4096))
              (if (i64.ne (i64.load (i32.const 4096)) (i64.const 0)) (then
                (call $log (i32.const 3000) (i32.const 8)) unreachable)))
            """
        return module
    }

    @Test func noDatabaseIsMadeForAModuleThatDoesNotStartInIt() throws {
        let module = try Self.startsNowhere.module()
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.message.contains("it says: not here") == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [true, false]) func noDatabaseGetsAModuleThatDoesNotStartInIt(isRehearsed: Bool) throws {
        let good = TextModule(reducers: [.init(name: "good", body: "(call $insert (i64.const 2) (i32.const 1))")])
        let db = try Database.open(.inMemory, module: good.module())
        let program = ModuleProgram(.webAssembly, [0])
        let options = OpeningOptions(name: "any")
        let refused = try ModuleUpdate(
            of: db.core, to: Self.startsNowhere.module().makeHost(), program: program, options: options)
        let error = #expect(throws: DatabaseError.self) {
            if isRehearsed { try refused.rehearse() }
            try refused.prepare(mayBreakClients: true)
        }
        #expect(error?.message.contains("it says: not here") == true, "\(error?.message ?? "")")
        refused.abandon()
        // What it was goes on, and may become another module still.
        try db.call("good", arguments: [])
        let better = TextModule(reducers: [.init(name: "good", body: "(call $insert (i64.const 3) (i32.const 1))")])
        let update = try ModuleUpdate(
            of: db.core, to: better.module().makeHost(), program: program, options: options)
        try update.rehearse()
        try update.prepare(mayBreakClients: true)
        let core = try update.commit { _ in }.core
        try core.runner.call(0, arguments: [], as: core.owner)
    }

    @Test func whatOnlyRunningCallsMayDoIsRefusedWhileAModuleStarts() throws {
        for (call, word) in [
            (
                """
                (call $volatile_nonatomic_schedule_immediate (i32.const 32) (i32.const 4) (i32.const 32) (i32.const 0))
                """, "once the module has been started only"
            ),
            ("(drop (call $procedure_start_mut_tx (i32.const 64)))", "only procedures and handlers"),
            ("(drop (call $procedure_sleep_until (i64.const 0)))", "only procedures and handlers"),
        ] {
            var module = TextModule()
            module.imports = [
                #"(import "spacetime_10.0" "volatile_nonatomic_schedule_immediate" "#
                    + "(func $volatile_nonatomic_schedule_immediate (param i32 i32 i32 i32)))"
            ]
            module.fields = "(func (export \"__preinit__1\") \(call))"
            #expect(refusal(module)?.message.contains(word) == true)
        }
    }

    /// Names are bytes: those that only look the same are several, in the order of their bytes.
    @Test func initializersAreToldApartByTheirBytes() throws {
        var module = TextModule(reducers: [.init(name: "good", body: "(i32.const 0)")])
        module.fields = """
            (data (i32.const 3000) "one two thr")
            (func (export "__preinit__e\\cc\\81") (call $log (i32.const 3000) (i32.const 3)))
            (func (export "__preinit__\\c3\\a9") (call $log (i32.const 3004) (i32.const 3)))
            (func (export "__preinit__\\cc\\81") (call $log (i32.const 3008) (i32.const 3)))
            """
        let db = try Database.open(.inMemory, module: module.module())
        try db.call("good", arguments: [])
        #expect(db.log.last().filter { $0.function == "good" }.map(\.message) == ["one", "two", "thr"])
    }

    @Test func longNamesOfFunctionsAreCut() throws {
        var module = TextModule(reducers: [.init(name: "bad", body: "(call $\(String(repeating: "n", count: 90_000)))")]
        )
        module.fields = "(func $\(String(repeating: "n", count: 90_000)) (result i32) (unreachable))"
        let db = try Database.open(.inMemory, module: module.module())
        #expect(throws: DatabaseError.self) { try db.call("bad", arguments: []) }
        let line = try #require(db.log.last().last { $0.level == .panic })
        #expect(line.trace.first?.function == String(repeating: "n", count: 1_024))
    }

    /// A tree, say: arguments are checked against types that lead back to themselves.
    @Test func argumentsMayBeOfTypesThatContainThemselves() throws {
        let tree = AlgebraicType.product([("children", .array(.ref(1)))])
        var module = TextModule(reducers: [
            .init(name: "plant", parameters: [("tree", .ref(1))], body: "(call $insert (i64.const 1) (i32.const 1))")
        ])
        module.types = [("Tree", tree)]
        let db = try Database.open(.inMemory, module: module.module())
        let leaf = UInt32(0).bsatn()
        try db.call("plant", arguments: UInt32(2).bsatn() + leaf + UInt32(1).bsatn() + leaf)
        #expect(try Array(db.sql("SELECT * FROM item")).count == 1)
        let deep = Array(repeatElement(UInt32(1).bsatn(), count: 100_000).joined()) + leaf
        for wrong in [UInt32(2).bsatn() + leaf, leaf + leaf, deep] {
            let error = #expect(throws: DatabaseError.self) { try db.call("plant", arguments: wrong) }
            #expect(error?.code == .badArguments)
        }
    }

    /// Calls that beget several of their kind: no more wait than may, and others get their turn.
    @Test(.timeLimit(.minutes(10))) func reducersThatAskForMoreOfThemselvesFillNoMemory() async throws {
        var module = TextModule(reducers: [
            .init(
                name: "bomb",
                body: """
                    (local $count i32)
                    (loop $again
                      (call $soon (i32.const 3000) (i32.const 4) (i32.const 3000) (i32.const 0))
                      (local.set $count (i32.add (local.get $count) (i32.const 1)))
                      (br_if $again (i32.lt_u (local.get $count) (i32.const 1000))))
                    (i32.const 0)
                    """),
            .init(name: "good", body: "(call $insert (i64.const 1) (i32.const 1))"),
        ])
        module.imports = [
            #"(import "spacetime_10.0" "volatile_nonatomic_schedule_immediate" "#
                + "(func $soon (param i32 i32 i32 i32)))"
        ]
        module.fields = "(data (i32.const 3000) \"bomb\")"
        let db = try await Database.open(.inMemory, module: module.module())
        var made = 0
        while true {
            do { try await db.call("bomb", arguments: []) } catch let error as DatabaseError {
                #expect(error.code == .limitReached)
                break
            }
            made += 1
        }
        #expect(made > 0)
        try await db.call("good", arguments: [])
        try await db.close()
    }
}
