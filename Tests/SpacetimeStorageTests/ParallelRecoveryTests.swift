import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeTesting
import Testing

/// A snapshot that is read by several threads gives what one thread gives, byte for byte.
@Suite struct ParallelRecoveryTests {
    /// A disk with a snapshot of several blocks.
    private func snapshotOnDisk() throws -> (disk: SimulatedDisk, file: String) {
        let disk = SimulatedDisk()
        let database = try Database<Shop>.open(disk) { $0.snapshotLogByteCount = .max }
        for number in 0..<200 as Range<Int32> {
            // A row of 20 KB has a page to itself, and fifty such pages make a block.
            let code = "\(number) " + String(repeating: "code \(number % 7) ", count: 2_900)
            try database.call(Shop.add, code, number % 50)
        }
        try database.takeSnapshot()
        try database.close()
        return (disk, try #require(disk.paths.last { $0.hasSuffix(".snapshot") }))
    }

    private func pages(of recovered: RecoveredDatabase) -> [[UInt8]] {
        let snapshot = recovered.datastore.snapshot()
        var pages: [[UInt8]] = []
        for table in snapshot.tableIDs { snapshot.forEachPage(of: table) { pages.append(Array($0)) } }
        return pages
    }

    @Test(arguments: [2, 3, 7])
    func threadsRecoverWhatOneRecovers(threads: Int) throws {
        let (disk, _) = try snapshotOnDisk()
        let alone = try #require(try Recovery(disk, directory: "shop", threads: 1).run())
        let together = try #require(try Recovery(disk, directory: "shop", threads: threads).run())
        #expect(alone.warnings == [] && together.warnings == [])
        #expect(together.snapshotOffset == alone.snapshotOffset && together.nextOffset == alone.nextOffset)
        #expect(pages(of: alone).count >= 200)
        #expect(pages(of: together) == pages(of: alone))
        try together.datastore.checkInvariants()
    }

    /// The file and the place are those that one thread names, wherever the damage is.
    @Test func threadsNameTheDamageThatOneNames() throws {
        let (disk, file) = try snapshotOnDisk()
        let bytes = try #require(disk.contents(file))
        for part in 1..<8 {
            var damaged = bytes
            damaged[bytes.count * part / 8] ^= 1
            damaged[bytes.count - 20] ^= 1
            disk.setContents(file, damaged)
            // The log holds everything, too; so the damage is told of, and no more.
            let alone = try Recovery(disk, directory: "shop", threads: 1).run()
            let together = try Recovery(disk, directory: "shop", threads: 4).run()
            #expect(alone?.warnings == together?.warnings)
            #expect(together?.warnings.contains { $0.contains("\(file) at byte") } == true)
        }
    }
}
