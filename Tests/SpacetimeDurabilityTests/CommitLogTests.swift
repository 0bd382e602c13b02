import SpacetimeTesting
import Synchronization
import Testing

@testable import SpacetimeDurability

let testID = [UInt8](repeating: 7, count: 32)

extension LogOptions {
    static var small: LogOptions {
        var options = LogOptions()
        options.segmentByteLimit = 700
        options.preallocationByteCount = 256
        options.batchByteLimit = 200
        options.hasWriterThread = false
        return options
    }
}

/// A record that tells its offset, of a length that differs.
func record(_ offset: UInt64) -> [UInt8] {
    Array("record \(offset) ".utf8) + [UInt8](repeating: UInt8(offset % 251), count: Int(offset * 7 % 90))
}

extension CommitLog {
    func append(_ offset: UInt64) throws { try record(offset).withUnsafeBytes { try append($0, at: offset) } }
}

/// Reads a log and returns its offsets, after checking what the records say.
func offsets(
    _ disk: any Disk, from: UInt64 = 0, before: UInt64 = .max, mode: LogReader.Mode = .strict
) throws -> (offsets: [UInt64], end: LogEnd) {
    var found: [UInt64] = []
    let end = try LogReader(disk, directory: "log").forEachRecord(from: from, before: before, mode: mode) {
        #expect(Array($1) == record($0))
        found.append($0)
    }
    return (found, end)
}

func makeLog(_ disk: any Disk, _ count: UInt64, closes: Bool = true) throws {
    let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: .small)
    for offset in 0..<count {
        try log.append(offset)
        if offset % 3 == 0 { try log.flush() }
    }
    if closes { try log.close() } else { try log.flush() }
}

/// Appends for many threads, one after the other, as the lock of a database does.
private final class Appender: Sendable {
    private let log: CommitLog
    private let next = Mutex<UInt64>(0)

    init(_ log: CommitLog) { self.log = log }

    func appendNext() throws -> UInt64 {
        try next.withLock { next in
            try log.append(next)
            next += 1
            return next - 1
        }
    }
}

@Suite struct CommitLogTests {
    @Test func recordsComeBackInOrderAcrossSegments() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 60)
        let (found, end) = try offsets(disk)
        #expect(found == Array(0..<60))
        #expect(end.nextOffset == 60 && end.tornByteCount == 0)
        #expect(try LogReader(disk, directory: "log").segments.count > 3)
    }

    @Test func readingStartsAndStopsAnywhere() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 60)
        for from in UInt64(0)..<60 { #expect(try offsets(disk, from: from).offsets == Array(from..<60)) }
        for end in UInt64(1)...60 { #expect(try offsets(disk, before: end).offsets == Array(0..<end)) }
    }

    @Test func aWrongIndexCostsTimeOnly() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 60)
        let index = try #require(disk.paths.first { $0.hasSuffix(".index") })
        for bit in 0..<((disk.contents(index)?.count ?? 0) * 8) {
            disk.flipBit(bit, of: index)
            #expect(try offsets(disk, from: 13).offsets == Array(13..<60))
            disk.flipBit(bit, of: index)
        }
        try disk.remove(index)
        #expect(try offsets(disk, from: 13).offsets == Array(13..<60))
    }

    @Test func theLogGoesOnWhereItEnded() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 20)
        var end = try offsets(disk).end
        for round in 0..<3 {
            let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: end, options: .small)
            let first = end.nextOffset
            for offset in first..<(first + 10) { try log.append(offset) }
            try log.close()
            end = try offsets(disk).end
            #expect(end.nextOffset == UInt64(30 + round * 10))
        }
    }

    @Test func aLargeRecordAndALargeBatchAreKept() throws {
        let disk = SimulatedDisk()
        var options = LogOptions()
        options.hasWriterThread = false
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: options)
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 1_000) }
        try large.withUnsafeBytes { try log.append($0, at: 0) }
        try [].withUnsafeBytes { try log.append($0, at: 1) }
        try log.close()
        var sizes: [Int] = []
        _ = try LogReader(disk, directory: "log").forEachRecord(from: 0) { _, bytes in
            sizes.append(bytes.count)
            if bytes.count > 0 { #expect(Array(bytes) == large) }
        }
        #expect(sizes == [3_000_000, 0])
        // It was compressed.
        #expect(disk.byteCount < 1_000_000)
    }

    @Test func recordsBeyondTheLimitAreRefusedAndTheLogGoesOn() throws {
        var options = LogOptions.small
        options.recordByteLimit = 100
        let disk = SimulatedDisk()
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: options)
        let error = #expect(throws: StorageError.self) {
            try [UInt8](repeating: 0, count: 101).withUnsafeBytes { try log.append($0, at: 0) }
        }
        #expect(error?.code == .tooLarge)
        try log.append(0)
        try log.close()
        #expect(try offsets(disk).offsets == [0])
    }

    @Test func afterAFailedSyncNothingIsAppended() throws {
        let disk = SimulatedDisk()
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: .small)
        try log.append(0)
        try log.flush()
        var faults = SimulatedDisk.Faults()
        faults.failingSyncs = [disk.syncCount]
        disk.setFaults(faults)
        try log.append(1)
        #expect(throws: StorageError.self) { try log.waitUntilDurable(1) }
        // The disk works again, but what the failed round held is gone.
        #expect(throws: StorageError.self) { try log.waitUntilDurable(1) }
        #expect(throws: StorageError.self) { try log.flush() }
        #expect(throws: StorageError.self) { try log.append(2) }
        #expect(log.durableEnd == 1)
        #expect(throws: StorageError.self) { try log.close() }
    }

    @Test func aFullDiskIsAnErrorAndWhatWasDurableStays() throws {
        var faults = SimulatedDisk.Faults()
        faults.capacity = 2_000
        let disk = SimulatedDisk(faults: faults)
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: .small)
        var durable: UInt64 = 0
        let error = #expect(throws: StorageError.self) {
            for offset in UInt64(0)..<1_000 {
                try log.append(offset)
                try log.flush()
                durable = offset + 1
            }
        }
        #expect(error?.cause?.code == .full)
        #expect(try offsets(disk.afterPowerLoss(.everythingUnsynced, seed: 1)).offsets == Array(0..<durable))
    }

    @Test func oldSegmentsAreRemovedWhole() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 40)
        let end = try offsets(disk).end
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: end, options: .small)
        let segments = try LogReader(disk, directory: "log").segments
        try log.removeSegments(below: segments[2].firstOffset)
        let left = try LogReader(disk, directory: "log").segments
        #expect(left == Array(segments[2...]))
        #expect(try offsets(disk, from: left[0].firstOffset).offsets.first == left[0].firstOffset)
        #expect(throws: StorageError.self) { try offsets(disk) }
        // The last one stays in any case.
        try log.removeSegments(below: .max)
        #expect(try LogReader(disk, directory: "log").segments.count == 1)
    }

    @Test func aNewerFormatAndOtherFilesAreRefusedByName() throws {
        let disk = SimulatedDisk()
        try makeLog(disk, 2)
        let path = try #require(disk.paths.first { $0.hasSuffix(".log") })
        try setFormat(9, of: path, disk)
        let error = #expect(throws: StorageError.self) { try offsets(disk) }
        #expect(error?.code == .newerFormat)
        #expect(error?.message.contains("format 9") == true)
        disk.setContents(path, Array("something else".utf8))
        #expect(throws: StorageError.self) { try offsets(disk) }
    }

    private func setFormat(_ format: UInt8, of path: String, _ disk: SimulatedDisk) throws {
        var bytes = try #require(disk.contents(path))
        bytes[8] = format
        let crc = crc32c(bytes.span.bytes.extracting(..<60))
        for i in 0..<4 { bytes[60 + i] = UInt8(truncatingIfNeeded: crc >> UInt32(8 * i)) }
        disk.setContents(path, bytes)
    }

    /// A log of so many records as an older version left it.
    private func makeOldLog(_ format: UInt8, _ count: UInt64) throws -> (disk: SimulatedDisk, segments: [String]) {
        let disk = SimulatedDisk()
        try makeLog(disk, count)
        let segments = disk.paths.filter { $0.hasSuffix(".log") }
        for path in segments { try setFormat(format, of: path, disk) }
        return (disk, segments)
    }

    private func goOn(_ disk: SimulatedDisk, _ count: UInt64) throws {
        let end = try offsets(disk).end
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: end, options: .small)
        for offset in end.nextOffset..<(end.nextOffset + count) { try log.append(offset) }
        try log.close()
    }

    /// Older versions would take the new kinds of records in it for damage: the header has to refuse them first.
    @Test(arguments: [1, 2] as [UInt8], [0, 7] as [UInt64])
    func aLogOfAnOlderFormatGoesOnInASegmentOfItsOwn(_ format: UInt8, _ count: UInt64) throws {
        let (disk, old) = try makeOldLog(format, count)
        for round in 1...2 as ClosedRange<UInt64> {
            try goOn(disk, 1)
            #expect(try offsets(disk).offsets == Array(0..<(count + round)))
            for path in disk.paths where path.hasSuffix(".log") {
                let isOld = count > 0 && old.contains(path)
                #expect(disk.contents(path)?[8] == (isOld ? format : 3), "\(path)")
            }
        }
        let kept = count > 0 ? old.count : 0
        #expect(disk.paths.count { $0.hasSuffix(".log") } == kept + 1)
    }

    @Test(arguments: [0, 7] as [UInt64])
    func thePowerMayGoOffWhileALogLeavesItsOlderFormat(_ count: UInt64) throws {
        var interrupted = 0
        for point in 0..<40 {
            let (disk, _) = try makeOldLog(2, count)
            var faults = SimulatedDisk.Faults()
            faults.powerOffAt = disk.operationCount + point
            disk.setFaults(faults)
            do { try goOn(disk, 2) } catch { interrupted += 1 }
            let rest = disk.afterPowerLoss(.arbitrarySectors, seed: UInt64(point))
            let found = try offsets(rest).offsets
            #expect(found == Array(0..<UInt64(found.count)) && found.count >= Int(count))
            try goOn(rest, 2)
            #expect(try offsets(rest).offsets.count == found.count + 2)
        }
        #expect(interrupted > 5)
    }

    /// Who is told that something is durable mostly waits for what came meanwhile, too, and may say so late.
    @Test(.timeLimit(.minutes(10))) func whatCameDuringARoundThatSomebodyWaitedForIsWrittenAtOnce() throws {
        let disk = SimulatedDisk()
        var options = LogOptions()
        options.lingerNanoseconds = 3_600_000_000_000
        let log = try CommitLog.open(disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: options)
        let syncs = disk.syncCount
        let isSecondRound = Monitor(false)
        var faults = SimulatedDisk.Faults()
        faults.onOperation = { [weak disk] _ in
            if let disk, disk.syncCount > syncs { isSecondRound.wake { $0 = true } }
        }
        disk.setFaults(faults)
        log.whenDurable(0) { _ in #expect(throws: Never.self) { try log.append(1) } }
        try log.append(0)
        isSecondRound.wait { $0 }
        try log.close()
        #expect(try offsets(disk).offsets == [0, 1])
    }

    @Test func manyThreadsShareSyncsAndAllBecomeDurable() async throws {
        let disk = SimulatedDisk()
        let log = try CommitLog.open(
            disk, directory: "log", databaseID: testID, at: .empty(at: 0), options: LogOptions())
        let appender = Appender(log)
        let callers: UInt64 = 16
        let each: UInt64 = 200
        try await withThrowingTaskGroup { group in
            for caller in 0..<callers {
                group.addTask {
                    for _ in 0..<each {
                        let offset = try appender.appendNext()
                        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                            log.whenDurable(offset) { done.resume(with: $0.mapError { $0 as any Error }) }
                        }
                        if log.durableEnd <= offset || caller > callers { Issue.record("woken too early") }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(log.durableEnd == callers * each)
        try log.close()
        #expect(try offsets(disk).offsets == Array(0..<(callers * each)))
    }
}
