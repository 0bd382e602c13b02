import NIOCore

/// Whether a client takes what it is sent. A value of one event loop; it reads no clock.
struct SendWatch {
    private let timeout: TimeAmount
    private var lastProgress: NIODeadline?
    private var lastWritten: UInt64 = 0

    init(timeout: Duration) { self.timeout = TimeAmount(timeout) }

    /// Looks at a connection, as often as its timers fire.
    ///
    /// - Parameters:
    ///   - written: all bytes that the system has taken so far.
    ///   - isWaiting: true if there are more that it has not.
    /// - Returns: true if nothing was taken for too long.
    mutating func isStuck(written: UInt64, isWaiting: Bool, at now: NIODeadline) -> Bool {
        guard isWaiting else {
            lastProgress = nil
            return false
        }
        guard let last = lastProgress, written == lastWritten else {
            lastWritten = written
            lastProgress = now
            return false
        }
        return now - last >= timeout
    }
}

/// Whether a message that has begun comes to its end. A value of one event loop; it reads no clock.
///
/// Without this somebody could hold memory for many messages, of each of which a byte comes now and then.
struct MessageWatch {
    private let timeout: TimeAmount
    private var began: NIODeadline?

    init(timeout: Duration) { self.timeout = TimeAmount(timeout) }

    /// A part of a message has come.
    mutating func didRead(isComplete: Bool, at now: NIODeadline) {
        if isComplete { began = nil } else if began == nil { began = now }
    }

    /// True if a message has been coming for too long.
    func isStuck(at now: NIODeadline) -> Bool {
        guard let began else { return false }
        return now - began >= timeout
    }
}
