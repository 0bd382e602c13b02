import SpacetimeSATS
import SpacetimeSchema
import Synchronization
import Testing

@testable import SpacetimeEngine

/// What the writer saves for snapshots, and what they make of it.
@Suite struct SavedPiecesTests {
    /// Tables whose rows are of one size, of many sizes, and so long that each has a page.
    enum Shape: CaseIterable {
        case fixed, varying, long

        var columns: [(String, AlgebraicType)] {
            self == .fixed
                ? [("id", .u32)] + (0..<9).map { ("c\($0)", .u64) } : [("id", .u32), ("data", .bytes)]
        }

        func row(_ id: Int, _ random: inout SplitMix64) -> Row {
            let byte = UInt8(truncatingIfNeeded: random.next())
            return switch self {
            case .fixed: [.u32(UInt32(id))] + [AlgebraicValue](repeating: .u64(random.next()), count: 9)
            case .varying: [.u32(UInt32(id)), .bytes([UInt8](repeating: byte, count: random.below(90)))]
            case .long: [.u32(UInt32(id)), .bytes([UInt8](repeating: byte, count: 17_000 + random.below(3) * 30_000))]
            }
        }
    }

    private func make(_ shape: Shape, _ count: Int) throws -> (Datastore, TableID) {
        let datastore = Datastore()
        let table = try datastore.make("t", shape.columns, primaryKey: [0])
        var random = SplitMix64(seed: 5)
        try datastore.transact { for id in 0..<count { try datastore.insert(table, shape.row(id, &random)) } }
        return (datastore, table)
    }

    private func storage(_ datastore: Datastore, _ table: TableID) -> TableRef {
        datastore.state.tables[Int(table.rawValue)]!
    }

    /// Pieces that are marked for the newest snapshot.
    private func markedCount(_ datastore: Datastore, _ table: TableID) -> Int {
        guard let saver = storage(datastore, table).storage.savers.last else { return 0 }
        return (0..<saver.pageCount).reduce(0) { sum, page in
            sum + (0..<256).count { saver.isMarked(page, $0) }
        }
    }

    private func pages(_ datastore: Datastore, _ table: TableID) -> [ObjectIdentifier?] {
        storage(datastore, table).storage.pages.map { page in page.map { ObjectIdentifier($0) } }
    }

    private func update(_ datastore: Datastore, _ table: TableID, _ ids: some Sequence<Int>) throws {
        var random = SplitMix64(seed: 77)
        try datastore.transact(collecting: .none) {
            for id in ids { try datastore.update(datastore.index(table), Shape.fixed.row(id, &random)) }
        }
    }

    @Test func aWriteSavesOnceWhatItChangesAndMovesNoPage() throws {
        let (datastore, table) = try make(.fixed, 4_000)
        let before = pages(datastore, table)
        let snapshot = datastore.snapshot()
        let rows = snapshot.rows(table)
        #expect(markedCount(datastore, table) == 0)
        for _ in 0..<20 {
            try update(datastore, table, [3_000])
            // 76 bytes lie in one piece or in two.
            #expect((1...2).contains(markedCount(datastore, table)))
        }
        try update(datastore, table, 0..<4_000)
        #expect(pages(datastore, table) == before)
        #expect(snapshot.rows(table) == rows && datastore.snapshot().rows(table) != rows)
    }

    /// The lock of a page may be in the hands of a thread that steps back for all others.
    @Test(arguments: [1, 2])
    func aWriteWaitsForNoReader(_ snapshotCount: Int) throws {
        let (datastore, table) = try make(.fixed, 4_000)
        let before = pages(datastore, table)
        let snapshots = (0..<snapshotCount).map { _ in datastore.snapshot() }
        let rows = snapshots[0].rows(table)
        try update(datastore, table, [5])
        let page = try #require(storage(datastore, table).storage.pages[0])
        try page.lock.withLock { _ in
            try update(datastore, table, 0..<50)
            try datastore.transact {
                for id in 20..<30 { try datastore.delete(datastore.index(table), [.u32(UInt32(id))]) }
            }
        }
        try update(datastore, table, 100..<200)
        #expect(zip(before, pages(datastore, table)).count { $0 != $1 } == 1)
        for snapshot in snapshots { #expect(snapshot.rows(table) == rows) }
        try datastore.checkInvariants()
    }

    @Test func aDroppedSnapshotStopsTheSaving() throws {
        let (datastore, table) = try make(.fixed, 1_000)
        var snapshot: DatastoreSnapshot? = datastore.snapshot()
        #expect(snapshot?.count(table) == 1_000)
        snapshot = nil
        try update(datastore, table, 0..<1_000)
        #expect(storage(datastore, table).storage.savers.isEmpty)
        #expect(datastore.sharedMemory().snapshotByteCount == 0)
    }

    @Test func aTableYoungerThanTheSnapshotIsNotSaved() throws {
        let (datastore, _) = try make(.fixed, 10)
        let old = datastore.snapshot()
        var new: DatastoreSnapshot? = datastore.snapshot()
        #expect(new?.tableIDs.count == 1)
        let young = try datastore.make("young", Shape.fixed.columns, primaryKey: [0])
        new = nil
        var random = SplitMix64(seed: 1)
        try datastore.transact { for id in 0..<9 { try datastore.insert(young, Shape.fixed.row(id, &random)) } }
        try update(datastore, young, 0..<9)
        #expect(storage(datastore, young).storage.savers.isEmpty)
        #expect(old.count(young) == 0 && old.rows(young).isEmpty)
    }

    @Test func whatWasSavedGoesWithTheLastWhoNeedsItAndWithoutTheWriter() throws {
        let (datastore, table) = try make(.fixed, 8_000)
        var first: DatastoreSnapshot? = datastore.snapshot()
        var second: DatastoreSnapshot? = datastore.snapshot()
        let rows = second?.rows(table)
        try update(datastore, table, 0..<8_000)
        let saved = datastore.sharedMemory().snapshotByteCount
        #expect(saved > 8_000 * 76)
        #expect(first?.rows(table) == rows)
        first = nil
        // It was saved for the older one, and the newer one has it.
        #expect(datastore.sharedMemory().snapshotByteCount == saved)
        try update(datastore, table, 0..<8_000)
        #expect(second?.rows(table) == rows)
        #expect(datastore.sharedMemory().snapshotByteCount == saved)
        second = nil
        #expect(datastore.sharedMemory().snapshotByteCount == 0)
    }

    @Test func snapshotsOfOneMomentShareWhatIsSaved() throws {
        let (datastore, table) = try make(.fixed, 8_000)
        let snapshots = (0..<20).map { _ in datastore.snapshot() }
        let rows = snapshots[0].rows(table)
        try update(datastore, table, 0..<8_000)
        // A piece of 256 bytes holds three rows; beside it lies its address.
        #expect(datastore.sharedMemory().snapshotByteCount < 8_000 * 76 * 5 / 4)
        for snapshot in snapshots { #expect(snapshot.rows(table) == rows) }
    }

    @Test func aLongSnapshotBesideManyShortOnesTakesNoMoreThanTheTable() throws {
        let (datastore, table) = try make(.fixed, 4_000)
        let long = datastore.snapshot()
        let rows = long.rows(table)
        let limit = 3 * storage(datastore, table).storage.byteCount
        for _ in 0..<50 {
            let short = datastore.snapshot()
            let shortRows = short.rows(table)
            try update(datastore, table, 0..<4_000)
            #expect(short.rows(table) == shortRows)
            #expect(datastore.sharedMemory().snapshotByteCount < limit)
        }
        // Nor does it where each overlaps the next.
        var last = datastore.snapshot()
        for _ in 0..<50 {
            let next = datastore.snapshot()
            try update(datastore, table, 0..<4_000)
            last = next
            #expect(datastore.sharedMemory().snapshotByteCount < limit)
        }
        #expect(long.rows(table) == rows && last.count(table) == 4_000)
        #expect(storage(datastore, table).storage.formerSavers.count <= 3)
    }

    @Test(arguments: Shape.allCases)
    func everySnapshotKeepsItsMomentWhateverComesAndGoes(_ shape: Shape) throws {
        var random = seededRandom()
        let count = shape == .long ? 30 : 1_500
        let (datastore, table) = try make(shape, count)
        let index = datastore.index(table)
        var snapshots: [(snapshot: DatastoreSnapshot, rows: [[UInt8]])] = []
        var ids = Set(0..<count)
        for _ in 0..<200 {
            switch random.below(8) {
            case 0...1 where snapshots.count < 6:
                let snapshot = datastore.snapshot()
                snapshots.append((snapshot, try datastore.rows(table).sortedBytes()))
            case 2 where !snapshots.isEmpty: snapshots.remove(at: random.below(snapshots.count))
            case 3:
                // Empties pages, which others then get.
                let first = random.below(count)
                try datastore.transact {
                    for id in first..<(first + count / 3) where ids.remove(id) != nil {
                        try datastore.delete(index, [.u32(UInt32(id))])
                    }
                }
            case 4 where random.oneIn(5):
                try datastore.transact { try datastore.clear(table) }
                ids = []
            case 5 where random.oneIn(3):
                datastore.begin()
                try datastore.clear(table)
                datastore.rollback()
            default:
                try datastore.transact {
                    for _ in 0..<random.below(40) {
                        let id = random.below(count)
                        if ids.insert(id).inserted {
                            try datastore.insert(table, shape.row(id, &random))
                        } else {
                            try datastore.update(index, shape.row(id, &random))
                        }
                    }
                }
            }
            if let (snapshot, rows) = snapshots.randomElement(using: &random) {
                try #require(snapshot.rows(table).sortedBytes() == rows)
            }
        }
        for (snapshot, rows) in snapshots { #expect(snapshot.rows(table).sortedBytes() == rows) }
        try datastore.checkInvariants()
        snapshots = []
        #expect(datastore.sharedMemory().snapshotByteCount == 0)
    }

    @Test(arguments: Shape.allCases)
    func searchesFindTheRowsOfTheMoment(_ shape: Shape) throws {
        let (datastore, table) = try make(shape, 40)
        let index = datastore.index(table)
        let snapshot = datastore.snapshot()
        // An id is the lowest byte of a row.
        let rows = snapshot.rows(table).sorted { $0[0] < $1[0] }
        var random = seededRandom()
        func search(_ id: Int) -> [[UInt8]] {
            var found: [[UInt8]] = []
            while !snapshot.forEachRow(
                of: table, by: [0], .key(index, AlgebraicValue.u32(UInt32(id)).bsatn()), where: nil,
                { found.append(Array($0)) })
            {}
            return found
        }
        #expect(search(7) == [rows[7]])
        try datastore.transact {
            for id in 0..<20 { try datastore.update(datastore.index(table), shape.row(id, &random)) }
            for id in 20..<30 { try datastore.delete(datastore.index(table), [.u32(UInt32(id))]) }
        }
        for id in 0..<40 { #expect(search(id) == [rows[id]]) }
    }

    @Test(arguments: Shape.allCases)
    func aTableGetsTheRowsOfTheSnapshotAlsoWhenTheyHaveChangedSince(_ shape: Shape) throws {
        let (datastore, table) = try make(shape, 300)
        let snapshot = datastore.snapshot()
        let rows = snapshot.rows(table).sortedBytes()
        var random = seededRandom()
        try datastore.transact {
            for id in 0..<20 { try datastore.update(datastore.index(table), shape.row(id, &random)) }
        }
        let copy = Datastore()
        _ = try copy.createTable(try #require(snapshot.schema(of: table)), id: table)
        try copy.adoptRows(of: table, from: snapshot, table)
        try copy.checkInvariants()
        #expect(try copy.rows(table).sortedBytes() == rows)
        try copy.transact { try copy.clear(table) }
        #expect(snapshot.rows(table).sortedBytes() == rows)
    }

    @Test(arguments: Shape.allCases)
    func readersNeverSeeWhatIsBeingWritten(_ shape: Shape) async throws {
        let count = shape == .long ? 40 : 2_000
        let (datastore, table) = try make(shape, count)
        let index = datastore.index(table)
        var random = seededRandom()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                let snapshot = datastore.snapshot()
                let expected = snapshot.rows(table)
                // Several live at once. After sixteen searches they find by an index of their own.
                group.addTask {
                    for _ in 0..<20 {
                        var found: [[UInt8]] = []
                        if snapshot.forEachRow(
                            of: table, by: [0], .range(index, IndexRange()), where: nil, { found.append(Array($0)) })
                        {
                            guard found.count == expected.count else {
                                throw ModelMismatch(description: "a snapshot's index lacks rows")
                            }
                        }
                        guard snapshot.rows(table) == expected else {
                            throw ModelMismatch(description: "a snapshot changed")
                        }
                    }
                }
                for _ in 0..<10 {
                    try datastore.transact(collecting: .none) {
                        for _ in 0..<20 { try datastore.update(index, shape.row(random.below(count), &random)) }
                    }
                }
            }
            try await group.waitForAll()
        }
        try datastore.checkInvariants()
        #expect(datastore.sharedMemory().snapshotByteCount == 0)
    }
}
