import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct IndexBuildTests {
    /// Texts that are alike for long, end early, hold zeros, or are the beginning of others.
    private static func text(_ random: inout SplitMix64) -> String {
        let beginnings = ["", "a", "a\0", "aaaaaaaa", String(repeating: "long ", count: 40)]
        return beginnings[Int(random.next() % 5)] + String(random.next() % 30)
            + String(repeating: "\0", count: Int(random.next() % 3))
    }

    /// Integers at fixed places, over eight bytes and behind a text; texts; floats; options; and no key at all.
    private func makeTables(in datastore: Datastore) throws -> [TableID] {
        let keyed = try datastore.make(
            "keyed",
            [
                ("id", .u64), ("x", .i32), ("z", .i32), ("level", .u16), ("weight", .f64), ("name", .string),
                ("after", .i16), ("nick", .option(.u32)),
            ], primaryKey: [0],
            indexes: [
                IndexSchema(name: "hash", algorithm: .hash, columns: [0], isUnique: true),
                IndexSchema(name: "direct", algorithm: .direct, columns: [0], isUnique: true),
                IndexSchema(name: "integer", columns: [1]), IndexSchema(name: "place", columns: [1, 2]),
                IndexSchema(name: "level", columns: [3, 1, 2]), IndexSchema(name: "wide", columns: [0, 1, 2, 3]),
                IndexSchema(name: "weight", columns: [4]), IndexSchema(name: "name", columns: [5]),
                IndexSchema(name: "after", columns: [6, 5]),
                IndexSchema(name: "text", algorithm: .hash, columns: [5, 0], isUnique: true),
                IndexSchema(name: "nick", algorithm: .hash, columns: [7], isUnique: true),
                IndexSchema(name: "nicks", columns: [7, 1]),
            ])
        let set = try datastore.make("set", [("a", .u8), ("b", .string)])
        return [keyed, set]
    }

    private func fill(_ datastore: Datastore, _ tables: [TableID], rows: Int) throws {
        var random = seededRandom()
        datastore.begin()
        for id in 0..<UInt64(rows) where random.next() % 8 != 0 {
            let z = Int32(truncatingIfNeeded: random.next() % 7) - 3
            let weight = [0, -0.0, 1.5, -2, .infinity][Int(random.next() % 5)]
            let nick: UInt32? = random.next() % 3 == 0 ? nil : UInt32(id)
            var row = id.bsatn() + Int32(truncatingIfNeeded: random.next() % 40 &- 20).bsatn() + z.bsatn()
            row += UInt16(random.next() % 3).bsatn() + weight.bsatn() + Self.text(&random).bsatn()
            row += Int16(truncatingIfNeeded: random.next() % 5).bsatn() + nick.bsatn()
            try datastore.insert(tables[0], bytes: &row)
            var other = UInt8(random.next() % 4).bsatn() + "value \(random.next() % 1_000)".bsatn()
            try datastore.insert(tables[1], bytes: &other)
        }
        datastore.commit()
    }

    private func copy(
        of source: Datastore, _ tables: [TableID], rowLimit: Int, running run: ([IndexBuild]) async -> Void
    ) async throws -> Datastore {
        let saved = source.snapshot()
        let target = Datastore(hashSeed: source.hashSeed)
        let ids = try makeTables(in: target)
        var builds: [IndexBuild] = []
        for (id, copy) in zip(tables, ids) {
            try saved.forEachPage(of: id) { try target.loadPage($0, into: copy) }
            builds += try target.table(copy).indexBuilds(rowLimit: rowLimit)
        }
        await run(builds)
        return target
    }

    @Test(arguments: [0, 1, 2, 100, 2_000])
    func indexesOfEveryKindAreBuilt(rows: Int) async throws {
        let source = Datastore()
        let tables = try makeTables(in: source)
        try fill(source, tables, rows: rows)
        for rowLimit in [1 << 24, 700] {
            let copy = try await copy(of: source, tables, rowLimit: rowLimit) { for build in $0 { build.run() } }
            try copy.checkInvariants()
            for table in tables { #expect(copy.count(table) == source.count(table)) }
        }
    }

    /// Nothing that two builds write is the same.
    @Test func buildsMayRunAtTheSameTime() async throws {
        let source = Datastore()
        let tables = try makeTables(in: source)
        try fill(source, tables, rows: 4_000)
        let together = try await copy(of: source, tables, rowLimit: 1 << 24) { builds in
            await withTaskGroup { group in for build in builds { group.addTask { build.run() } } }
        }
        try together.checkInvariants()
        let alone = try await copy(of: source, tables, rowLimit: 1 << 24) { for build in $0.reversed() { build.run() } }
        for (table, other) in zip(together.tableIDs, alone.tableIDs) {
            for i in 0..<(try together.table(table).indexCount) {
                let entries = try [together.table(table), alone.table(other)].map { $0.entries(ofIndex: i) }
                #expect(entries[0] == entries[1])
            }
        }
    }

    /// A tree that was built takes what comes later, at any place, and loses everything again.
    @Test func builtIndexesCanBeChanged() async throws {
        let source = Datastore()
        let tables = try makeTables(in: source)
        try fill(source, tables, rows: 2_000)
        let copy = try await copy(of: source, tables, rowLimit: 1 << 24) { for build in $0 { build.run() } }
        var random = seededRandom()
        copy.begin()
        for row in try copy.rows(tables[0]).shuffled(using: &random) {
            // The key is the first column.
            _ = try row.withUnsafeBytes {
                try copy.delete(copy.index(tables[0]), key: UnsafeRawBufferPointer(rebasing: $0[..<8]))
            }
        }
        copy.commit()
        #expect(copy.count(tables[0]) == 0)
        try copy.checkInvariants()
        try fill(copy, tables, rows: 3_000)
        try copy.checkInvariants()
    }
}

extension TableRef {
    /// The keys and rows that the tree of an index holds, in order, and the slots of its hash.
    fileprivate func entries(ofIndex number: Int) -> [UInt64] {
        let index = indexes.reference(to: number)
        var entries: [UInt64] = []
        var leaf: BTreeNode? = index.value.tree.start.leaf
        while let node = leaf {
            for i in 0..<node.count { entries += [node.keys[i], UInt64(node.rows[i])] }
            leaf = node.next
        }
        for part in index.value.hash.parts { for i in 0..<part.slots.count { entries.append(part.slots.slots[i]) } }
        return entries
    }
}
