import SpacetimeDurability
import SpacetimeSATS
import Synchronization

/// The files of a module's log: a line of JSON for each record.
///
/// ```
/// <directory>/module-log/<20 digits>.ndjson     numbered in the order in which they were begun
/// ```
///
/// A thread of its own reads the log as any follower does, and writes. So a disk that is slow or full costs records in the
/// files, which then say how many are missing, and holds up nobody. Nothing is synced but at the end: what a loss of power
/// takes is the log of the last seconds, and no data.
final class LogFiles: Sendable {
    private let disk: any Disk
    private let directory: String
    private let fileByteLimit: UInt64
    private let totalByteLimit: UInt64
    private let runsInBackground: Bool

    private struct Writer {
        var file: (any DiskFile)?
        var number: UInt64 = 0
        var byteCount: UInt64 = 0
        /// Files that are there, with their sizes, oldest first.
        var files: [(number: UInt64, byteCount: UInt64)] = []
        /// The next record to be written.
        var next = LogRing.start
        var failure: DiskError?
    }

    private let writer = Mutex(Writer())
    /// How far the thread has come, and whether it has ended.
    private let progress = Monitor((next: LogRing.start, hasEnded: false, hasThread: false))

    private static let suffix = ".ndjson"

    init(_ disk: any Disk, directory: String, byteLimit: Int, runsInBackground: Bool) {
        self.disk = disk
        self.directory = directory
        totalByteLimit = UInt64(clamping: byteLimit)
        // The oldest eighth goes at a time.
        fileByteLimit = max(1, totalByteLimit / 8)
        self.runsInBackground = runsInBackground
    }

    var failure: DiskError? { writer.withLock { $0.failure } }

    // MARK: Earlier times

    /// True if there are files of earlier times.
    var exist: Bool { !numbers.isEmpty }

    private var numbers: [UInt64] {
        (try? disk.list(directory))?.compactMap { FileName.offset($0, Self.suffix) }.sorted() ?? []
    }

    private func path(_ number: UInt64) -> String { directory + "/" + FileName.make(number, Self.suffix) }

    /// The newest records in the files, oldest first. What cannot be read is passed over.
    func tail(byteLimit: Int) -> [LogRecord] {
        var pieces: [[LogRecord]] = []
        var left = byteLimit
        for number in numbers.reversed() where left > 0 {
            guard let bytes = readEnd(number, byteLimit: left) else { continue }
            left -= bytes.count
            pieces.append(
                bytes.split(separator: UInt8(ascii: "\n")).compactMap { LogRecord(jsonLine: Array($0)) })
        }
        return pieces.reversed().flatMap(\.self)
    }

    private func readEnd(_ number: UInt64, byteLimit: Int) -> [UInt8]? {
        guard let file = try? disk.open(path(number), .read) else { return nil }
        defer { file.close() }
        guard let size = try? file.size() else { return nil }
        let start = size > UInt64(byteLimit) ? size - UInt64(byteLimit) : 0
        return try? [UInt8](unsafeUninitializedCapacity: Int(size - start)) { buffer, count in
            count = try file.read(at: start, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    // MARK: Writing

    /// Begins to write what the log has and gets.
    func start(_ log: ModuleLog) {
        guard runsInBackground else { return }
        progress.withLock { $0.hasThread = true }
        let isStarted = startThreadIfPossible {
            self.run(log)
            self.progress.wake { $0.hasEnded = true }
        }
        // Without a thread records are written when somebody asks for it, and at the end.
        if !isStarted { progress.withLock { $0.hasThread = false } }
    }

    private func run(_ log: ModuleLog) {
        while true {
            let next = writer.withLock { $0.next }
            log.state.wait { $0.ring.end > next || $0.isClosed }
            guard writeBatch(log) else { return }
        }
    }

    /// Writes the next records.
    ///
    /// - Returns: false if there are none any more, and will be none.
    private func writeBatch(_ log: ModuleLog) -> Bool {
        writer.withLock { writer in
            let batch = log.take(from: writer.next, limit: 1_024)
            if batch.records.isEmpty { return !batch.isClosed }
            do throws(DiskError) {
                try write(batch.records, &writer)
                writer.failure = nil
            } catch {
                writer.failure = error
                // What was written of the batch is written over; the records are lost, and the reader moves on.
            }
            writer.next = batch.next
            progress.wake { $0.next = batch.next }
            return true
        }
    }

    private func write(_ records: [LogRecord], _ writer: inout Writer) throws(DiskError) {
        var bytes: [UInt8] = []
        for record in records {
            bytes += record.jsonLine
            if bytes.count >= 1 << 18 || writer.byteCount + UInt64(bytes.count) >= fileByteLimit {
                try append(bytes, &writer)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        if !bytes.isEmpty { try append(bytes, &writer) }
    }

    private func append(_ bytes: [UInt8], _ writer: inout Writer) throws(DiskError) {
        if writer.file != nil, writer.byteCount >= fileByteLimit { close(&writer) }
        let file: any DiskFile
        if let open = writer.file { file = open } else { file = try begin(&writer) }
        let end = writer.byteCount
        try bytes.withBytes { bytes throws(DiskError) in try file.write(bytes, at: end) }
        writer.byteCount += UInt64(bytes.count)
        writer.files[writer.files.count - 1].byteCount = writer.byteCount
        try removeOld(&writer)
    }

    private func begin(_ writer: inout Writer) throws(DiskError) -> any DiskFile {
        try disk.createDirectory(directory)
        if writer.files.isEmpty {
            for number in numbers {
                let file = try disk.open(path(number), .read)
                defer { file.close() }
                writer.files.append((number, try file.size()))
            }
        }
        writer.number = (writer.files.last?.number ?? 0) + 1
        let file = try disk.open(path(writer.number), .create)
        writer.file = file
        writer.byteCount = 0
        writer.files.append((writer.number, 0))
        return file
    }

    private func close(_ writer: inout Writer) {
        // A log that cannot be synced is still there, as a rule.
        try? writer.file?.sync()
        writer.file?.close()
        writer.file = nil
    }

    private func removeOld(_ writer: inout Writer) throws(DiskError) {
        var total = writer.files.reduce(0) { $0 + $1.byteCount }
        while total > totalByteLimit, writer.files.count > 1 {
            let oldest = writer.files.removeFirst()
            total -= oldest.byteCount
            do throws(DiskError) { try disk.remove(path(oldest.number)) } catch  where error.code == .notFound {
                // Somebody has removed it already.
            }
        }
    }

    // MARK: The end

    /// Returns once the records up to now are written, or given up.
    func flush(_ log: ModuleLog) {
        guard progress.withLock({ $0.hasThread }) else {
            let end = log.state.withLock { $0.ring.end }
            while writer.withLock({ $0.next }) < end, writeBatch(log) {}
            return
        }
        let end = log.state.withLock { $0.ring.end }
        progress.wait { $0.next >= end || $0.hasEnded }
    }

    /// Writes the rest, after the log was closed.
    func finish(_ log: ModuleLog) {
        flush(log)
        if progress.withLock({ $0.hasThread }) { progress.wait { $0.hasEnded } }
        writer.withLock { close(&$0) }
    }
}
