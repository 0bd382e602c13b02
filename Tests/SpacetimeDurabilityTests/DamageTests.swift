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

    /// - Parameter onBlock: what is done with a block, on whichever thread.
    private func readSnapshot(
        _ disk: SimulatedDisk, threads: Int = 1, onBlock: @escaping @Sendable (UInt32) throws -> Void = { _ in }
    ) throws -> ([UInt8], [[UInt8]]) {
        var reader = try SnapshotFileReader(disk, directory: "snapshots", nextOffset: 5)
        let header = try reader.readHeader()
        var blocks: [[UInt8]] = []
        try reader.forEachBlock(threads: threads) { tag, bytes in
            try onBlock(tag)
            return [UInt8(truncatingIfNeeded: tag)] + Array(bytes)
        } deliver: {
            blocks.append($0)
        }
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

    /// Blocks of different sizes, some of which can be compressed.
    private func writeLargeSnapshot(_ disk: SimulatedDisk, blocks: UInt32) throws {
        var writer = try SnapshotFileWriter(disk, directory: "snapshots", nextOffset: 5, databaseID: testID)
        try writer.writeHeader([1, 2, 3])
        for number in 0..<blocks {
            let bytes = (0..<(Int(number) % 7 * 300 + 1)).map {
                UInt8(truncatingIfNeeded: number % 2 == 0 ? 7 : $0 * 31)
            }
            try bytes.withUnsafeBytes { try writer.writeBlock(tag: number, $0) }
        }
        _ = try writer.finish()
    }

    @Test(arguments: [2, 3, 8])
    func severalThreadsReadASnapshotAsOneDoes(threads: Int) throws {
        let disk = SimulatedDisk()
        try writeLargeSnapshot(disk, blocks: 100)
        let alone = try readSnapshot(disk)
        #expect(alone.1.count == 100)
        let together = try readSnapshot(disk, threads: threads)
        #expect(together.0 == alone.0 && together.1 == alone.1)
    }

    /// However far the others are, the damage that is named is the first in the file.
    @Test func severalThreadsNameTheDamageThatOneNames() throws {
        let disk = SimulatedDisk()
        try writeLargeSnapshot(disk, blocks: 40)
        let path = try #require(disk.paths.first)
        let byteCount = try #require(disk.contents(path)).count
        for byte in stride(from: FileHeader.byteCount, to: byteCount, by: 89) {
            disk.flipBit(byte * 8, of: path)
            disk.flipBit((byteCount - 1) * 8, of: path)
            let alone = #expect(throws: StorageError.self) { try readSnapshot(disk) }
            let together = #expect(throws: StorageError.self) { try readSnapshot(disk, threads: 4) }
            #expect(alone?.byteOffset == together?.byteOffset && alone?.description == together?.description)
            disk.flipBit(byte * 8, of: path)
            disk.flipBit((byteCount - 1) * 8, of: path)
        }
    }

    @Test func theFirstErrorOfTheReaderItselfIsThrown() throws {
        struct Refused: Error, Equatable { let tag: UInt32 }
        let disk = SimulatedDisk()
        try writeLargeSnapshot(disk, blocks: 60)
        for threads in [1, 4] {
            let error = #expect(throws: Refused.self) {
                try readSnapshot(disk, threads: threads) { tag in if tag % 10 == 3 { throw Refused(tag: tag) } }
            }
            #expect(error == Refused(tag: 3))
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
