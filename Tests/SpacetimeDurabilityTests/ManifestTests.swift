import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeDurability

/// What is noted beside the segments, and what it brings to light.
@Suite struct ManifestTests {
    private let disk = SimulatedDisk()
    private let path = "log.manifest"

    private func manifest() throws -> LogManifest {
        guard case .known(let manifest) = try LogManifest.read(disk, ofLogIn: "log") else {
            throw StorageError(.damaged, "there is no manifest")
        }
        return manifest
    }

    private var logs: [String] { disk.paths.filter { $0.hasSuffix(".log") } }

    @Test func itNamesTheNewestSegmentAndAtTheEndHowFarTheLogReaches() throws {
        try makeLog(disk, 40, closes: false)
        let newest = try #require(try LogReader(disk, directory: "log").segments.last).firstOffset
        #expect(newest > 0)
        #expect(try manifest() == LogManifest(databaseID: testID, newestSegment: newest, end: newest))
        let end = try offsets(disk).end
        try CommitLog.open(disk, directory: "log", databaseID: testID, at: end, options: .small).close()
        #expect(try manifest() == LogManifest(databaseID: testID, newestSegment: newest, end: 40))
    }

    @Test func itsBytesAreThoseOfTheFormat() throws {
        try LogManifest(databaseID: testID, newestSegment: 0x0102, end: 0x0304).write(disk, ofLogIn: "log")
        let bytes = try #require(disk.contents(path))
        #expect(bytes.count == 72)
        #expect(Array(bytes[..<16]) == Array("STKITMAN".utf8) + [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(Array(bytes[16..<48]) == testID)
        #expect(Array(bytes[48..<68]) == [2, 1, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(
            crc32c(bytes.span.bytes.extracting(..<68))
                == bytes.span.bytes.integer(at: 68, as: UInt32.self))
    }

    @Test func oneThatIsDamagedIsSaidAndRefusesNothing() throws {
        try makeLog(disk, 20)
        let bytes = try #require(disk.contents(path))
        func check() throws {
            let (found, end) = try offsets(disk)
            #expect(found == Array(0..<20))
            #expect(end.notes.count == 1 && end.notes[0].contains(path))
        }
        for bit in 0..<(bytes.count * 8) {
            disk.flipBit(bit, of: path)
            try check()
            disk.flipBit(bit, of: path)
        }
        for count in 0..<bytes.count {
            disk.setContents(path, Array(bytes[..<count]))
            try check()
        }
        try disk.remove(path)
        try disk.createDirectory(path)
        try check()
    }

    @Test func aNewerOneIsRefusedByName() throws {
        try makeLog(disk, 2)
        var bytes = try #require(disk.contents(path))
        bytes[8] = 2
        let crc = crc32c(bytes.span.bytes.extracting(..<68))
        for i in 0..<4 { bytes[68 + i] = UInt8(truncatingIfNeeded: crc >> UInt32(8 * i)) }
        disk.setContents(path, bytes)
        let error = #expect(throws: StorageError.self) { try offsets(disk) }
        #expect(error?.code == .newerFormat && error?.file == path)
    }

    @Test func aLogWithoutOneIsReadAndGetsOneWhenItGoesOn() throws {
        try makeLog(disk, 20)
        try disk.remove(path)
        let (found, end) = try offsets(disk)
        #expect(found == Array(0..<20) && end.notes == [])
        _ = try CommitLog.open(disk, directory: "log", databaseID: testID, at: end, options: .small)
        #expect(try manifest().end == 20)
    }

    @Test func aMissingNewestSegmentIsDamageAndWhatLiesBeforeCanBeRead() throws {
        for closes in [true, false] {
            let disk = SimulatedDisk()
            try makeLog(disk, 40, closes: closes)
            let newest = try #require(try LogReader(disk, directory: "log").segments.last)
            try disk.remove("log/" + newest.name)
            let error = #expect(throws: StorageError.self) { try offsets(disk) }
            #expect(error?.code == .damaged && error?.file == "log/" + newest.name)
            let saved = try offsets(disk, mode: .salvage)
            #expect(saved.offsets == Array(0..<newest.firstOffset) && saved.end.damage?.contains(newest.name) == true)
            #expect(try offsets(disk, before: newest.firstOffset).offsets == Array(0..<newest.firstOffset))
            #expect(throws: StorageError.self) { try offsets(disk, before: newest.firstOffset + 1) }
            // All of them, and the directory with them.
            for path in disk.paths where path.hasPrefix("log/") { try disk.remove(path) }
            #expect(throws: StorageError.self) { try offsets(disk) }
            #expect(try offsets(disk, mode: .salvage).end.damage != nil)
        }
    }

    /// Where each batch of a segment ends, and the offset behind it.
    private func batchEnds(_ path: String) throws -> [(position: UInt64, nextOffset: UInt64)] {
        var reader = try SegmentReader(disk, path)
        var ends: [(UInt64, UInt64)] = []
        var position = UInt64(FileHeader.byteCount)
        while let batch = try reader.batch(at: position) {
            position += UInt64(BatchHeader.byteCount) + UInt64(batch.storedByteCount)
            ends.append((position, batch.endOffset))
        }
        return ends
    }

    @Test func aClosedLogWhoseFilesAreCutToAnyLengthIsRefusedUnlessAllOfItIsThere() throws {
        try makeLog(disk, 40)
        let segments = try LogReader(disk, directory: "log").segments
        #expect(segments.count > 3)
        for segment in [segments[0], segments[segments.count / 2], segments[segments.count - 1]] {
            let path = "log/" + segment.name
            let bytes = try #require(disk.contents(path))
            let ends = try batchEnds(path)
            for count in 0..<bytes.count {
                disk.setContents(path, Array(bytes[..<count]))
                let good = ends.last { $0.position <= UInt64(count) }?.nextOffset ?? segment.firstOffset
                let isLast = segment == segments.last
                // Only of the closing mark may a part be missing.
                if isLast, good == 40 {
                    #expect(try offsets(disk).offsets == Array(0..<40))
                } else {
                    let error = #expect(throws: StorageError.self) { try offsets(disk) }
                    #expect(error?.code == .damaged)
                    #expect("\(error as Any)".contains(segment.name), "cut to \(count)")
                }
                let saved = try offsets(disk, mode: .salvage)
                #expect(saved.offsets == Array(0..<good), "cut to \(count)")
                #expect((saved.end.damage == nil) == (good == 40))
                if good > 0 { #expect(try offsets(disk, before: good).offsets == Array(0..<good)) }
            }
            disk.setContents(path, bytes)
        }
    }

    @Test func aFlippedBitInAnyByteLeavesWhatLiesBeforeItsSegment() throws {
        try makeLog(disk, 14)
        for segment in try LogReader(disk, directory: "log").segments {
            let path = "log/" + segment.name
            for byte in 0..<(disk.contents(path)?.count ?? 0) {
                let bit = byte * 8 + byte % 8
                disk.flipBit(bit, of: path)
                let saved = try offsets(disk, mode: .salvage)
                #expect(saved.offsets == Array(0..<UInt64(saved.offsets.count)))
                #expect(saved.offsets.count >= Int(segment.firstOffset))
                if segment.firstOffset > 0 {
                    #expect(try offsets(disk, before: segment.firstOffset).offsets == Array(0..<segment.firstOffset))
                }
                disk.flipBit(bit, of: path)
            }
        }
    }

    @Test func aManifestOfAnotherDatabaseIsNamed() throws {
        try makeLog(disk, 20)
        let other = [UInt8](repeating: 8, count: 32)
        try LogManifest(databaseID: other, newestSegment: 99, end: 99).write(disk, ofLogIn: "log")
        let error = #expect(throws: StorageError.self) { try offsets(disk) }
        #expect(error?.code == .otherDatabase && error?.file == path)
        let saved = try offsets(disk, mode: .salvage)
        #expect(saved.offsets == Array(0..<20) && saved.end.damage == nil && saved.end.notes.count == 1)
    }

    @Test func sectorsThatCannotBeReadStopASalvageAndNothingElse() throws {
        try makeLog(disk, 40)
        let segments = try LogReader(disk, directory: "log").segments
        var faults = SimulatedDisk.Faults()
        faults.unreadable = ["log/" + segments[2].name]
        disk.setFaults(faults)
        let error = #expect(throws: StorageError.self) { try offsets(disk) }
        #expect(error?.code == .disk && error?.file == "log/" + segments[2].name)
        #expect(try offsets(disk, mode: .salvage).offsets == Array(0..<segments[2].firstOffset))
    }

    @Test func aLogThatIsBeingWrittenIsNeverTakenForDamaged() throws {
        let disk = SimulatedDisk()
        var options = LogOptions.small
        options.hasWriterThread = true
        options.segmentByteLimit = 100_000
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: options)
        let count: UInt64 = 3_000
        let failure = Mutex<(any Error)?>(nil)
        startThread {
            do {
                for offset in 0..<count {
                    try log.append(offset)
                    if offset % 3 == 0 { try log.waitUntilDurable(offset) }
                }
                try log.close()
            } catch { failure.withLock { $0 = error } }
        }
        while log.durableEnd < count, failure.withLock({ $0 == nil }) {
            let durable = log.durableEnd
            #expect(try offsets(disk, from: durable / 2).end.nextOffset >= durable)
        }
        #expect(failure.withLock { $0 } == nil)
    }

    @Test func aLogThatHasNotBegunTouchesNoFile() throws {
        try makeLog(disk, 10)
        let before = disk.paths.map { ($0, disk.contents($0)) }
        let log = CommitLog(
            disk, directory: "log", databaseID: testID, at: try offsets(disk).end, options: .small)
        try log.append(10)
        try log.close()
        #expect(throws: StorageError.self) { try log.append(11) }
        #expect(disk.paths.elementsEqual(before.map(\.0)))
        for (path, bytes) in before { #expect(disk.contents(path) == bytes) }
        // What is appended before it begins is written when it does.
        let again = CommitLog(
            disk, directory: "log", databaseID: testID, at: try offsets(disk).end, options: .small)
        try again.append(10)
        try again.begin()
        try again.close()
        #expect(try offsets(disk).offsets == Array(0..<11))
    }
}
