import SpacetimeDurability

/// Threads that help whoever goes through a large table without the lock: as many as there are cores besides that of whoever
/// asks, for all databases of the process together. They are started when they are first needed, step back for others, and end when
/// nobody has asked for a while.
package final class ScanHelpers: Sendable {
    package static let shared = ScanHelpers(count: coreCount - 1)

    /// How many there may be. Without any a scan is done by its own thread alone.
    package let count: Int

    private struct State {
        /// Each as often as helpers are wanted for it.
        var wanted: [any HelpedWork] = []
        var threadCount = 0
        /// Threads that wait to be asked.
        var idleCount = 0
    }

    private let state = Monitor(State())
    /// Threads without work end after so long.
    private let idleTime: Duration

    package init(count: Int, idleTime: Duration = .seconds(10)) {
        self.count = max(0, count)
        self.idleTime = idleTime
    }

    /// Threads that there are now.
    var threadCount: Int { state.withLock { $0.threadCount } }

    /// Asks helpers to come. If all are busy with other works they come when they are free, or not at all.
    func ask(_ helperCount: Int, toHelp work: any HelpedWork) {
        let helperCount = min(helperCount, count)
        if helperCount <= 0 { return }
        var missing = 0
        state.wake { state in
            for _ in 0..<helperCount { state.wanted.append(work) }
            missing = max(0, min(state.wanted.count - state.idleCount, count - state.threadCount))
            state.threadCount += missing
        }
        for _ in 0..<missing where !startThreadIfPossible(stepsBack: true, { [self] in serve() }) {
            state.withLock { $0.threadCount -= 1 }
        }
    }

    /// Nobody else need come.
    func dismiss(from work: any HelpedWork) { state.withLock { $0.wanted.removeAll { $0 === work } } }

    private func serve() {
        while let work = next() { work.help() }
    }

    /// What there is to help with. Nil if nobody has asked for long: then the thread ends, and is not counted any more.
    private func next() -> (any HelpedWork)? {
        let end = ContinuousClock.now + idleTime
        var work: (any HelpedWork)?
        var isIdle = false
        state.wait { state -> Waiting in
            if state.wanted.isEmpty, ContinuousClock.now < end {
                if !isIdle { state.idleCount += 1 }
                isIdle = true
                return .atMost(Self.nanoseconds(idleTime))
            }
            if isIdle { state.idleCount -= 1 }
            if state.wanted.isEmpty { state.threadCount -= 1 } else { work = state.wanted.removeFirst() }
            return .over
        }
        return work
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

/// Something that others can help with.
protocol HelpedWork: AnyObject, Sendable {
    /// Does some of it, until there is nothing left to do.
    func help()
}
