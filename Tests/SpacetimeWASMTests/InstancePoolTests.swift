import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeWASM

/// Memories of guests, which are used again by those that come later.
@Suite(.needsWasmtime) struct InstancePoolTests {
    /// Engines are never to go.
    private static let engines = Mutex<[WASMEngine]>([])

    /// The program of a module in an engine of its own.
    private func program(_ module: TextModule, _ pool: InstancePool?) throws -> WASMProgram {
        let engine = try WASMEngine(WasmtimeLibrary.load(), pool)
        Self.engines.withLock { $0.append(engine) }
        let bytes = try module.bytes
        return try WASMProgram(CompiledModule.compile(bytes, BLAKE3.hash(bytes), engine, nil), WASMOptions())
    }

    private func guest(_ program: WASMProgram) throws -> Guest {
        let guest = try Guest(program, identity: .zero)
        try guest.start()
        return guest
    }

    /// Writes all over its memory, which it makes larger, over its table and its global, and traps; `look` inserts a row if it
    /// finds anything of that.
    private static var soiling: TextModule {
        var module = TextModule(reducers: [
            .init(
                name: "soil",
                body: """
                    (drop (memory.grow (i32.const 40)))
                    (memory.fill (i32.const 4096) (i32.const 255) (i32.sub
                      (i32.mul (memory.size) (i32.const 65536)) (i32.const 4096)))
                    (table.set (i32.const 2) (ref.func $reducer_look))
                    (drop (table.grow (ref.func $reducer_look) (i32.const 100)))
                    (global.set $mark (i32.const 7))
                    unreachable
                    """),
            .init(
                name: "look",
                body: """
                    (local $place i32) (local $found i64)
                    (local.set $place (i32.const 4096))
                    (loop $again
                      (if (i64.ne (i64.load (local.get $place)) (i64.const 0)) (then
                        (local.set $found (i64.add (local.get $found) (i64.const 1)))))
                      (local.set $place (i32.add (local.get $place) (i32.const 8)))
                      (br_if $again (i32.lt_u (local.get $place) (i32.const 524288))))
                    (if (i32.or
                          (i32.or (i32.ne (memory.size) (i32.const 8)) (i32.ne (table.size) (i32.const 8)))
                          (i32.or (global.get $mark) (i32.eqz (ref.is_null (table.get (i32.const 2))))))
                      (then (return (i32.const 1))))
                    (call $insert (local.get $found) (i32.const 0))
                    """),
        ])
        module.memory = "(memory (export \"memory\") 8)"
        // One in what stays with the slot, and one behind it.
        module.fields = """
            (table 8 funcref) (elem declare func $reducer_look) (global $mark (mut i32) (i32.const 0))
            (data (i32.const 8192) "12345678") (data (i32.const 400000) "12345678")
            """
        return module
    }

    @Test func aGuestFindsNothingOfTheOneBeforeInItsMemory() throws {
        let db = try Database.open(.inMemory, module: Self.soiling.module())
        for _ in 0..<10 {
            #expect(throws: DatabaseError.self) { try db.call("soil", arguments: []) }
            try db.call("look", arguments: [])
            #expect(try db.sql("SELECT id FROM item").values(of: "id", as: UInt64.self) == [2])
            try db.sql("DELETE FROM item")
        }
    }

    @Test(.enabled(if: InstancePool().isPossible)) func whoFindsNoRoomIsToldSoAndComesAgain() throws {
        let program = try program(TextModule(), InstancePool(slotCount: 3))
        let first = try guest(program)
        var others = try (0..<2).map { _ in try guest(program) }
        for _ in 0..<3 {
            let error = #expect(throws: DatabaseError.self) { _ = try guest(program) }
            #expect(error?.code == .limitReached)
            #expect(error?.message.contains("no room for another guest") == true, "\(error?.message ?? "")")
            others.removeLast()
            others.append(try guest(program))
        }
        withExtendedLifetime(first) {}
    }

    /// As where the system has not so many addresses.
    @Test func withoutAPoolThereIsNoSuchLimit() throws {
        #expect(!InstancePool(slotCount: 1 << 20).isPossible)
        for pool in [nil, InstancePool(slotCount: 1 << 20)] {
            let program = try program(TextModule(), pool)
            let guests = try (0..<20).map { _ in try guest(program) }
            #expect(guests.allSatisfy { !$0.isStopped })
        }
    }

    @Test(.enabled(if: InstancePool().isPossible))
    func aModuleMayHaveManyTablesButNotMoreEntriesThanAreReserved() throws {
        func module(_ fields: String) -> TextModule {
            var module = TextModule()
            module.fields = fields
            return module
        }
        let many = module(String(repeating: "(table 10 funcref) ", count: 64))
        _ = try many.module()
        let large = module("(table 10000001 funcref)")
        let error = #expect(throws: DatabaseError.self) {
            try large.module { $0.limits.tableElementLimit = .max }
        }
        #expect(error?.message.contains("10000001") == true, "\(error?.message ?? "")")
    }
}
