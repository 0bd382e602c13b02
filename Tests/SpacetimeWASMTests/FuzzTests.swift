import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import Testing

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

    /// Checks that the rows are rows, each found by its key and by nothing else.
    private func requireSound(_ db: Database<DynamicModule>, _ seed: UInt64) throws {
        let ids = try db.sql("SELECT id FROM item").values(of: "id", as: UInt64.self)
        #expect(Set(ids).count == ids.count, "seed \(seed)")
        #expect(try db.sql("SELECT id, n FROM item ORDER BY id").count == ids.count, "seed \(seed)")
        for id in ids.prefix(3) {
            #expect(
                try db.sql("SELECT n FROM item WHERE id = :id", ["id": SQLValue(id)]).count == 1, "seed \(seed)")
        }
    }

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
        return module
    }

    @Test func damagedModulesHurtNobody() throws {
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
            guard let db = try? Database.open(.inMemory, module: module) else { continue }
            for call in 0..<6 as Range<UInt64> {
                _ = try? db.call(call % 3 == 2 ? "scan" : "add", arguments: call % 3 == 2 ? [] : call.bsatn())
            }
            if (try? db.sql("SELECT id FROM item")) != nil { try? requireSound(db, seed) }
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

    /// A module whose reducer makes any calls of the host with any arguments: a list of the function's position in
    /// `HostFunctions.all` and nine values, as 80 bytes each.
    private static var poking: TextModule {
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
        module.reducers = [
            .init(
                name: "good", parameters: [("id", .u64)],
                body: """
                    (i32.store (i32.const 4096) (i32.const 8))
                    (drop (call $bytes_source_read (local.get $source) (i32.const 4104) (i32.const 4096)))
                    (drop (call $insert (i64.load (i32.const 4104)) (i32.const 5)))
                    (i32.const 0)
                    """),
            .init(
                name: "poke", parameters: [("calls", .array(.u64))],
                body: """
                    (local $at i32) (local $end i32)
                    (i32.store (i32.const 16384) (i32.const 32768))
                    (drop (call $bytes_source_read (local.get $source) (i32.const 16388) (i32.const 16384)))
                    (local.set $at (i32.const 16392))
                    (local.set $end (i32.add (i32.const 16388) (i32.load (i32.const 16384))))
                    (block $done (loop $next
                      (br_if $done (i32.gt_u (i32.add (local.get $at) (i32.const 80)) (local.get $end)))
                      \(cases.joined(separator: "\n"))
                      (local.set $at (i32.add (local.get $at) (i32.const 80)))
                      (br $next)))
                    (i32.const 0)
                    """),
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

    @Test func callsWithAnyArgumentsHurtNobody() throws {
        var options = WASMOptions()
        options.cache = .none
        options.limits.callDuration = .milliseconds(200)
        options.limits.logByteLimit = 10_000
        options.limits.resultByteLimit = 1 << 20
        let module = try WASMModule(bytes: Self.poking.bytes, options: options)
        var database = DatabaseOptions()
        database.log.recordLimit = 100
        let db = try Database.open(.inMemory, module: module, options: database)
        let other = try Database.open(.inMemory, module: module)
        for id in 0..<20 as Range<UInt64> { try other.call("good", arguments: id.bsatn()) }
        var succeeded = 0
        for round in 0..<(Self.rounds * 4) {
            let seed = Self.seed &+ UInt64(round)
            var random = DeterministicRandom(seed: seed)
            _ = try? db.call("good", arguments: (seed % 50).bsatn())
            var words: [UInt64] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                words.append(UInt64.random(in: 0..<UInt64(HostFunctions.all.count), using: &random))
                for _ in 0..<9 {
                    let isKnown = Int.random(in: 0..<10, using: &random) < 9
                    words.append(isKnown ? Self.values.randomElement(using: &random) ?? 0 : random.next())
                }
            }
            do {
                try db.call("poke", arguments: words.bsatn())
                succeeded += 1
            } catch let error as DatabaseError {
                #expect(
                    error.code != .internalInconsistency && error.code != .badArguments, "seed \(seed): \(error)")
            }
            if round % 8 == 0 { try requireSound(db, seed) }
        }
        #expect(succeeded > 0)
        try requireSound(db, 0)
        #expect(try other.sql("SELECT id FROM item").count == 20, "the other database noticed something")
    }
}
