import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

@Suite struct RadixSortTests {
    @Test(arguments: [0, 1, 2, 3, 100, 5_000], [1, 8, 16, 33, 64] as [UInt64])
    func sortsStablyWhateverTheWidthOfTheKeys(_ count: Int, _ bits: UInt64) {
        var random = seededRandom()
        let mask = bits == 64 ? UInt64.max : (1 << bits) - 1
        // A constant part above and below, so that passes are left out.
        let entries = (0..<count).map { row in
            SortedEntry(key: (random.next() & mask) &<< (bits <= 32 ? 16 : 0) | 5, row: UInt32(row))
        }
        let memory = UnsafeMutableBufferPointer<SortedEntry>.allocate(capacity: count)
        let scratch = UnsafeMutableBufferPointer<SortedEntry>.allocate(capacity: count)
        defer {
            memory.deallocate()
            scratch.deallocate()
        }
        _ = memory.initialize(from: entries)
        radixSort(memory, scratch: scratch)
        let expected = entries.sorted { ($0.key, $0.row) < ($1.key, $1.row) }
        #expect(memory.map(\.key) == expected.map(\.key))
        #expect(memory.map(\.row) == expected.map(\.row))
    }

    @Test(arguments: [1, 7, 100, 1_000, 5_000])
    func rowsAreEnteredInBatchesOfEverySize(_ batchLimit: Int) throws {
        var random = seededRandom()
        func makeTable(in datastore: Datastore) throws -> TableID {
            try datastore.make(
                "loaded", [("id", .u64), ("group", .u64), ("name", .string)], primaryKey: [0],
                indexes: [
                    IndexSchema(name: "by_id", algorithm: .hash, columns: [0], isUnique: true),
                    IndexSchema(name: "by_group", columns: [1]), IndexSchema(name: "by_name", columns: [2]),
                ])
        }
        let source = Datastore()
        let id = try makeTable(in: source)
        source.begin()
        for key in 0..<1_000 as Range<UInt64> where random.next() % 4 != 0 {
            var row = key.bsatn() + (random.next() % 50).bsatn() + "name \(key % 77)".bsatn()
            try row.withUnsafeMutableBytes { _ = try source.insert(id, row: $0) }
        }
        source.commit()
        let saved = source.snapshot()
        let target = Datastore()
        let loaded = try makeTable(in: target)
        try saved.forEachPage(of: id) { try target.loadPage($0, into: loaded) }
        for build in try target.table(loaded).indexBuilds(rowLimit: batchLimit) { build.run() }
        #expect(target.count(loaded) == source.count(id))
        try target.checkInvariants()
    }
}
