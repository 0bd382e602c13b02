public import SpacetimeSATS

/// How the schedules of a database are doing: for a health check, a metric or a test.
///
/// Numbers count from the time the database was opened.
public struct ScheduleReport: Sendable, CustomStringConvertible {
    /// A scheduled call that failed.
    public struct Failure: Sendable, CustomStringConvertible {
        /// The reducer or procedure that was called.
        public let reducer: String
        /// The schedule table.
        public let table: String
        /// The primary key of the row that was due. Of a sliced reducer's row whose key is no number, its first bytes.
        public let key: UInt64
        /// The time of the call.
        public let timestamp: Timestamp
        /// What it threw. The changes of a reducer were undone, and the schedule goes on.
        public let error: any Error

        public var description: String {
            "scheduled '\(reducer)' failed for row \(key) of '\(table)' at \(timestamp): \(error)"
        }
    }

    /// How one reducer or procedure is doing that the database calls: for the rows of a schedule table, or for each row
    /// of a table in passes.
    public struct Job: Sendable, CustomStringConvertible {
        /// How far a job has come that goes through a table.
        public struct Pass: Equatable, Sendable {
            /// When it began.
            public let started: Timestamp
            /// Rows that were called.
            public let done: UInt64
            /// Rows that it has, as far as is known.
            public let total: UInt64
            /// True if it waits for the next one.
            public let isFinished: Bool
        }

        /// The reducer or procedure.
        public let function: String
        /// The schedule table, or the one that is gone through.
        public let table: String
        /// When it is called next; nil if nothing is due.
        public internal(set) var nextDue: Timestamp?
        /// Calls made, failed ones included.
        public internal(set) var callCount: UInt64 = 0
        /// Calls that threw.
        public internal(set) var failureCount: UInt64 = 0
        /// The last of these.
        public internal(set) var lastFailure: Failure?
        /// Runs of intervals, or passes, that were left out because their time had passed.
        public internal(set) var skippedCount: UInt64 = 0
        /// Calls that began more than 30 milliseconds after their time.
        public internal(set) var lateCount: UInt64 = 0
        /// How long after its time the last call began.
        public internal(set) var lastLateness = Duration.zero
        /// The longest that a call began after its time.
        public internal(set) var greatestLateness = Duration.zero
        /// Passes through the table that were finished.
        public internal(set) var passCount: UInt64 = 0
        /// Where a job is that goes through a table; nil for others.
        public internal(set) var pass: Pass?
        private var totalLateness = Duration.zero

        init(function: String, table: String) {
            self.function = function
            self.table = table
        }

        /// How long after their time calls began on average.
        public var meanLateness: Duration { callCount == 0 ? .zero : totalLateness / Int(clamping: callCount) }

        public var description: String {
            let place = pass.map { $0.isFinished ? ", between passes" : ", row \($0.done) of \($0.total)" } ?? ""
            return "'\(function)' of '\(table)'\(place): \(callCount) calls, \(skippedCount) skipped, "
                + "\(failureCount) failed, \(lateCount) late; mean \(meanLateness), worst \(greatestLateness)"
        }

        mutating func countCall(_ lateness: Duration) {
            callCount += 1
            lastLateness = lateness
            totalLateness += lateness
            greatestLateness = max(greatestLateness, lateness)
            if lateness > ScheduleReport.lateness { lateCount += 1 }
        }

        mutating func countFailure(_ failure: Failure) {
            failureCount += 1
            lastFailure = failure
        }
    }

    /// One for each schedule table, then one for each sliced reducer. The other numbers are those of all schedule
    /// tables.
    public internal(set) var jobs: [Job] = []
    /// Rows of schedule tables.
    public internal(set) var pendingCount = 0
    /// When the next of them is due. In the past, and staying there, it says that the schedule is stuck.
    public internal(set) var nextDue: Timestamp?
    /// Calls made, failed ones included.
    public internal(set) var callCount: UInt64 = 0
    /// Calls that threw.
    public internal(set) var failureCount: UInt64 = 0
    /// The last of these.
    public internal(set) var lastFailure: Failure?
    /// Runs of intervals that were left out because their time had passed, or the one before was still running.
    public internal(set) var skippedCount: UInt64 = 0
    /// Calls that began more than 30 milliseconds after their time.
    public internal(set) var lateCount: UInt64 = 0
    /// How long after its time the last call began.
    public internal(set) var lastLateness = Duration.zero
    /// The longest that a call began after its time.
    public internal(set) var greatestLateness = Duration.zero
    var totalLateness = Duration.zero

    /// How long after their time calls began on average.
    public var meanLateness: Duration { callCount == 0 ? .zero : totalLateness / Int(clamping: callCount) }

    public var description: String {
        let next = nextDue.map { ", the next due at \($0)" } ?? ""
        let failures = "\(failureCount) failed" + (lastFailure.map { ", last: \($0)" } ?? "")
        return """
            \(pendingCount) rows wait\(next)
            \(callCount) calls, \(skippedCount) skipped, \(failures)
            \(lateCount) late; mean \(meanLateness), worst \(greatestLateness), last \(lastLateness)
            """
    }

    static let lateness = Duration.milliseconds(30)

    mutating func countCall(_ lateness: Duration) {
        callCount += 1
        lastLateness = lateness
        totalLateness += lateness
        greatestLateness = max(greatestLateness, lateness)
        if lateness > Self.lateness { lateCount += 1 }
    }

    mutating func countFailure(_ failure: Failure) {
        failureCount += 1
        lastFailure = failure
    }
}
