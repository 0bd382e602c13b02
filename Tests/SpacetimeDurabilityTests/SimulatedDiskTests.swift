import SpacetimeDurability
import SpacetimeTesting
import Testing

/// The simulator must lose what a disk may lose, and nothing else.
@Suite struct SimulatedDiskTests {
    private func write(_ file: any DiskFile, _ text: String, at offset: UInt64 = 0) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: offset) }
    }

    private func text(_ disk: SimulatedDisk, _ path: String) -> String? {
        disk.contents(path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func bytesAreSafeAfterASyncOfTheFileAndNamesAfterOneOfTheDirectory() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("d")
        let file = try disk.open("d/a", .create)
        try write(file, "one")
        try file.sync()
        #expect(disk.afterPowerLoss(.everythingUnsynced, seed: 1).paths == [])
        try disk.syncDirectory("d")
        try write(file, "two", at: 3)
        #expect(text(disk, "d/a") == "onetwo")
        #expect(text(disk.afterPowerLoss(.everythingUnsynced, seed: 1), "d/a") == "one")
        #expect(text(disk.afterPowerLoss(.nothing, seed: 1), "d/a") == "onetwo")
    }

    @Test func aRenamingHappensWholeOrNotAtAll() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("d")
        try disk.open("d/a", .create).sync()
        try disk.syncDirectory("d")
        try disk.rename("d/a", to: "d/b")
        var seen: Set<[String]> = []
        for seed in 0..<40 { seen.insert(disk.afterPowerLoss(.arbitrarySectors, seed: UInt64(seed)).paths) }
        #expect(seen == [["d/a"], ["d/b"]])
    }

    @Test func unsyncedSectorsSurviveInAnyOrder() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("d")
        let file = try disk.open("d/a", .create)
        try file.truncate(to: 1_024)
        try file.sync()
        try disk.syncDirectory("d")
        try write(file, String(repeating: "x", count: 1_024))
        var seen: Set<String> = []
        for seed in 0..<60 {
            let bytes = try #require(disk.afterPowerLoss(.arbitrarySectors, seed: UInt64(seed)).contents("d/a"))
            seen.insert("\(bytes[0] != 0)\(bytes[512] != 0)")
        }
        #expect(seen.count == 4)
    }

    @Test func thePowerGoesOffAtTheOperationAskedForAndStaysOff() throws {
        var faults = SimulatedDisk.Faults()
        faults.powerOffAt = 2
        let disk = SimulatedDisk(faults: faults)
        try disk.createDirectory("d")
        let file = try disk.open("d/a", .create)
        #expect(throws: DiskError.self) { try write(file, "x") }
        #expect(throws: DiskError.self) { try disk.list("d") }
        #expect(throws: DiskError.self) { try file.sync() }
    }

    @Test func namesOfFilesAndOfDirectoriesExcludeEachOther() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("d/e")
        _ = try disk.open("d/a", .create)
        #expect(try disk.list("d") == ["a", "e"])
        func code(_ body: () throws -> Void) -> DiskError.Code? {
            #expect(throws: DiskError.self, performing: body)?.code
        }
        #expect(code { _ = try disk.list("d/a") } == .notADirectory)
        #expect(code { try disk.createDirectory("d/a") } == .notADirectory)
        #expect(code { try disk.createDirectory("d/a/b") } == .notADirectory)
        #expect(code { _ = try disk.open("d/e", .read) } == .notAFile)
        #expect(code { try disk.remove("d/e") } == .notAFile)
        #expect(code { _ = try disk.open("elsewhere/a", .create) } == .notFound)
    }

    @Test func equalSeedsLoseTheSame() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("d")
        let file = try disk.open("d/a", .create)
        try write(file, String(repeating: "y", count: 9_000))
        for loss in SimulatedDisk.Loss.allCases {
            let first = disk.afterPowerLoss(loss, seed: 5)
            let second = disk.afterPowerLoss(loss, seed: 5)
            #expect(first.paths == second.paths && first.contents("d/a") == second.contents("d/a"))
        }
    }
}
