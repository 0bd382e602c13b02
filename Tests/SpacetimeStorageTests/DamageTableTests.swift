import SpacetimeDurability
import SpacetimeKit
import SpacetimeTesting
import Testing

/// Every kind of damage in every log file, and what each operation makes of it.
@Suite struct DamageTableTests {
    private static let path = "shop"

    /// A closed database with a log of several files from the creation on, and no snapshot.
    private static let intact: SimulatedDisk? = {
        let disk = SimulatedDisk()
        do {
            let database = try Database<Shop>.open(disk) {
                $0.segmentByteCount = 1_200
                $0.snapshotLogByteCount = .max
                $0.retention = .keepEverything
            }
            for i in 0..<60 { try database.call(Shop.add, "item \(i)", Int32(i), until: .durable) }
            try database.close()
            return disk
        } catch { return nil }
    }()
    /// The last commit.
    private static let last: UInt64 = 60

    enum Place: String, CaseIterable, Sendable {
        case first
        case middle
        case newest
    }

    /// What became of a file. All of it hits its first transaction.
    enum Damage: String, CaseIterable, Sendable {
        case flippedHeader
        case flippedBatchHeader
        case flippedPayload
        case empty
        case cutWithinTheHeader
        case cutBehindTheHeader
        case cutWithinTheFirstBatch
        case garbage
        case missing
        case directory
        case unreadable
        case ofAnotherDatabase

        /// The error of an operation that cannot do without the file.
        var code: DatabaseError.Code {
            switch self {
            case .unreadable: .storageFailure
            case .ofAnotherDatabase: .incompatibleFiles
            default: .damaged
            }
        }
    }

    private static func offset(_ file: String) -> UInt64 { UInt64(file.dropLast(4).suffix(20)) ?? 0 }

    private func copy() throws -> (disk: SimulatedDisk, logs: [String]) {
        let disk = try #require(Self.intact).afterPowerLoss(.nothing, seed: 1)
        let logs = disk.paths.filter { $0.hasSuffix(".log") }
        try #require(logs.count >= 5)
        return (disk, logs)
    }

    private func apply(_ damage: Damage, to file: String, of disk: SimulatedDisk) throws {
        let bytes = try #require(disk.contents(file))
        switch damage {
        case .flippedHeader: disk.flipBit(20 * 8, of: file)
        case .flippedBatchHeader: disk.flipBit((64 + 20) * 8, of: file)
        case .flippedPayload: disk.flipBit((64 + 48 + 10) * 8, of: file)
        case .empty: disk.setContents(file, [])
        case .cutWithinTheHeader: disk.setContents(file, Array(bytes[..<63]))
        case .cutBehindTheHeader: disk.setContents(file, Array(bytes[..<64]))
        case .cutWithinTheFirstBatch: disk.setContents(file, Array(bytes[..<100]))
        case .garbage: disk.setContents(file, bytes.indices.map { UInt8(truncatingIfNeeded: $0 &* 7) })
        case .missing: try disk.remove(file)
        case .directory:
            try disk.remove(file)
            try disk.createDirectory(file)
        case .unreadable:
            var faults = SimulatedDisk.Faults()
            faults.unreadable = [file]
            disk.setFaults(faults)
        case .ofAnotherDatabase:
            // Of the same offset.
            let other = SimulatedDisk()
            let log = try CommitLog.open(
                other, directory: "log", databaseID: [UInt8](repeating: 1, count: 32), at: .empty(at: Self.offset(file))
            )
            try log.close()
            disk.setContents(file, try #require(other.contents("log/" + file.suffix(24))))
        }
    }

    /// - Returns: the error, if it is one that says where, and what to do.
    @discardableResult
    private func refusal(
        _ code: DatabaseError.Code, of file: String, _ name: String, _ body: () throws -> Void
    ) -> DatabaseError? {
        let error = #expect(throws: DatabaseError.self, "\(name)", performing: body)
        #expect(error?.code == code, "\(name): \(error as Any)")
        #expect(error?.message.contains(file.suffix(24)) == true, "\(name): \(error as Any)")
        return error
    }

    private func rows(_ disk: SimulatedDisk, _ path: String) throws -> Int {
        let database = try Database.open(.directory(path, .simulated(disk)), module: Shop.self)
        try database.checkInvariants()
        defer { try? database.close() }
        return try database.items().count
    }

    @Test(arguments: Damage.allCases, Place.allCases)
    func everyDamageIsSaidAndWhatLiesBeforeItIsReached(_ damage: Damage, _ place: Place) throws {
        let (disk, logs) = try copy()
        let file = logs[place == .first ? 0 : place == .middle ? logs.count / 2 : logs.count - 1]
        try apply(damage, to: file, of: disk)
        let before = disk.paths.map { disk.contents($0) }
        let last = TxOffset(Self.last)

        // Of a first file that is missing the others tell; of a last one, the manifest.
        let named = damage == .missing && place == .middle ? logs[logs.count / 2 + 1] : file
        let said = damage == .missing && place == .first ? "" : named
        let error = refusal(damage.code, of: said, "open") { _ = try Database.open(disk) }
        if damage.code != .storageFailure {
            let remedies = ["salvage", "estore a backup", "ove it away", "ove the file away"]
            #expect(remedies.contains { error?.message.contains($0) == true }, "\(error as Any)")
        }
        refusal(damage.code, of: said, "verify") { _ = try Database<Shop>.verify("shop", disk: disk) }
        refusal(damage.code, of: said, "asOf") {
            _ = try Database.open(at: "shop", asOf: last, module: Shop.self, disk: disk)
        }
        refusal(damage.code, of: said, "restore") { try Database<Shop>.restore(from: "shop", to: "r", disk: disk) }
        refusal(damage.code, of: said, "restore upTo") {
            try Database<Shop>.restore(from: "shop", to: "r", upTo: last, disk: disk)
        }
        refusal(damage.code, of: said, "replay") {
            _ = try Database<Shop>.replay(last, at: "shop", module: Shop.self, disk: disk)
        }
        refusal(damage.code, of: said, "plannedMigration") {
            _ = try Database<Shop>.plannedMigration(at: "shop", module: Shop.self, disk: disk)
        }
        if place == .first {
            refusal(.damaged, of: said, "salvage") { _ = try Database<Shop>.salvage("shop", to: "s", disk: disk) }
        } else {
            let good = Self.offset(file) - 1
            let past = try Database.open(at: "shop", asOf: TxOffset(good), module: Shop.self, disk: disk)
            #expect(try past.items().count == Int(good))
            try Database<Shop>.restore(from: "shop", to: "restored", upTo: TxOffset(good), disk: disk)
            #expect(try rows(disk, "restored") == Int(good))
            let replayed = try Database<Shop>.replay(TxOffset(good), at: "shop", module: Shop.self, disk: disk)
            #expect(replayed.differences == [])
            let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
            #expect(saved.offset == TxOffset(good))
            #expect(saved.problems.count == 1 && saved.problems[0].contains(named.suffix(24)), "\(saved.problems)")
            #expect(try rows(disk, "saved") == Int(good))
        }
        // Nobody mended, moved or removed anything.
        #expect(disk.paths.filter { $0.hasPrefix("shop/") }.map { disk.contents($0) } == before)
    }

    /// Files that are none of the log's by their names.
    @Test(arguments: [
        "00000000000000000000.log.bak", "Copy of 00000000000000000000.log", "log 2.log", "1.log", ".hidden",
    ])
    func copiesUnderOtherNamesAreNotLookedAt(_ name: String) throws {
        let (disk, logs) = try copy()
        disk.setContents("shop/log/" + name, try #require(disk.contents(logs[0])))
        #expect(try Database<Shop>.verify("shop", disk: disk).count >= 2)
        #expect(try Database<Shop>.salvage("shop", to: "saved", disk: disk).problems == [])
        let database = try Database.open(disk)
        #expect(try database.items().count == Int(Self.last))
        #expect(database.openingWarnings == [])
    }

    enum Stray: String, CaseIterable, Sendable {
        case copyOfTheFirst
        case empty
        case directory
        case text
    }

    /// Files that have the name of a log file and are none.
    @Test(arguments: Stray.allCases, [false, true])
    func strayFilesUnderALogFilesNameAreNamedAndLoseNothing(_ stray: Stray, isBehindTheEnd: Bool) throws {
        let (disk, logs) = try copy()
        let inside = Self.offset(logs[logs.count / 2]) + 1
        let digits = String(isBehindTheEnd ? 4_711 : inside)
        let file = "shop/log/" + String(repeating: "0", count: 20 - digits.count) + digits + ".log"
        #expect(!logs.contains(file))
        switch stray {
        case .copyOfTheFirst: disk.setContents(file, try #require(disk.contents(logs[0])))
        case .empty: disk.setContents(file, [])
        case .directory: try disk.createDirectory(file)
        case .text: disk.setContents(file, Array(String(repeating: "not a log file. ", count: 20).utf8))
        }
        let error = refusal(.damaged, of: file, "open") { _ = try Database.open(disk) }
        #expect(error?.message.contains("ove it away") == true || error?.message.contains("ove the file away") == true)
        refusal(.damaged, of: file, "verify") { _ = try Database<Shop>.verify("shop", disk: disk) }
        // What lies before it needs it not.
        let good = isBehindTheEnd ? Self.last : Self.offset(logs[logs.count / 2]) - 1
        #expect(
            try Database.open(at: "shop", asOf: TxOffset(good), module: Shop.self, disk: disk).items().count
                == Int(good))
        try Database<Shop>.restore(from: "shop", to: "restored", upTo: TxOffset(good), disk: disk)
        // And nothing is lost for it.
        let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
        #expect(saved.offset == TxOffset(Self.last) && saved.problems.count == 1, "\(saved)")
        #expect(saved.problems.first?.contains(file) == true)
        #expect(try rows(disk, "saved") == Int(Self.last))
        // Moved away, as the error says, it opens.
        if stray != .directory {
            try disk.remove(file)
            #expect(try rows(disk, "shop") == Int(Self.last))
        }
    }

    @Test func withSnapshotsTheNewestIsSavedAndWhatLiesBehindIt() throws {
        let disk = SimulatedDisk()
        let database = try Database.open(disk) { $0.segmentByteCount = 1_200 }
        for i in 0..<60 {
            try database.call(Shop.add, "item \(i)", Int32(i), until: .durable)
            if i == 20 || i == 40 { try database.takeSnapshot() }
        }
        try database.close()
        let logs = disk.paths.filter { $0.hasSuffix(".log") }
        let newest = try #require(logs.last)
        disk.flipBit(100, of: newest)
        refusal(.damaged, of: newest, "open") { _ = try Database.open(disk) }
        let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
        #expect(saved.offset.rawValue == Self.offset(newest) - 1 && saved.offset.rawValue > 41)
        // Damage below the snapshot that is read matters to the past only.
        disk.flipBit(100, of: newest)
        disk.flipBit(100, of: logs[0])
        #expect(try Database<Shop>.salvage("shop", to: "whole", disk: disk).problems == [])
        #expect(try rows(disk, "shop") == 60)
        refusal(.damaged, of: logs[0], "verify") { _ = try Database<Shop>.verify("shop", disk: disk) }
    }

    @Test func aLogThatIsGoneBehindASnapshotIsMissedByOpeningAndNotByABackup() throws {
        let disk = SimulatedDisk()
        let database = try Database.open(disk)
        for i in 0..<20 { try database.call(Shop.add, "item \(i)", Int32(i)) }
        try database.takeSnapshot()
        try database.call(Shop.add, "later", 1)
        try database.backup(to: "copy", disk: disk)
        try database.close()
        for path in disk.paths where path.hasPrefix("shop/log/") { try disk.remove(path) }
        refusal(.damaged, of: "log.manifest", "open") { _ = try Database.open(disk) }
        let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
        #expect(saved.offset == TxOffset(20) && saved.problems.count == 1)
        // A backup has no log and misses none.
        #expect(try rows(disk, "copy") == 21)
    }

    @Test func aLogThatEndsBeforeASnapshotIsDamaged() throws {
        let disk = SimulatedDisk()
        let database = try Database.open(disk) { $0.retention = .keepEverything }
        for i in 0..<20 { try database.call(Shop.add, "item \(i)", Int32(i)) }
        try database.takeSnapshot()
        try database.close()
        // As in files of the time before there were manifests.
        try disk.remove("shop/log.manifest")
        let logs = disk.paths.filter { $0.hasSuffix(".log") }
        for log in logs.dropFirst() { try disk.remove(log) }
        let bytes = try #require(disk.contents(logs[0]))
        disk.setContents(logs[0], Array(bytes[..<(bytes.count / 2)]))
        for damagesSnapshot in [false, true] {
            // Of a damaged snapshot enough may be left to know what it was of.
            if damagesSnapshot { disk.flipBit(2_000, of: try #require(disk.paths.last { $0.hasSuffix(".snapshot") })) }
            let error = #expect(throws: DatabaseError.self) { try Database.open(disk) }
            #expect(error?.code == .damaged && error?.message.contains(".snapshot") == true, "\(error as Any)")
        }
    }

    enum SnapshotDamage: String, CaseIterable, Sendable {
        case flippedHeader
        case flippedPayload
        case empty
        case cut
        case longer
        case missing
        case directory
        case unreadable
        case copyOfTheOlderOne
    }

    /// The older one and the log behind it hold everything, too.
    @Test(arguments: SnapshotDamage.allCases)
    func aDamagedNewestSnapshotIsPassedOverBySaying(_ damage: SnapshotDamage) throws {
        let disk = SimulatedDisk()
        let database = try Database.open(disk) { $0.retention = .keepEverything }
        for i in 0..<60 {
            try database.call(Shop.add, "item \(i)", Int32(i), until: .durable)
            if i == 20 || i == 40 { try database.takeSnapshot() }
        }
        try database.close()
        let snapshots = disk.paths.filter { $0.hasSuffix(".snapshot") }
        let file = try #require(snapshots.last)
        let bytes = try #require(disk.contents(file))
        switch damage {
        case .flippedHeader: disk.flipBit(20 * 8, of: file)
        case .flippedPayload: disk.flipBit(1_000, of: file)
        case .empty: disk.setContents(file, [])
        case .cut: disk.setContents(file, Array(bytes.dropLast()))
        case .longer: disk.setContents(file, bytes + [0])
        case .missing: try disk.remove(file)
        case .directory:
            try disk.remove(file)
            try disk.createDirectory(file)
        case .unreadable:
            var faults = SimulatedDisk.Faults()
            faults.unreadable = [file]
            disk.setFaults(faults)
        case .copyOfTheOlderOne: disk.setContents(file, try #require(disk.contents(snapshots[0])))
        }
        let problems = damage == .missing ? 0 : 1
        if damage == .missing {
            #expect(try Database<Shop>.verify("shop", disk: disk).count == 3)
        } else {
            refusal(damage == .unreadable ? .storageFailure : .damaged, of: file, "verify") {
                _ = try Database<Shop>.verify("shop", disk: disk)
            }
        }
        let past = try Database.open(at: "shop", asOf: TxOffset(50), module: Shop.self, disk: disk)
        #expect(try past.items().count == 50)
        #expect(past.openingWarnings.count == problems)
        let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
        #expect(saved.offset == TxOffset(60) && saved.problems.count == problems)
        let again = try Database.open(disk) { $0.retention = .keepEverything }
        #expect(try again.items().count == 60)
        #expect(again.openingWarnings.count == problems)
        #expect(again.openingWarnings.allSatisfy { $0.contains(file) })
        // Another one is taken, and counts.
        try again.takeSnapshot()
        try again.close()
        #expect(try Database.open(disk).openingWarnings == [])
    }

    @Test func aSnapshotOfAnotherDatabaseIsNamedAndNotTakenForThisOne() throws {
        let disk = SimulatedDisk()
        let database = try Database.open(disk)
        for i in 0..<20 { try database.call(Shop.add, "item \(i)", Int32(i)) }
        try database.close()
        var options = DatabaseOptions()
        options.seed = 99
        let other = try Database.open(.directory("other", .simulated(disk)), module: Shop.self, options: options)
        for i in 0..<50 { try other.call(Shop.add, "other \(i)", Int32(i)) }
        try other.takeSnapshot()
        try other.close()
        let file = try #require(disk.paths.last { $0.hasPrefix("other/snapshots/") })
        let stray = "shop/" + file.dropFirst("other/".count)
        disk.setContents(stray, try #require(disk.contents(file)))
        let error = #expect(throws: DatabaseError.self) { try Database.open(disk) }
        #expect(error?.code == .incompatibleFiles && error?.message.contains(stray) == true)
        let saved = try Database<Shop>.salvage("shop", to: "saved", disk: disk)
        #expect(saved.offset == TxOffset(20) && saved.problems.count == 1)
    }
}
