import SpacetimeDurability
import SpacetimeKit
import SpacetimeTesting
import Testing

/// Rows that vary in size, rows of one size, and none of them for long.
@Module enum Attic {
    static let tables = Tables(Box.self, Brick.self)

    @Reducer static func store(_ context: borrowing Context, first: UInt32, count: UInt32, text: String) throws {
        for id in first..<(first + count) { try context.db.box.insert(Box(id: id, shelf: id % 7, text: text)) }
    }

    @Reducer static func shorten(_ context: borrowing Context, id: UInt32, text: String) throws {
        try context.db.box.id.update(Box(id: id, shelf: 0, text: text))
    }

    @Reducer static func clearOut(_ context: borrowing Context, keepingEvery step: UInt32) throws {
        for box in context.db.box.rows where step == 0 || box.id % step != 0 { try context.db.box.id.delete(box.id) }
    }

    @Reducer static func build(_ context: borrowing Context, count: UInt32, mark: UInt64) throws {
        for id in 0..<count { try context.db.brick.insert(Brick(id: id, a: mark, b: mark)) }
    }

    @Reducer static func tearDown(_ context: borrowing Context, keepingEvery step: UInt32) throws {
        for brick in context.db.brick.rows where brick.id % step != 0 { try context.db.brick.id.delete(brick.id) }
    }
}

@Table(name: "box") struct Box {
    @PrimaryKey var id: UInt32
    @Indexed var shelf: UInt32
    var text: String
}

@Table(name: "brick") struct Brick {
    @PrimaryKey var id: UInt32
    var a: UInt64
    var b: UInt64
}

@Suite struct DeletedRowTests {
    private func open(_ disk: SimulatedDisk, compressing: Bool = false) throws -> Database<Attic> {
        var storage = StorageOptions.simulated(disk)
        storage.compresses = compressing
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        return try Database.open(.directory("attic", storage), module: Attic.self, options: options)
    }

    /// The blocks of all snapshots of a directory, decompressed, one after the other.
    private func blocks(_ disk: SimulatedDisk, _ directory: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let path = directory + "/snapshots"
        for nextOffset in try SnapshotFile.list(disk, directory: path) {
            var reader = try SnapshotFileReader(disk, directory: path, nextOffset: nextOffset)
            _ = try reader.readHeader()
            try reader.forEachBlock { bytes.append(contentsOf: $1) }
        }
        return bytes
    }

    private func count(_ needle: String, in bytes: [UInt8]) -> Int {
        let needle = Array(needle.utf8)
        var count = 0
        var start = 0
        while start + needle.count <= bytes.count {
            if bytes[start] == needle[0], bytes[start..<(start + needle.count)].elementsEqual(needle) { count += 1 }
            start += 1
        }
        return count
    }

    @Test(arguments: [40, 900, 15_000, 40_000])
    func bytesOfDeletedRowsAreInNoLaterSnapshotOrBackup(_ size: Int) throws {
        let disk = SimulatedDisk()
        let database = try open(disk)
        let (secret, kept) = ("SECRET-TEXT", "KEPT-TEXT")
        func text(_ mark: String) -> String {
            String(String(repeating: mark + "/", count: size / mark.utf8.count + 1).prefix(size))
        }
        try database.call(Attic.store, 1, 30, text(secret))
        // Kept ones stand between deleted ones: their pages are saved.
        try database.call(Attic.store, 100, 1, text(kept))
        try database.call(Attic.store, 31, 10, text(secret))
        try database.call(Attic.build, 3_000, 0x5459_4554_4349_4C53)
        try database.backup(to: "before", disk: disk)
        let before = try blocks(disk, "before")
        #expect(count(secret, in: before) >= 40 && count("SLICTEYT", in: before) == 6_000)

        // A shorter text in the slot of a longer one leaves a rest behind it.
        try database.call(Attic.shorten, 40, text(kept))
        try database.call(Attic.shorten, 40, String(text(kept).dropLast(6)))
        try database.call(Attic.shorten, 39, String(text(secret).prefix(4)))
        try database.call(Attic.clearOut, 20)
        try database.call(Attic.tearDown, 100)
        try database.takeSnapshot()
        try database.backup(to: "after", disk: disk)
        let ids = try database.read { Array($0.box.rows).map(\.id).sorted() }
        #expect(ids == [20, 40, 100])
        try database.call(Attic.clearOut, 100)
        try database.takeSnapshot()
        try database.backup(to: "empty", disk: disk)
        let perRow = count(secret, in: Array(text(secret).utf8))
        for (directory, rows) in [("attic", 1), ("after", 1), ("empty", 0)] {
            let bytes = try blocks(disk, directory)
            #expect(count(secret, in: bytes) == perRow * rows, "in \(directory)")
            #expect(count("SLICTEYT", in: bytes) == (directory == "attic" ? 2 : 1) * 60, "in \(directory)")
            #expect(count(kept, in: bytes) > 0)
        }
        try database.close()
    }

    @Test func snapshotsHoldNoEmptyPages() throws {
        let disk = SimulatedDisk()
        let database = try open(disk)
        for size in [100, 700, 3_000, 50_000] {
            let count = UInt32(2_000_000 / size)
            try database.call(Attic.store, 1, count, String(repeating: "x", count: size))
            try database.call(Attic.clearOut, 0)
            try database.call(Attic.build, 5_000, 7)
            try database.call(Attic.tearDown, 5_000)
        }
        let box = try #require(try database.memoryReport().tables.first { $0.name == "box" })
        #expect(box.rowCount == 0 && box.byteCount <= 80_000)
        let brick = try #require(try database.memoryReport().tables.first { $0.name == "brick" })
        #expect(brick.rowCount == 1 && brick.byteCount <= 2 * 65_536 + 10_000)
        let size = try database.backup(to: "copy", disk: disk).byteCount
        #expect(size < 10_000)
        try database.takeSnapshot()
        try database.close()

        let again = try open(disk)
        try again.checkInvariants()
        let report = try again.memoryReport()
        #expect(report.tables.first { $0.name == "box" }?.pageByteCount == 0)
        #expect(report.tables.first { $0.name == "brick" }?.pageByteCount == 65_536)
        #expect(try again.read { $0.brick.rows.map(\.id) } == [0])
        try again.close()
    }

    @Test func theReportTellsWhatIsFreeEmptyOrHeldForSnapshots() throws {
        let database = try Database.open(.inMemory, module: Attic.self)
        func box() throws -> MemoryReport.Table {
            try #require(try database.memoryReport().tables.first { $0.name == "box" })
        }
        try database.call(Attic.store, 1, 20_000, String(repeating: "x", count: 200))
        let full = try box()
        #expect(full.pageByteCount > 4_000_000 && full.freeByteCount < full.pageByteCount / 10)
        #expect(try database.memoryReport().snapshotByteCount == 0)

        try database.call(Attic.clearOut, 2)
        let half = try box()
        #expect(half.rowCount == 10_000 && half.pageByteCount < full.pageByteCount * 3 / 4)
        #expect(half.freeByteCount > 0)
        let report = try database.memoryReport()
        #expect(report.pooledByteCount > 300_000)
        #expect(report.byteCount >= half.byteCount + report.pooledByteCount)
        #expect(report.description.contains("empty pages: \(report.pooledByteCount) bytes"))

        var snapshot: DatabaseSnapshot<Attic>? = try database.snapshot()
        try database.call(Attic.clearOut, 0)
        #expect(try box().pageByteCount == 65_536)
        // A page without rows was and is the table's own.
        #expect(try database.memoryReport().snapshotByteCount >= half.pageByteCount - 65_536)
        #expect(try snapshot?.rows(Box.all).count == 10_000)
        snapshot = nil
        #expect(try database.memoryReport().snapshotByteCount == 0)
    }
}
