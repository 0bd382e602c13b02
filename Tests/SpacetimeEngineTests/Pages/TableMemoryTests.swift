import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeEngine

/// How much memory tables take while rows come and go.
@Suite struct TableMemoryTests {
    private static let key = IndexSchema(name: "key", algorithm: .hash, columns: [0])
    private static let byShelf = IndexSchema(name: "by_shelf", columns: [1])

    private func row(_ id: Int, _ size: Int) -> Row {
        [.u32(UInt32(id)), .u32(UInt32(id % 7)), .bytes([UInt8](repeating: UInt8(id & 0xFF), count: size))]
    }

    private func make(_ datastore: Datastore) throws -> TableID {
        try datastore.make(
            "parcel", [("id", .u32), ("shelf", .u32), ("data", .bytes)], primaryKey: [0],
            indexes: [Self.key, Self.byShelf])
    }

    private func memory(_ datastore: Datastore, _ table: TableID) throws -> Datastore.TableMemory {
        try #require(datastore.memory(of: table))
    }

    /// Deletes rows by key, some a transaction, and logs it.
    private func delete(_ ids: [Int], _ datastore: Datastore, _ table: TableID, perTransaction: Int, _ log: LogBuffer)
        throws -> [[UInt8]]
    {
        var logged: [[UInt8]] = []
        for start in stride(from: 0, to: ids.count, by: perTransaction) {
            datastore.begin()
            for id in ids[start..<min(start + perTransaction, ids.count)] {
                try datastore.delete(datastore.index(table), [.u32(UInt32(id))])
            }
            log.encode(datastore)
            logged.append(log.bytes)
            datastore.commit()
        }
        return logged
    }

    @Test(arguments: [1, 10, 1_000_000])
    func fewRowsOfManySizesDoNotKeepManyPages(_ perTransaction: Int) throws {
        var random = seededRandom("\(perTransaction) rows a transaction")
        let datastore = Datastore()
        let replica = Datastore()
        let table = try make(datastore)
        _ = try make(replica)
        let log = LogBuffer()
        var kept: [Int: Int] = [:]
        var next = 0
        var live = 0
        for size in [100, 700, 3_000, 30, 700, 12_000] {
            let ids = Array(next..<(next + min(3_000, 3_000_000 / size)))
            next += ids.count
            datastore.begin()
            for id in ids { try datastore.insert(table, row(id, size)) }
            log.encode(datastore)
            datastore.commit()
            try log.withBytes { try replica.replay($0) }
            let (survivors, victims) = (ids.filter { _ in random.oneIn(40) }, ids.shuffled(using: &random))
            for id in survivors { kept[id] = size }
            live += survivors.count * (size + 16)
            let logged = try delete(
                victims.filter { kept[$0] == nil }, datastore, table, perTransaction: perTransaction, log)
            for changes in logged { try changes.withUnsafeBytes { try replica.replay($0) } }
            for store in [datastore, replica] {
                try store.checkInvariants()
                // A page for each of five sizes may be partly filled, one is kept empty, and pages are whole.
                let bytes = try memory(store, table).pageByteCount
                #expect(bytes <= live * 3 / 2 + 7 * PageGeometry.pageByteCount, "\(bytes) bytes for \(live)")
            }
        }
        let expected = kept.map { image(row($0, $1)) }.sortedBytes()
        #expect(try datastore.rows(table).sortedBytes() == expected)
        #expect(try replica.rows(table).sortedBytes() == expected)
    }

    @Test func aSnapshotKeepsItsRowsWhileTheyAreMoved() throws {
        let datastore = Datastore()
        let table = try make(datastore)
        try datastore.transact { for id in 0..<6_000 { try datastore.insert(table, row(id, 200)) } }
        var snapshot: DatastoreSnapshot? = datastore.snapshot()
        let before = try #require(snapshot?.rows(table))
        for half in [Array(0..<3_000), Array(3_000..<6_000)] {
            _ = try delete(half.filter { $0 % 50 != 0 }, datastore, table, perTransaction: 100, LogBuffer())
            let memory = try memory(datastore, table)
            #expect(memory.pageByteCount <= memory.rowCount * 240 * 3 / 2 + 2 * PageGeometry.pageByteCount)
            #expect(snapshot?.rows(table) == before)
            try datastore.checkInvariants()
        }
        #expect(datastore.sharedMemory().snapshotByteCount >= 20 * PageGeometry.pageByteCount)
        snapshot = nil
        #expect(datastore.sharedMemory().snapshotByteCount == 0)
    }

    @Test func scansThatAreOpenWhileRowsGoShowThemAll() throws {
        let datastore = Datastore()
        let table = try make(datastore)
        try datastore.transact { for id in 0..<4_000 { try datastore.insert(table, row(id, 100)) } }
        let before = try datastore.rows(table)
        datastore.begin()
        let scan = try datastore.scan(table)
        var seen: [[UInt8]] = []
        while scan.refill() > 0 {
            seen.append(Array(scan.batch[0]))
            try datastore.deleteRow(table, row(Int(seen.last?.first ?? 0), 100))
            if seen.count > 20 { break }
        }
        try datastore.clear(table)
        seen += collect(scan)
        #expect(seen.count > before.count - 64 * 21 && Set(seen).isSubset(of: Set(before)))
        datastore.commit()
        try datastore.checkInvariants()
        #expect(try memory(datastore, table).pageByteCount == PageGeometry.pageByteCount)
    }

    /// What the design promises for rows of one size.
    @Test func rowsOfOneSizeTakeLittleMoreThanTheirBytes() throws {
        var random = seededRandom()
        let datastore = Datastore()
        let table = try datastore.make(
            "t", [("id", .u32), ("c", .u32), ("a", .u64), ("b", .u64)], primaryKey: [0], indexes: [Self.key])
        func row(_ id: Int) -> Row { [.u32(UInt32(id)), .u32(0), .u64(1), .u64(2)] }
        let count = 40_000
        func requireBudget(_ comment: Comment) throws {
            let memory = try memory(datastore, table)
            #expect(memory.rowCount == count, comment)
            #expect(Double(memory.pageByteCount) <= Double(count * 24) * 1.15, comment)
            #expect(memory.indexes[0].byteCount <= count * 16, comment)
        }
        try datastore.transact(collecting: .none) { for id in 0..<count { try datastore.insert(table, row(id)) } }
        try requireBudget("filled")
        let victims = (0..<count).shuffled(using: &random).prefix(count / 2)
        for perTransaction in [count, 10] {
            _ = try delete(Array(victims), datastore, table, perTransaction: perTransaction, LogBuffer())
            let half = try memory(datastore, table)
            #expect(half.pageByteCount <= count / 2 * 24 * 3 / 2 + 2 * PageGeometry.pageByteCount)
            #expect(half.indexes[0].byteCount <= count / 2 * 21)
            try datastore.transact(collecting: .none) { for id in victims { try datastore.insert(table, row(id)) } }
            try requireBudget("half of it deleted and inserted again")
            try datastore.checkInvariants()
        }
    }

    @Test func anEmptiedTableTakesAPageAndLittleMore() throws {
        let datastore = Datastore()
        let direct = IndexSchema(name: "direct", algorithm: .direct, columns: [0])
        let tables = [
            try make(datastore),
            try datastore.make("keyless", [("id", .u32), ("shelf", .u32), ("data", .bytes)], indexes: [Self.byShelf]),
            try datastore.make(
                "direct", [("id", .u32), ("shelf", .u32), ("data", .bytes)], indexes: [direct], unique: [[0]]),
        ]
        for size in [20, 700, 3_000, 20_000, 70_000] {
            let count = min(4_000, 6_000_000 / size)
            for isRolledBack in [false, true] {
                for table in tables {
                    datastore.begin()
                    for id in 0..<count { try datastore.insert(table, row(id, size)) }
                    if isRolledBack {
                        datastore.rollback()
                    } else {
                        datastore.commit()
                        try datastore.transact(collecting: .none) { try datastore.clear(table) }
                    }
                    let memory = try memory(datastore, table)
                    #expect(memory.pageByteCount <= PageGeometry.pageByteCount && memory.byteCount < 100_000)
                }
                try datastore.checkInvariants()
            }
        }
        #expect(datastore.sharedMemory().pooledByteCount <= PagePool.smallestShare * PagePool.blockByteCount)
        #expect(datastore.sharedMemory().snapshotByteCount == 0)
    }
}
