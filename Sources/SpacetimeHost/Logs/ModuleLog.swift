package import SpacetimeDurability
import SpacetimeSATS
import Synchronization

/// What a module, and the database about it, have to say: for whoever runs it.
///
/// Lines are written at once, and stay when the transaction that wrote them is undone. They are kept in memory, up to a
/// bound, and those of a database in a directory in files, too (``ModuleLogOptions``). Writing waits for nobody: not for
/// the disk, and not for somebody who reads. Who reads too slowly loses the oldest lines, and is told how many.
///
/// ```swift
/// for record in db.log.last(20) { print(record.json) }
/// for await record in db.log.follow() { print(record.message) }
/// ```
public final class ModuleLog: Sendable {
    struct State {
        var ring: LogRing
        /// Followers that wait for the next record.
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
        var isClosed = false
    }

    /// Also waited for by the thread that writes the files.
    let state: Monitor<State>
    /// What is kept.
    public let options: ModuleLogOptions
    private let clock: any HostClock
    /// Set once, before anybody else knows of the log; nil if there are none.
    private let files: LogFiles?
    private let isWritingFiles = Atomic(false)

    init(_ options: ModuleLogOptions, clock: any HostClock, files: LogFiles? = nil) {
        self.options = options
        self.clock = clock
        self.files = options.fileByteLimit > 0 ? files : nil
        state = Monitor(State(ring: LogRing(recordLimit: options.recordLimit, byteLimit: options.byteLimit)))
    }

    // MARK: Writing

    /// Whether lines of a level are kept.
    @inline(__always)
    func keeps(_ level: LogLevel) -> Bool { level.isKept(downTo: options.level) }

    /// Writes a line of the module.
    package func append(
        _ level: LogLevel, _ message: String, target: String? = nil, file: String? = nil, line: UInt32? = nil,
        function: String? = nil, trace: [LogRecord.Frame] = []
    ) {
        guard keeps(level) else { return }
        keepInFiles()
        append(
            LogRecord(
                level, at: clock.now(), target: target, file: file, line: line, function: function,
                message: cut(message),
                trace: trace))
    }

    /// Writes a line of the database itself.
    package func appendOfHost(_ level: LogLevel, _ message: String) {
        guard keeps(level) else { return }
        append(.ofHost(level, at: clock.now(), cut(message)))
    }

    private func append(_ record: LogRecord) {
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        state.wake { state in
            state.ring.append(record)
            if !state.waiters.isEmpty { swap(&waiters, &state.waiters) }
        }
        for waiter in waiters.values { waiter.resume() }
    }

    private func cut(_ message: String) -> String { message.cut(toByteCount: options.messageByteLimit) }

    // MARK: Reading

    /// The newest records that are kept, oldest first. Costs what it returns.
    ///
    /// - Parameter count: how many at most; nil: all.
    public func last(_ count: Int? = nil) -> [LogRecord] {
        state.withLock { state in
            let wanted = UInt64(clamping: min(max(count ?? .max, 0), state.ring.count))
            return state.ring.records(from: state.ring.end - wanted)
        }
    }

    /// The records that come from now on, as they come, until the database is closed.
    ///
    /// Each follower goes at a speed of its own. One that falls so far behind that records are gone before it got to them
    /// gets, in their place, one of level ``LogLevel/warn`` that says how many.
    ///
    /// - Parameter backlog: how many of the records before are to come first; nil: all that are kept.
    public func follow(backlog: Int? = 0) -> Records {
        state.withLock { state in
            let wanted = UInt64(clamping: min(max(backlog ?? .max, 0), state.ring.count))
            return Records(log: self, next: state.ring.end - wanted)
        }
    }

    /// What a reader gets that is at a number.
    struct Batch {
        var records: [LogRecord]
        /// How many were gone before it got to them.
        var lostCount: UInt64
        var isClosed: Bool
        /// Where the reader is afterwards.
        var next: UInt64
    }

    static func take(from number: UInt64, limit: Int, in state: State) -> Batch {
        let start = max(number, state.ring.first)
        let records = state.ring.records(from: start, limit: limit)
        return Batch(
            records: records, lostCount: start - number, isClosed: state.isClosed, next: start + UInt64(records.count))
    }

    static func lossMessage(_ count: UInt64) -> String {
        "\(count) records are missing here: they came faster than they were read"
    }

    func take(from number: UInt64, limit: Int) -> Batch {
        var batch = state.withLock { Self.take(from: number, limit: limit, in: $0) }
        if batch.lostCount > 0 {
            batch.records.insert(.ofHost(.warn, at: clock.now(), Self.lossMessage(batch.lostCount)), at: 0)
        }
        return batch
    }

    /// Suspends until there are records from a number on, the log was closed, or the task was cancelled.
    func waitForRecords(from number: UInt64) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isReady = state.withLock { state in
                    // Cancelling sets the mark before it asks for the lock, so one of the two sees the other.
                    if state.ring.end > number || state.isClosed || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    // MARK: Files

    /// Goes on with the files of earlier times, if there are any: their newest records come before those of now.
    func openFiles() {
        guard let files, files.exist else { return }
        let older = files.tail(byteLimit: min(options.byteLimit / 4, 1 << 20))
        state.withLock { $0.ring.prepend(older) }
        keepInFiles()
    }

    /// Has the records written to files, from those on that this opening of the database wrote first. Without this it
    /// begins with the first record of the module: a database that has nothing to say makes no files.
    package func keepInFiles() {
        guard let files, !isWritingFiles.load(ordering: .relaxed),
            !isWritingFiles.exchange(true, ordering: .acquiringAndReleasing)
        else { return }
        files.start(self)
    }

    /// Returns once all records up to now are in the files, or cannot be written.
    public func flush() { if isWritingFiles.load(ordering: .acquiring) { files?.flush(self) } }

    /// Why records cannot be written to files at present; nil if they can.
    package var fileFailure: DiskError? { files?.failure }

    /// Ends whoever follows, behind the last record, and writes the files to their end.
    func close() {
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        state.wake { state in
            state.isClosed = true
            waiters = state.waiters
            state.waiters = [:]
        }
        for waiter in waiters.values { waiter.resume() }
        if isWritingFiles.load(ordering: .acquiring) { files?.finish(self) }
    }
}

extension ModuleLog {
    /// The records of a log, one after the other.
    public struct Records: AsyncSequence, Sendable {
        let log: ModuleLog
        let next: UInt64

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(log: log, position: next) }

        /// One follower's place in the log. It keeps no records but those that it has just taken, at most 256.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let log: ModuleLog
            var position: UInt64
            private var taken: [LogRecord] = []
            private var given = 0

            init(log: ModuleLog, position: UInt64) {
                self.log = log
                self.position = position
            }

            /// The next record; nil when the database has been closed, or the task cancelled.
            public mutating func next() async -> LogRecord? {
                while given == taken.count {
                    let batch = log.take(from: position, limit: 256)
                    position = batch.next
                    taken = batch.records
                    given = 0
                    if !taken.isEmpty { break }
                    if batch.isClosed || Task.isCancelled { return nil }
                    await log.waitForRecords(from: position)
                }
                defer { given += 1 }
                return taken[given]
            }
        }
    }
}
