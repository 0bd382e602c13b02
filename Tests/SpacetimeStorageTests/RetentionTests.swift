import SpacetimeKit
import SpacetimeTesting
import Testing

/// What is removed, and what never is: the last sound base of the log.
@Suite struct RetentionTests {
    private let disk = SimulatedDisk()

    private var snapshots: [String] { disk.paths.filter { $0.hasSuffix(".snapshot") } }

    private func add(_ database: Database<Shop>, _ count: Int) throws {
        for _ in 0..<count {
            let number = try database.lastOffset().rawValue
            try database.call(Shop.add, "item \(number)", Int32(number))
        }
    }

    private func damage(_ path: String?) throws { disk.flipBit(1_000, of: try #require(path)) }

    @Test func aDamagedSnapshotDoesNotCountAndTheGoodOneStays() throws {
        var database = try Database.open(disk)
        for _ in 0..<2 {
            try add(database, 10)
            try database.takeSnapshot()
        }
        try add(database, 5)
        try database.close()
        try damage(snapshots.last)
        database = try Database.open(disk)
        #expect(database.openingWarnings.count == 1)
        try add(database, 5)
        try database.takeSnapshot()
        // The new one, the damaged one, and the sound one before.
        #expect(snapshots.count == 3)
        try add(database, 5)
        try database.close()
        try damage(snapshots.last)
        database = try Database.open(disk)
        #expect(database.openingWarnings.count == 2)
        #expect(try database.items().count == 35)
        try database.checkInvariants()
    }

    @Test func snapshotsThatNobodyReadAreReadBeforeTheyCount() throws {
        var database = try Database.open(disk) { $0.retention = .snapshots(3) }
        for _ in 0..<3 {
            try add(database, 10)
            try database.takeSnapshot()
        }
        try database.close()
        // The newest is read when the database is opened; this one is not.
        try damage(snapshots[1])
        let oldest = snapshots[0]
        database = try Database.open(disk) { $0.retention = .snapshots(3) }
        #expect(database.openingWarnings == [])
        try add(database, 10)
        try database.takeSnapshot()
        #expect(snapshots.count == 4 && snapshots[0] == oldest)
        try add(database, 10)
        try database.takeSnapshot()
        // Now three are sound, and the damaged one is older than they are.
        #expect(snapshots.count == 3 && !snapshots.contains(oldest))
        try database.close()
        #expect(try Database<Shop>.verify("shop", disk: disk).count >= 4)
    }

    @Test func aSnapshotThatDoesNotComeBackFromTheDiskRemovesNothing() throws {
        let database = try Database.open(disk)
        for _ in 0..<2 {
            try add(database, 10)
            try database.takeSnapshot()
        }
        let before = disk.paths
        try add(database, 10)
        var faults = SimulatedDisk.Faults()
        faults.unreadable = ["shop/snapshots/00000000000000000031.snapshot"]
        disk.setFaults(faults)
        #expect(throws: DatabaseError.self) { try database.takeSnapshot() }
        disk.setFaults(SimulatedDisk.Faults())
        #expect(Set(disk.paths).isSuperset(of: before) && snapshots.count == 2)
        try database.takeSnapshot()
        #expect(snapshots.count == 2 && snapshots.last == "shop/snapshots/00000000000000000031.snapshot")
    }

    @Test func withEverySnapshotDamagedTheWholeLogStays() throws {
        var database = try Database.open(disk) { $0.retention = .snapshots(2) }
        try add(database, 10)
        try database.takeSnapshot()
        try database.close()
        try damage(snapshots.last)
        database = try Database.open(disk)
        try add(database, 10)
        try database.takeSnapshot()
        try database.close()
        try damage(snapshots.last)
        #expect(try Database.open(disk).items().count == 20)
    }

    @Test func aSnapshotOfAnotherDatabaseDoesNotCount() throws {
        let database = try Database.open(disk)
        try add(database, 10)
        try database.takeSnapshot()
        var options = DatabaseOptions()
        options.seed = 99
        let other = try Database.open(.directory("other", .simulated(disk)), module: Shop.self, options: options)
        try add(other, 15)
        try other.takeSnapshot()
        let stray = try #require(disk.paths.last { $0.hasPrefix("other/snapshots/") })
        disk.setContents("shop/" + stray.dropFirst("other/".count), try #require(disk.contents(stray)))
        try add(database, 10)
        let sound = try #require(snapshots.first { $0.hasPrefix("shop/") })
        try database.takeSnapshot()
        #expect(snapshots.contains(sound))
    }
}
