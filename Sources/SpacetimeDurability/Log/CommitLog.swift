import Synchronization

/// The log that commits are appended to: group commit by one writer thread.
///
/// ``append(_:at:)`` copies a record to memory. In rounds, the writer thread takes all that is there, writes it in batches,
/// syncs the file, raises ``durableEnd`` and wakes whoever waits for that; meanwhile the next group gathers. A record that
/// comes after a pause is written at once. Under load, rounds begin some milliseconds apart as long as nobody waits for
/// one (``LogOptions/lingerNanoseconds``): the interrupt at the end of each sync takes time from whichever thread runs on
/// that core.
///
/// After a write or sync that failed nothing more is written: what the disk has is unknown until the log is read again.
package final class CommitLog: Sendable {
    struct Pending: ~Copyable {
        var records = ByteBuffer(capacity: 1 << 16)
        var first: UInt64 = 0
        var count: UInt64 = 0
        /// The writer has found nothing to do, and must be told of the next record.
        var isWriterIdle = false
    }

    /// What the rounds of writing work with. The writer thread holds the lock for a round, or without one whoever waits for
    /// durability; beginning and closing take it, too, when there are no rounds.
    struct Writing: ~Copyable {
        var segment: SegmentWriter
        var records = ByteBuffer(capacity: 1 << 16)
    }

    private struct Signals {
        var hasBegun = false
        /// Somebody waits for what is pending.
        var isUrgent = false
        /// The writer had nothing to do: what comes next is written at once.
        var wasIdle = false
        /// The writer lets the next group grow, and can be hurried.
        var isLingering = false
        var isClosing = false
        var isStopped = false
        var failure: StorageError?
        var waiters: [(offset: UInt64, body: @Sendable (Result<Void, StorageError>) -> Void)] = []
    }

    private let pending: Mutex<Pending>
    private let writing: Mutex<Writing>
    private let signals = Monitor(Signals())
    private let options: LogOptions
    private let disk: any Disk
    package let directory: String
    /// Where the log ended when it was read.
    private let start: LogEnd

    private let durable: Atomic<UInt64>
    private let appended: Atomic<UInt64>
    private let hasFailed = Atomic(false)
    private let saturated = Atomic(false)
    private let wantsRotation = Atomic(false)

    /// Prepares a log for appending at its end, as a reader found it. No file is touched before ``begin()``; what is
    /// appended until then is kept in memory.
    package init(
        _ disk: any Disk, directory: String, databaseID: [UInt8], at end: LogEnd, options: LogOptions = LogOptions()
    ) {
        self.disk = disk
        self.directory = directory
        self.options = options
        start = end
        writing = Mutex(
            Writing(
                segment: SegmentWriter(disk, directory: directory, databaseID: databaseID, at: end, options: options)))
        var first = Pending()
        first.first = end.nextOffset
        pending = Mutex(first)
        durable = Atomic(end.nextOffset)
        appended = Atomic(end.nextOffset)
    }

    /// Begins to write: cuts a torn end, and writes what has been appended from then on.
    ///
    /// - Throws: then the log takes nothing any more.
    package func begin() throws(StorageError) {
        do throws(StorageError) {
            try onDisk { () throws(DiskError) in try disk.createDirectory(directory) }
            try writing.withLock { (writing) throws(StorageError) in try writing.segment.start(at: start) }
        } catch {
            fail(error)
            throw error
        }
        signals.withLock { $0.hasBegun = true }
        if options.hasWriterThread { startThread { self.run() } }
    }

    /// A log that has begun to write.
    package static func open(
        _ disk: any Disk, directory: String, databaseID: [UInt8], at end: LogEnd, options: LogOptions = LogOptions()
    ) throws(StorageError) -> CommitLog {
        let log = CommitLog(disk, directory: directory, databaseID: databaseID, at: end, options: options)
        try log.begin()
        return log
    }

    // MARK: Appending

    /// Adds the record of the next offset. It is copied to memory: there is no allocation in steady state, and no system
    /// call unless the writer sleeps or is just taking what is there.
    ///
    /// - Throws: after a failure what it was, after the end `closed`; `tooLarge`.
    package func append(_ record: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
        if hasFailed.load(ordering: .relaxed) { throw refusal() }
        guard record.count <= options.recordByteLimit else {
            throw StorageError(
                .tooLarge,
                "a transaction of \(record.count) bytes is larger than the log takes "
                    + "(\(options.recordByteLimit)); make it smaller")
        }
        let (waiting, wasIdle) = pending.withLock { pending in
            precondition(offset == pending.first + pending.count, "records are appended in order")
            pending.records.append(UInt32(record.count))
            // The caller's buffer stays as it is during the call.
            unsafe pending.records.append(RawSpan(_unsafeBytes: record))
            pending.records.prefetchEnd()
            pending.count += 1
            appended.store(offset + 1, ordering: .releasing)
            defer { pending.isWriterIdle = false }
            return (pending.records.count, pending.isWriterIdle)
        }
        if waiting > options.pendingByteLimit { saturated.store(true, ordering: .relaxed) }
        if wasIdle { signals.wake { _ in } }
    }

    @inline(never)
    private func refusal() -> StorageError {
        signals.withLock { $0.failure } ?? StorageError(.closed, "the log is closed")
    }

    /// All records below this offset are synced.
    package var durableEnd: UInt64 { durable.load(ordering: .acquiring) }
    /// The offset of the next record.
    package var appendedEnd: UInt64 { appended.load(ordering: .acquiring) }
    /// Why nothing is appended any more.
    package var failure: StorageError? { hasFailed.load(ordering: .relaxed) ? refusal() : nil }

    // MARK: Waiting

    /// Blocks until the record is synced.
    package func waitUntilDurable(_ offset: UInt64) throws(StorageError) {
        if durableEnd > offset { return }
        try hurry()
        signals.wait { signals in
            durable.load(ordering: .acquiring) > offset || signals.failure != nil || signals.isStopped
        }
        if durableEnd <= offset { throw refusal() }
    }

    /// Calls the body once the record is synced or never will be, from whichever thread finds out.
    package func whenDurable(_ offset: UInt64, _ body: @escaping @Sendable (Result<Void, StorageError>) -> Void) {
        try? hurry()
        let answer = signals.withLock { signals -> Result<Void, StorageError>? in
            if durable.load(ordering: .acquiring) > offset { return .success(()) }
            if let failure = signals.failure { return .failure(failure) }
            if signals.isStopped { return .failure(StorageError(.closed, "the log is closed")) }
            signals.waiters.append((offset, body))
            return nil
        }
        if let answer { body(answer) }
    }

    /// True from when more waits to be written than the limit until the next round takes it.
    package var isSaturated: Bool { saturated.load(ordering: .relaxed) }

    /// Blocks while ``isSaturated``.
    package func waitForRoom() throws(StorageError) {
        try hurry()
        signals.wait { signals in
            !saturated.load(ordering: .acquiring) || signals.failure != nil || signals.isStopped
        }
    }

    /// Has what is pending written without delay: here, if there is no thread for it.
    private func hurry() throws(StorageError) {
        if !options.hasWriterThread { return try flush() }
        let isLingering = signals.withLock { signals in
            signals.isUrgent = true
            return signals.isLingering
        }
        if isLingering { signals.wake { _ in } }
    }

    /// Blocks until everything that was appended is synced.
    package func flush() throws(StorageError) {
        let end = appendedEnd
        if options.hasWriterThread {
            if end > 0 { try waitUntilDurable(end - 1) }
        } else if end > durableEnd || wantsRotation.load(ordering: .relaxed) {
            try pump()
        }
    }

    // MARK: Writing

    private func run() {
        var lastRound = monotonicNanoseconds() - options.lingerNanoseconds
        while true {
            signals.wait { signals in nextStep(&signals, lastRound) }
            lastRound = monotonicNanoseconds()
            do { try pump() } catch { return }
            if appendedEnd == durableEnd, signals.withLock({ $0.isClosing }) {
                return signals.wake { $0.isStopped = true }
            }
        }
    }

    /// What the writer has to wait for before the next round.
    private func nextStep(_ signals: inout Signals, _ lastRound: Int64) -> Waiting {
        signals.isLingering = false
        if signals.isClosing || wantsRotation.load(ordering: .acquiring) { return .over }
        let isIdle = pending.withLock { pending in
            pending.isWriterIdle = pending.count == 0
            return pending.isWriterIdle
        }
        if isIdle {
            signals.isUrgent = false
            signals.wasIdle = true
            return .untilWoken
        }
        let left = lastRound + options.lingerNanoseconds - monotonicNanoseconds()
        if signals.isUrgent || signals.wasIdle || left <= 0 {
            signals.isUrgent = false
            signals.wasIdle = false
            return .over
        }
        signals.isLingering = true
        return .atMost(left)
    }

    /// One round: takes what is pending, writes it, syncs.
    private func pump() throws(StorageError) {
        // What a failed round had taken is lost to the next one: it must not call itself done.
        if hasFailed.load(ordering: .acquiring) { throw refusal() }
        do throws(StorageError) {
            let end = try writing.withLock { (writing) throws(StorageError) -> UInt64 in
                let (first, count) = pending.withLock { pending in
                    let taken = (pending.first, pending.count)
                    swap(&pending.records, &writing.records)
                    pending.first += pending.count
                    pending.count = 0
                    saturated.store(false, ordering: .releasing)
                    return taken
                }
                if count > 0 {
                    try writing.segment.write(writing.records, first: first, durableEnd: durableEnd)
                    try writing.segment.sync()
                    writing.records.removeAll()
                    writing.records.shrink(to: options.pendingByteLimit)
                }
                if wantsRotation.exchange(false, ordering: .acquiringAndReleasing) {
                    try writing.segment.rotate(at: first + count)
                }
                return first + count
            }
            durable.store(end, ordering: .releasing)
            resumeWaiters(below: end)
        } catch {
            fail(error)
            throw error
        }
    }

    private func resumeWaiters(below end: UInt64) {
        var ready: [@Sendable (Result<Void, StorageError>) -> Void] = []
        signals.wake { signals in
            guard !signals.waiters.isEmpty else { return }
            ready = signals.waiters.filter { $0.offset < end }.map(\.body)
            signals.waiters.removeAll { $0.offset < end }
            // Who waited for this round mostly waits for what came during it, too, and says so a moment from now: the disk
            // need not stand still until then.
            if !ready.isEmpty { signals.isUrgent = true }
        }
        for body in ready { body(.success(())) }
    }

    private func fail(_ error: StorageError) {
        var waiting: [@Sendable (Result<Void, StorageError>) -> Void] = []
        hasFailed.store(true, ordering: .releasing)
        signals.wake { signals in
            signals.failure = error
            signals.isStopped = true
            waiting = signals.waiters.map(\.body)
            signals.waiters = []
        }
        for body in waiting { body(.failure(error)) }
    }

    // MARK: Segments

    /// Asks for a new segment. It begins behind what the next round writes: the records that are appended by now, and maybe
    /// some that come meanwhile.
    package func rotate() {
        wantsRotation.store(true, ordering: .releasing)
        if options.hasWriterThread { signals.wake { _ in } }
    }

    /// Removes segments all of whose records lie below the offset; never the last one.
    ///
    /// - Returns: the names of what was removed.
    @discardableResult
    package func removeSegments(below offset: UInt64) throws(StorageError) -> [String] {
        let segments = try LogReader(disk, directory: directory).segments
        var removed: [String] = []
        for (segment, next) in zip(segments, segments.dropFirst()) where next.firstOffset <= offset {
            // Oldest first: an interruption leaves no gap.
            do throws(DiskError) { try disk.remove(directory + "/" + segment.name) } catch
                where error.code == .notAFile
            {
                // Somebody's directory under such a name: not the log's to remove.
                continue
            } catch {
                throw StorageError(from: error)
            }
            try? disk.remove(directory + "/" + FileName.make(segment.firstOffset, SegmentIndex.suffix))
            removed.append(segment.name)
        }
        if !removed.isEmpty { try onDisk { () throws(DiskError) in try disk.syncDirectory(directory) } }
        return removed
    }

    /// Writes and syncs everything, says in the log that it is complete, and ends the writer. Later appends are refused. If
    /// it has not begun, what was appended is dropped and no file is touched.
    ///
    /// - Throws: what the log failed of, now or before; then it has only ended.
    package func close() throws(StorageError) {
        let (isFirst, hasBegun) = signals.withLock { signals in
            defer { signals.isClosing = true }
            return (!signals.isClosing, signals.hasBegun)
        }
        guard hasBegun else { return fail(StorageError(.closed, "the log was never begun")) }
        guard isFirst else { return signals.wait { $0.isStopped } }
        if options.hasWriterThread {
            signals.wake { _ in }
            signals.wait { $0.isStopped }
        } else if failure == nil {
            try flush()
        }
        let failed = failure
        fail(failed ?? StorageError(.closed, "the database is closed"))
        if let failed { throw failed }
        try writing.withLock { (writing) throws(StorageError) in
            try writing.segment.finish(nextOffset: durableEnd)
        }
    }
}
