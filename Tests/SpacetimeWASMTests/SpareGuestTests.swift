import SpacetimeDurability
import SpacetimeHost
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeKit
@testable import SpacetimeWASM

/// Once a module has been stopped another guest is kept ready, which takes over the next time. Nobody can tell it from one that
/// is started when it is needed.
@Suite(.needsWasmtime) struct SpareGuestTests {
    /// `counts` inserts an item with the number of calls that the guest has run; `trap` counts, and traps; a line is written
    /// whenever a guest is started.
    private static var module: TextModule {
        var module = TextModule()
        module.reducers = [
            .init(
                name: "counts",
                body: """
                    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                    (drop (call $insert (i64.extend_i32_u (global.get $calls)) (i32.const 0))) (i32.const 0)
                    """),
            .init(name: "trap", body: "(global.set $calls (i32.const 700)) (unreachable)"),
        ]
        module.fields = """
            (global $calls (mut i32) (i32.const 0))
            (func (export "__preinit__10_hello") (call $log (i32.const 32) (i32.const 4)))
            """
        return module
    }

    private func open() throws -> (db: Database<DynamicModule>, lane: GuestLane) {
        let host = WASMHost(try Self.module.module().program)
        return (try Database.open(.inMemory, host: host, name: "spare", options: DatabaseOptions()), host.lane)
    }

    private func trap(_ db: Database<DynamicModule>) {
        let error = #expect(throws: DatabaseError.self) { try db.call("trap", arguments: []) }
        #expect(error?.code == .moduleFailure)
    }

    /// Deletes the items and returns their ids.
    private func takeIDs(_ db: Database<DynamicModule>) throws -> [UInt64] {
        let ids = try db.sql("SELECT id FROM item").values(of: "id", as: UInt64.self).sorted()
        try db.sql("DELETE FROM item")
        return ids
    }

    @Test func oneIsKeptFromTheFirstTrapOn() throws {
        let (db, lane) = try open()
        try db.call("counts", arguments: [])
        GuestNursery.shared.waitUntilIdle()
        #expect(!lane.hasSpare, "a module that does not trap has one guest")
        for _ in 0..<3 {
            trap(db)
            GuestNursery.shared.waitUntilIdle()
            #expect(lane.hasSpare)
        }
    }

    @Test func whoTakesOverBeginsAnew() throws {
        let (db, _) = try open()
        let seed = freshSeed("whoTakesOverBeginsAnew")
        var random = RandomValues(seed: seed)
        var calls: UInt64 = 0
        var starts = 1
        for step in 0..<200 {
            if random.oneIn(3) {
                trap(db)
                calls = 0
                starts += 1
            } else {
                try db.call("counts", arguments: [])
                calls += 1
                #expect(try takeIDs(db) == [calls], "seed \(seed), step \(step)")
            }
            // Now and then nobody waits until the spare is there.
            if random.oneIn(2) { GuestNursery.shared.waitUntilIdle() }
        }
        if calls == 0 { starts -= 1 }
        // Of each guest that has run, once; those that have not are still silent.
        #expect(db.log.last().count { $0.message == "item" } == starts, "seed \(seed)")
    }

    @Test func twoRunsAtATimeHaveAGuestEach() async throws {
        let host = WASMHost(try Self.module.module().program)
        let databases: [Database<DynamicModule>] = try (0..<2).map { _ in
            try Database.open(.inMemory, host: host, name: "spare", options: DatabaseOptions())
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for db in databases {
                group.addTask {
                    try await suspendingAside {
                        for call in 0..<300 {
                            if call % 50 == 49 {
                                #expect(throws: DatabaseError.self) { try db.call("trap", arguments: []) }
                            } else {
                                try db.call("counts", arguments: [])
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        for db in databases { #expect(try await db.sql("SELECT id FROM item").count > 0) }
    }
}
