import Testing

@testable import SpacetimeHost

#if _runtime(_ObjC)
import ObjectiveC
#endif

/// What a million queries take of memory, and that those with the same values are one.
@Suite struct LiveQueryMemoryTests {
    /// Eight of them are the head that glibc puts before each piece.
    @Test func aQueryTakes160Bytes() throws {
        final class TwoWords {
            let words = (0, 0)
        }
        #expect(instanceSize(of: TwoWords()) == 32)

        let db = try ScenarioDatabase("t(x u64, name string)")
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT * FROM t WHERE x >= 1 AND x <= 5")
        let query = try #require(db.core.sessions.queries.kinds.first?.queries.first)
        #expect(instanceSize(of: query) <= 152)
        #expect(query.values.isEmpty)
    }

    /// Bytes of an object as its class declares them. What the allocator has of it depends on what else was freed: a piece that
    /// is a little larger is given whole.
    private func instanceSize(of object: AnyObject) -> Int {
        #if _runtime(_ObjC)
        class_getInstanceSize(type(of: object))
        #else
        // The metadata of a class: kind, superclass, flags, address point, and then the size. All are part of the stable ABI
        // (docs/ABI/TypeMetadata.rst of the compiler), and metadata is never freed.
        Int(
            unsafeBitCast(type(of: object) as AnyClass, to: UnsafeRawPointer.self)
                .load(fromByteOffset: 2 * MemoryLayout<Int>.size + 2 * MemoryLayout<UInt32>.size, as: UInt32.self))
        #endif
    }

    /// What a large one keeps takes milliseconds to free.
    @Test func aStageIsFreedWithoutTheLock() throws {
        let db = try ScenarioDatabase("t(k u64, v u64)")
        let queries = db.core.sessions.queries
        let client = FakeSession(db.core)
        weak var stage: (any LiveStage)?
        func subscribe() throws {
            try client.subscribe(1, "SELECT k, COUNT(*) AS n FROM t GROUP BY k")
            guard case .ready(let made)? = queries.kinds.first?.queries.first?.stage else { return }
            stage = made
        }
        try subscribe()
        #expect(stage != nil)
        queries.remove(QuerySetID(1), of: client.session)
        #expect(stage != nil && !queries.leftovers.isEmpty)
        queries.leftovers.free()
        #expect(stage == nil && queries.leftovers.isEmpty)

        try subscribe()
        client.unsubscribe(1)
        #expect(stage == nil)

        // By the next commit, for somebody who left while others had the lock.
        try subscribe()
        queries.removeLater(QuerySetID(1), of: client.session)
        #expect(stage != nil)
        try db.commit(.insert("t", 1, 1))
        #expect(stage == nil)
    }

    @Test func equalAreasAreOneQueryAndGoWithTheLastWhoWatchesThem() throws {
        let db = try ScenarioDatabase("t(x u64, name string)")
        let (first, second) = (FakeSession(db.core), FakeSession(db.core))
        func text(_ low: Int, _ name: String) -> String {
            "SELECT * FROM t WHERE x >= \(low) AND x <= \(low + 5)\(name)"
        }
        // Values of one length, and of several.
        for name in ["", " AND name > 'a'", " AND name > 'bcd'", " AND name > ''"] {
            let before = try db.core.sessions.queryCount()
            for (set, low) in [0, 3, 9, 40, 40_000].enumerated() {
                try first.subscribe(UInt32(set), text(low, name))
                try second.subscribe(UInt32(set), text(low, name))
                try second.subscribe(UInt32(set + 100), text(low, name))
            }
            #expect(try db.core.sessions.queryCount() == before + 5)
            try db.commit(.insert("t", 4, "x"))
            #expect(first.rows(0) == second.rows(100) && first.rows(0).count == 1)
            #expect(first.rows(1) == first.rows(0) && first.rows(2).isEmpty)
            for set in 0..<5 as Range<UInt32> {
                first.unsubscribe(set)
                second.unsubscribe(set)
            }
            #expect(try db.core.sessions.queryCount() == before + 5)
            try db.commit(.delete("t", 4, "x"))
            #expect(second.rows(100).isEmpty)
            for set in 101..<105 as Range<UInt32> { second.unsubscribe(set) }
            #expect(try db.core.sessions.queryCount() == before + 1)
            second.unsubscribe(100)
            try second.subscribe(100, text(7, " AND name > 'long enough to be of another length'"))
            #expect(try db.core.sessions.queryCount() == before + 1)
            second.unsubscribe(100)
            #expect(try db.core.sessions.queryCount() == before)
        }
    }
}
