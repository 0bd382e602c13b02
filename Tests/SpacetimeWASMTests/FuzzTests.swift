import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import Testing

@testable import SpacetimeHost
@testable import SpacetimeKit
@testable import SpacetimeWASM

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Modules whose bytes were damaged, and calls of the host with any arguments: whatever they do, the program and the
/// database's rows stay sound.
///
/// `SPACETIME_WASM_FUZZ` says how many rounds there are, and `SPACETIME_WASM_SEED` with which seed they begin.
@Suite(.needsWasmtime) struct FuzzTests {
    private static func number(_ variable: String) -> UInt64? {
        getenv(variable).flatMap { UInt64(String(cString: $0)) }
    }

    private static let rounds = Int(number("SPACETIME_WASM_FUZZ") ?? 60)
    private static let seed = number("SPACETIME_WASM_SEED") ?? 1

    // MARK: Bytes

    private static var victim: TextModule {
        var module = TextModule()
        module.reducers = [
            .init(
                name: "add", parameters: [("id", .u64)],
                body: """
                    (i32.store (i32.const 4096) (i32.const 8))
                    (drop (call $bytes_source_read (local.get $source) (i32.const 4104) (i32.const 4096)))
                    (call $insert (i64.load (i32.const 4104)) (i32.const 5))
                    """),
            .init(
                name: "scan",
                body: """
                    (local $sum i32)
                    (drop (call $datastore_table_scan_bsatn (call $table) (i32.const 4096)))
                    (block $done (loop $next
                      (i32.store (i32.const 4100) (i32.const 24))
                      (br_if $done (i32.ne (i32.const 0)
                        (call $row_iter_bsatn_advance (i32.load (i32.const 4096)) (i32.const 5000) (i32.const 4100))))
                      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 5008))))
                      (br $next)))
                    (call $log (i32.const 32) (i32.const 4))
                    (i32.const 0)
                    """),
        ]
        module.procedures = [
            .init(
                name: "visit",
                body: """
                    (drop (call $procedure_start_mut_tx (i32.const 168)))
                    (drop (call $insert (i64.add (i64.const 1000) (call $count)) (i32.const 6)))
                    (drop (call $procedure_commit_mut_tx))
                    (call $give (local.get $sink) (global.get $ready))
                    (i32.const 0)
                    """)
        ]
        module.views = [Self.allItems()]
        module.fields = """
            (global $ready (mut i32) (i32.const 0))
            (func (export "__preinit__10_ready") (global.set $ready (i32.const 7)))
            """
        module.start = "(call $log (i32.const 32) (i32.const 4))"
        return module
    }

    /// A view that has the rows of the table, 340 of them at most.
    private static func allItems(_ before: String = "") -> TextModule.Function {
        TextModule.Function(
            name: "all",
            body: """
                \(before)
                (i32.store (i32.const 4100) (i32.const 4080))
                (drop (call $datastore_table_scan_bsatn (call $table) (i32.const 4096)))
                (drop (call $row_iter_bsatn_advance (i32.load (i32.const 4096)) (i32.const 5004) (i32.const 4100)))
                (i32.store (i32.const 5000) (i32.div_u (i32.load (i32.const 4100)) (i32.const 12)))
                (i32.store (i32.const 4104) (i32.add (i32.load (i32.const 4100)) (i32.const 4)))
                (drop (call $bytes_sink_write (local.get $sink) (i32.const 5000) (i32.const 4104)))
                (i32.const 0)
                """)
    }

    @Test func damagedModulesHurtNobody() async throws {
        let original = try Self.victim.bytes
        var loaded = 0
        for round in 0..<Self.rounds {
            let seed = Self.seed &+ UInt64(round)
            var random = DeterministicRandom(seed: seed)
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) { Self.damage(&bytes, &random) }
            var options = WASMOptions()
            options.cache = .none
            options.limits.callDuration = .milliseconds(20)
            options.limits.startDuration = .milliseconds(20)
            options.limits.memoryByteLimit = 16 << 20
            // The text says with which seed the program ended, if it does.
            guard let module = try? WASMModule(bytes: bytes, options: options) else { continue }
            loaded += 1
            guard let db = try? await Database.open(.inMemory, module: module) else { continue }
            guard let mirror = try? FuzzMirror(db.core) else { continue }
            for call in 0..<8 as Range<UInt64> {
                let place: Comment = "seed \(seed), call \(call)"
                switch call % 4 {
                case 2: try mirror.follow(place) { try db.core.runner.call("scan", arguments: [], as: db.core.owner) }
                case 3:
                    _ = try? await db.core.procedures.call("visit", arguments: [], as: db.core.owner)
                    try mirror.require(place)
                default:
                    try mirror.follow(place) {
                        try db.core.runner.call("add", arguments: call.bsatn(), as: db.core.owner)
                    }
                }
            }
        }
        #expect(loaded > 0, "no damaged module was loaded at all: the damage is too large to show anything")
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout DeterministicRandom) {
        let position = Int.random(in: 8..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes[position] = [0, 0x41, 0x7F, 0xFF, 0x0B, 0x10][Int.random(in: 0..<6, using: &random)]
        case 3: bytes.swapAt(position, Int.random(in: 8..<bytes.count, using: &random))
        default: bytes[position] &+= 1
        }
    }

    // MARK: Arguments

    /// A module that makes any calls of the host with any arguments, from a list of the function's position in
    /// `HostFunctions.all` and nine values, as 80 bytes each: in the reducer, the procedure and the handler that take it; in the
    /// view once `arm` has put it into the guest's memory, and in the hooks of clients that come and go once `arm_hooks` has.
    ///
    /// - Parameter atStart: a list that is worked off while the module starts.
    private static func poking(atStart: [UInt64] = []) -> TextModule {
        var module = TextModule()
        let usual = Set(TextModule.usualImports.map { "\($0.0).\($0.1)" })
        for function in HostFunctions.all where !usual.contains("\(function.module).\(function.name)") {
            module.imports.append(
                #"(import "\#(function.module)" "\#(function.name)" (func $\#(function.name) \#(types(function))))"#)
        }
        let cases = HostFunctions.all.enumerated().map { position, function in
            let arguments = function.signature.prefix { $0 != ">" }.enumerated().map { place, kind in
                let load = "(i64.load offset=\(8 + place * 8) (local.get $at))"
                return kind == "I" ? load : "(i32.wrap_i64 \(load))"
            }
            let call = "(call $\(function.name) \(arguments.joined(separator: " ")))"
            return """
                (if (i64.eq (i64.load (local.get $at)) (i64.const \(position)))
                  (then \(function.signature.hasSuffix(">") ? call : "(drop \(call))")))
                """
        }
        let atStartBytes = atStart.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
        module.fields = """
            (global $armed (mut i32) (i32.const 0))
            (global $armed_hooks (mut i32) (i32.const 0))
            (func $pokes (param $at i32) (param $end i32)
              (block $done (loop $next
                (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 80)) (local.get $end)))
                \(cases.joined(separator: "\n"))
                (local.set $at (i32.add (local.get $at) (i32.const 80)))
                (br $next))))
            (func $read (param $source i32) (result i32)
              (i32.store (i32.const 16384) (i32.const 32768))
              (drop (call $bytes_source_read (local.get $source) (i32.const 16388) (i32.const 16384)))
              (i32.add (i32.const 16388) (i32.load (i32.const 16384))))
            (data (i32.const 49152) "\(atStartBytes.map { "\\" + Hexadecimal.text([$0]) }.joined())")
            """
        if !atStart.isEmpty {
            module.start = "(call $pokes (i32.const 49152) (i32.const \(49_152 + atStartBytes.count)))"
        }
        let poke = "(call $pokes (i32.const 16392) (call $read (local.get $source)))"
        module.reducers = [
            .init(
                name: "good", parameters: [("id", .u64)],
                body: """
                    (i32.store (i32.const 4096) (i32.const 8))
                    (drop (call $bytes_source_read (local.get $source) (i32.const 4104) (i32.const 4096)))
                    (drop (call $insert (i64.load (i32.const 4104)) (i32.const 5)))
                    (i32.const 0)
                    """),
            .init(name: "poke", parameters: [("calls", .array(.u64))], body: "\(poke) (i32.const 0)"),
            .init(
                name: "arm", parameters: [("calls", .array(.u64))],
                body: """
                    (global.set $armed (call $read (local.get $source)))
                    (drop (call $insert (i64.add (i64.const 5000) (call $count)) (i32.const 5)))
                    (i32.const 0)
                    """),
        ]
        let hook = """
            (if (global.get $armed_hooks) (then (call $pokes (i32.const 16392) (global.get $armed_hooks))))
            (i32.const 0)
            """
        module.reducers += [
            .init(
                name: "arm_hooks", parameters: [("calls", .array(.u64))],
                body: "(global.set $armed_hooks (call $read (local.get $source))) (i32.const 0)"),
            .init(name: "come", body: hook),
            .init(name: "go", body: hook),
        ]
        module.lifecycle = [(.onConnect, 4), (.onDisconnect, 5)]
        module.handlers = [.init(name: "poke_request", body: "\(poke) (i32.const 0)")]
        module.procedures = [
            .init(
                name: "poke_outside", parameters: [("calls", .array(.u64))],
                body: "\(poke) (call $give (local.get $sink) (i32.const 1)) (i32.const 0)")
        ]
        module.views = [
            Self.allItems(
                """
                (if (global.get $armed) (then
                  (call $pokes (i32.const 16392) (global.get $armed)) (global.set $armed (i32.const 0))))
                """)
        ]
        return module
    }

    private static func types(_ function: HostFunction) -> String {
        let parts = function.signature.split(separator: ">", omittingEmptySubsequences: false)
        func list(_ word: String, _ kinds: Substring) -> String {
            kinds.isEmpty ? "" : "(\(word) " + kinds.map { $0 == "I" ? "i64" : "i32" }.joined(separator: " ") + ")"
        }
        return list("param", parts[0]) + " " + list("result", parts[1])
    }

    /// Values that mean something: names and rows that are there, ends of the memory, numbers of tables and handles.
    private static let values: [UInt64] = [
        0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 32, 64, 100, 128, 140, 144, 4096, 5000, 32_768, 65_535, 65_536, 131_064,
        131_068, 131_071, 131_072, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF, .max, 4097, 4105,
    ]

    private static var options: WASMOptions {
        var options = WASMOptions()
        options.cache = .none
        options.limits.callDuration = .milliseconds(200)
        options.limits.logByteLimit = 10_000
        options.limits.resultByteLimit = 1 << 20
        return options
    }

    private static let sleep = HostFunctions.all.firstIndex { $0.name == "procedure_sleep_until" }.map(UInt64.init)

    /// Calls of the host. None of them waits: the time to which it would could be any.
    private static func anyCalls(_ random: inout DeterministicRandom) -> [UInt64] {
        var words: [UInt64] = []
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let function = UInt64.random(in: 0..<UInt64(HostFunctions.all.count), using: &random)
            words.append(function == sleep ? 0 : function)
            for _ in 0..<9 {
                let isKnown = Int.random(in: 0..<10, using: &random) < 9
                words.append(isKnown ? values.randomElement(using: &random) ?? 0 : random.next())
            }
        }
        return words
    }

    @Test func callsWithAnyArgumentsHurtNobody() async throws {
        let module = try WASMModule(bytes: Self.poking().bytes, options: Self.options)
        var database = DatabaseOptions()
        database.log.recordLimit = 100
        let storage = Storage.directory("fuzz", .simulated(SimulatedDisk()))
        let db = try await Database.open(storage, module: module, options: database)
        let other = try await Database.open(.inMemory, module: module)
        for id in 0..<20 as Range<UInt64> { try await other.call("good", arguments: id.bsatn()) }
        let mirror = try FuzzMirror(db.core)
        var succeeded: [String: Int] = [:]
        func note(_ kind: String, _ error: (any Error)?, _ place: Comment) {
            if error == nil { succeeded[kind, default: 0] += 1 }
            if let error = error as? DatabaseError {
                #expect(error.code != .internalInconsistency && error.code != .badArguments, place)
            }
        }
        for round in 0..<(Self.rounds * 4) {
            let seed = Self.seed &+ UInt64(round)
            var random = DeterministicRandom(seed: seed)
            let place: Comment = "seed \(seed)"
            try mirror.follow(place) {
                try db.core.runner.call("good", arguments: (seed % 50).bsatn(), as: db.core.owner)
            }
            let calls = Self.anyCalls(&random).bsatn()
            switch round % 6 {
            case 2:
                note(
                    "arm",
                    try mirror.follow(place) {
                        try db.core.runner.call("arm", arguments: calls, as: db.core.owner)
                    }, place)
            case 3:
                var failure: (any Error)?
                do { _ = try await db.core.procedures.call("poke_outside", arguments: calls, as: db.core.owner) } catch
                {
                    failure = error
                }
                note("procedure", failure, place)
                try mirror.require(place)
            case 4:
                let request = HTTP.Request(.post, "http://fuzz.example/poke_request", body: calls)
                let response = await db.core.handle(request)
                #expect([200, 500].contains(response.status), place)
                if response.status == 200 { succeeded["handler", default: 0] += 1 }
                try mirror.require(place)
            case 5:
                try mirror.follow(place) {
                    try db.core.runner.call("arm_hooks", arguments: calls, as: db.core.owner)
                }
                var client: Caller?
                note(
                    "come",
                    try mirror.follow(place) {
                        client = try db.core.connections.connect(.local("client"), credentials: "")
                    }, place)
                // Whoever was let in goes, whatever the hook does.
                if let client {
                    let failure = try Self.disconnect(client, db.core)
                    if failure == nil { succeeded["go", default: 0] += 1 }
                    try mirror.require(place)
                }
                #expect(try Self.clientCount(db.core) == 0, place)
            default:
                note(
                    "poke",
                    try mirror.follow(place) {
                        try db.core.runner.call("poke", arguments: calls, as: db.core.owner)
                    }, place)
            }
            // The view has room for 340.
            if mirror.count > 300 { try mirror.follow(place) { try Self.clear(db.core) } }
        }
        #expect(Set(succeeded.keys) == ["poke", "arm", "procedure", "handler", "come", "go"], "\(succeeded)")
        // What was promised is what is found again: nothing that a call was refused has come to the log.
        let rows = mirror.rows
        try await db.close()
        let again = try await Database.open(storage, module: module, options: database)
        #expect(try FuzzMirror(again.core).rows == rows)
        try await again.close()
        #expect(try await other.sql("SELECT id FROM item").count == 20, "the other database noticed something")
    }

    /// Of two forms of the function this takes the one that blocks.
    private static func disconnect(_ client: Caller, _ core: DatabaseCore) throws -> (any Error)? {
        try core.connections.disconnect(client)
    }

    private static func clientCount(_ core: DatabaseCore) throws -> Int {
        try core.statements.run(.init("SELECT * FROM st_client", as: core.owner)).rows.count
    }

    private static func clear(_ core: DatabaseCore) throws {
        _ = try core.statements.run(.init("DELETE FROM item", as: core.owner))
    }

    @Test func callsWhileAModuleStartsHurtNobody() throws {
        var started = 0
        for round in 0..<max(8, Self.rounds / 4) {
            let seed = Self.seed &+ UInt64(round)
            var random = DeterministicRandom(seed: seed)
            let bytes = try Self.poking(atStart: Self.anyCalls(&random)).bytes
            let module: WASMModule
            do { module = try WASMModule(bytes: bytes, options: Self.options) } catch {
                #expect((error as? DatabaseError)?.code == .invalidModule, "seed \(seed): \(error)")
                continue
            }
            started += 1
            let db = try Database.open(.inMemory, module: module)
            // What the view needs may have been overwritten in the guest's memory.
            guard let mirror = try? FuzzMirror(db.core) else { continue }
            #expect(mirror.count == 0, "seed \(seed): a row came from nowhere")
            try mirror.follow("seed \(seed)") {
                try db.core.runner.call("good", arguments: UInt64(3).bsatn(), as: db.core.owner)
            }
        }
        #expect(started > 0, "no module started at all")
    }
}

/// What clients know who watch the items and the view of them. After each call it has to be what is there: all of it, and after
/// one that failed exactly what was there before.
private final class FuzzMirror {
    private let core: DatabaseCore
    private let table: TableID
    private let items: Session
    private let view: Session
    private var known: [[UInt8]: Int] = [:]
    private var seen: [[UInt8]: Int] = [:]

    var count: Int { known.count }
    var rows: Set<[UInt8]> { Set(known.keys) }

    /// - Throws: if the table or the view is not there, or the view fails: a damaged module may have called them something else, or
    ///   made the table one of events, which are told and not kept.
    init(_ core: DatabaseCore) throws {
        self.core = core
        guard let table = core.catalog.tableID(named: "item") else { throw DatabaseError(.noSuchTable, "item") }
        guard core.runner.datastore.schema(of: table)?.isEvent == false else {
            throw DatabaseError(.noSuchTable, "the table keeps no rows any more")
        }
        self.table = table
        items = try Self.watch("SELECT * FROM item", core)
        view = try Self.watch("SELECT * FROM all", core)
        Self.drain(items, into: &known)
        Self.drain(view, into: &seen)
    }

    private static func watch(_ query: String, _ core: DatabaseCore) throws -> Session {
        let session = Session(core.owner, outlet: nil, queueLimit: 10_000)
        let queries = try core.sessions.texts.queries([query], as: session.caller)
        try core.sessions.subscribe(session, to: QuerySetID(1), queries)
        return session
    }

    /// - Returns: how many changes there were.
    @discardableResult
    private static func drain(_ session: Session, into rows: inout [[UInt8]: Int]) -> Int {
        var changes = 0
        func apply(_ delta: SharedDelta) {
            delta.deletes.forEach { row in
                rows[Array(row), default: 0] -= 1
                if rows[Array(row)] == 0 { rows[Array(row)] = nil }
                changes += 1
            }
            delta.inserts.forEach { row in
                rows[Array(row), default: 0] += 1
                changes += 1
            }
        }
        while let event = session.queue.nextAvailable() {
            switch event {
            case .subscribed(let first): for delta in first.rows { apply(delta) }
            case .update(let update): for change in update.changes { apply(change.delta) }
            default: break
            }
        }
        return changes
    }

    /// Calls the database, and checks what came of it.
    @discardableResult
    func follow(_ place: Comment, _ body: () throws -> Void) throws -> (any Error)? {
        let before = known
        var failure: (any Error)?
        do { try body() } catch { failure = error }
        try require(place)
        if failure != nil { try #require(known == before, "a call that failed has changed something; \(place)") }
        return failure
    }

    /// Checks that watchers know what is there, and that the tables and indexes are sound.
    func require(_ place: Comment) throws {
        Self.drain(items, into: &known)
        Self.drain(view, into: &seen)
        var rows: [[UInt8]: Int] = [:]
        let serial = try core.runner.beginRead()
        try TransactionReference(runner: core.runner, serial: serial).scan(table).forEach {
            rows[Array($0), default: 0] += 1
        }
        core.runner.endRead()
        try #require(rows == known, place)
        for (row, count) in rows { try #require(row.count == 12 && count == 1, place) }
        try #require(Set(rows.keys.map { $0.prefix(8) }).count == rows.count, "a key is there twice; \(place)")
        let fresh = try Self.watch("SELECT * FROM all", core)
        var now: [[UInt8]: Int] = [:]
        Self.drain(fresh, into: &now)
        core.sessions.end(fresh)
        try #require(now == seen, place)
        try core.runner.checkInvariants()
    }
}
