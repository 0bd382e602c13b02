import SpacetimeTesting
import Testing

@testable import SpacetimeDurability

@Suite struct DamageTests {
    /// What flipping one bit leads to.
    private enum Finding: Hashable { case refused, cut, unharmed }

    private func find(_ disk: SimulatedDisk, _ count: UInt64) throws -> Finding {
        do {
            let (found, end) = try offsets(disk)
            #expect(found == Array(0..<UInt64(found.count)))
            if UInt64(found.count) == count { return end.tornByteCount > 0 ? .cut : .unharmed }
            Issue.record("\(found.count) of \(count) records, and no error")
            return .unharmed
        } catch let error as StorageError {
            #expect(error.file != nil)
            return .refused
        }
    }

    @Test func eachFlippedBitOfAClosedLogIsFoundOrLosesNothing() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 14)
        var findings: [Finding: Int] = [:]
        for path in disk.paths where path.hasSuffix(".log") {
            for bit in 0..<((disk.contents(path)?.count ?? 0) * 8) {
                disk.flipBit(bit, of: path)
                findings[try find(disk, 14), default: 0] += 1
                disk.flipBit(bit, of: path)
            }
        }
        // Only in the closing mark can a bit change without a refusal, and then all records are there.
        #expect(findings[.unharmed] == nil)
        #expect(findings[.cut] == BatchHeader.byteCount * 8)
        #expect((findings[.refused] ?? 0) > 8_000)
    }

    @Test func aLogCutAnywhereKeepsAPrefix() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 6, closes: false)
        let path = try #require(disk.paths.last { $0.hasSuffix(".log") })
        let bytes = try #require(disk.contents(path))
        var longest = 0
        for count in FileHeader.byteCount..<bytes.count {
            disk.setContents(path, Array(bytes[..<count]))
            let found = try offsets(disk).offsets
            #expect(found == Array(0..<UInt64(found.count)))
            #expect(found.count >= longest)
            longest = found.count
        }
        #expect(longest == 6)
    }

    @Test func damageInTheMiddleIsNamedAndWhatLiesBeforeCanBeSaved() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 40)
        let path = try #require(disk.paths.filter { $0.hasSuffix(".log") }.dropFirst().first)
        disk.flipBit((FileHeader.byteCount + 60) * 8, of: path)
        let error = #expect(throws: StorageError.self) { try offsets(disk) }
        #expect(error?.code == .damaged)
        #expect(error?.file == path)
        #expect(error?.byteOffset == UInt64(FileHeader.byteCount))
        let saved = try offsets(disk, mode: .salvage)
        #expect(!saved.offsets.isEmpty && saved.end.damage?.contains(path) == true)
    }

    @Test func aMissingSegmentIsDamage() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 40)
        try disk.remove(try #require(disk.paths.filter { $0.hasSuffix(".log") }.dropFirst().first))
        let error = #expect(throws: StorageError.self) { try offsets(disk) }
        #expect(error?.code == .damaged)
    }

    private func readSnapshot(_ disk: SimulatedDisk) throws -> ([UInt8], [[UInt8]]) {
        var reader = try SnapshotFileReader(disk, directory: "snapshots", nextOffset: 5)
        let header = try reader.readHeader()
        var blocks: [[UInt8]] = []
        try reader.forEachBlock { tag, bytes in blocks.append([UInt8(tag)] + Array(bytes)) }
        return (header, blocks)
    }

    private func writeSnapshot(_ disk: SimulatedDisk) throws {
        var writer = try SnapshotFileWriter(disk, directory: "snapshots", nextOffset: 5, databaseID: testID)
        try writer.writeHeader([1, 2, 3])
        try [UInt8](repeating: 9, count: 2_000).withUnsafeBytes { try writer.writeBlock(tag: 1, $0) }
        try Array(0..<200).withUnsafeBytes { try writer.writeBlock(tag: 2, $0) }
        _ = try writer.finish()
    }

    @Test func aSnapshotComesBackAndEachFlippedBitIsFound() throws {
        let disk = SimulatedDisk()
        try writeSnapshot(disk)
        let whole = try readSnapshot(disk)
        #expect(whole.0 == [1, 2, 3] && whole.1.count == 2)
        let path = try #require(disk.paths.first)
        let byteCount = try #require(disk.contents(path)).count
        for bit in 0..<(byteCount * 8) {
            disk.flipBit(bit, of: path)
            #expect(throws: StorageError.self) { try readSnapshot(disk) }
            disk.flipBit(bit, of: path)
        }
        for count in 0..<byteCount {
            let cut = SimulatedDisk()
            try cut.createDirectory("snapshots")
            cut.setContents(path, Array(try #require(disk.contents(path))[..<count]))
            #expect(throws: StorageError.self) { try readSnapshot(cut) }
        }
    }

    @Test func anUnfinishedSnapshotIsNone() throws {
        let disk = SimulatedDisk()
        var writer = try SnapshotFileWriter(disk, directory: "snapshots", nextOffset: 5, databaseID: testID)
        try writer.writeHeader([1])
        #expect(try SnapshotFile.list(disk, directory: "snapshots") == [])
        SnapshotFile.removeLeftovers(disk, directory: "snapshots")
        #expect(disk.paths == [])
    }
}
