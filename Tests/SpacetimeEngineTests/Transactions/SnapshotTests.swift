import SpacetimeSATS
import SpacetimeSchema
import Synchronization
import Testing

@testable import SpacetimeEngine

@Suite struct SnapshotTests {
    private func datastore(_ count: Int, bytes: Int = 20) throws -> (datastore: Datastore, table: TableID) {
        let datastore = Datastore()
        let table = try datastore.make("t", [("id", .u32), ("data", .bytes)], primaryKey: [0])
        try datastore.transact {
            for i in 0..<count { try datastore.insert(table, Self.row(i, bytes)) }
        }
        return (datastore, table)
    }

    private static func row(_ i: Int, _ count: Int, _ byte: UInt8 = 1) -> Row {
        [.u32(UInt32(i)), .bytes([UInt8](repeating: byte, count: count))]
    }

    @Test(arguments: [20, 20_000, 100_000])
    func aSnapshotKeepsItsRowsWhateverTheWriterDoes(_ bytes: Int) throws {
        let (datastore, table) = try datastore(bytes > 1_000 ? 20 : 4_000, bytes: bytes)
        let id = datastore.index(table)
        let snapshot = datastore.snapshot()
        let rows = snapshot.rows(table).sortedBytes()
        try datastore.transact {
            for i in 0..<10 { try datastore.update(id, Self.row(i, bytes, 9)) }
            for i in 10..<15 { try datastore.update(id, Self.row(i, bytes * 2, 8)) }
            for i in 15..<18 { try datastore.delete(id, [.u32(UInt32(i))]) }
            try datastore.insert(table, Self.row(50_000, bytes))
        }
        #expect(snapshot.rows(table).sortedBytes() == rows)
        let second = datastore.snapshot()
        let secondRows = second.rows(table).sortedBytes()
        try datastore.transact { try datastore.clear(table) }
        try datastore.transact {
            for i in 0..<20 { try datastore.insert(table, Self.row(i, bytes, 77)) }
        }
        #expect(snapshot.rows(table).sortedBytes() == rows)
        #expect(second.rows(table).sortedBytes() == secondRows && secondRows != rows)
        try datastore.dropTable(table)
        #expect(snapshot.rows(table).sortedBytes() == rows && snapshot.count(table) == rows.count)
        #expect(second.rows(table).sortedBytes() == secondRows)
        #expect(snapshot.schema(of: table)?.name == "t" && datastore.schema(of: table) == nil)
        try datastore.checkInvariants()
    }

    @Test func aRolledBackTransactionDoesNotShowInASnapshot() throws {
        let (datastore, table) = try datastore(500)
        let snapshot = datastore.snapshot()
        let rows = snapshot.rows(table)
        datastore.begin()
        try datastore.clear(table)
        #expect(snapshot.rows(table) == rows)
        datastore.rollback()
        #expect(snapshot.rows(table) == rows)
        #expect(datastore.snapshot().rows(table).sortedBytes() == rows.sortedBytes())
    }

    @Test func predicatesRunOnSnapshots() throws {
        let (datastore, table) = try datastore(200)
        let snapshot = datastore.snapshot()
        let small = try datastore.compile(.compare(0, .less, AlgebraicValue.u32(30).bsatn()), for: table)
        try datastore.transact { try datastore.clear(table) }
        var count = 0
        snapshot.forEachRow(of: table, where: small) { _ in count += 1 }
        #expect(count == 30)
    }

    @Test func snapshotsAreReadBesideTheWriter() async throws {
        let (datastore, table) = try datastore(3_000)
        let id = datastore.index(table)
        var random = seededRandom()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for round in 0..<12 {
                let snapshot = datastore.snapshot()
                let expected = snapshot.rows(table).reduce(0) { $0 &+ $1.hashValue }
                group.addTask {
                    // Several passes, while the writer changes the same pages.
                    for _ in 0..<4 {
                        var sum = 0
                        snapshot.forEachRow(of: table) { sum = sum &+ Array($0).hashValue }
                        guard sum == expected else { throw ModelMismatch(description: "a snapshot changed") }
                    }
                }
                for _ in 0..<10 {
                    try datastore.transact(collecting: .none) {
                        for _ in 0..<20 {
                            let i = random.below(3_000)
                            try datastore.delete(id, [.u32(UInt32(i))])
                            try datastore.insert(table, Self.row(i, random.below(60), UInt8(round)))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try datastore.checkInvariants()
    }
}
