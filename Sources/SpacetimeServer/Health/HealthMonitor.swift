import NIOCore
import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Finds out what does not go on any more: transactions, schedules, the writing of the log, the threads that serve clients.
///
/// It looks at each of them from time to time, and at what they had done when it looked before. It waits for nobody, so it
/// answers while everything else is stuck.
final class HealthMonitor: Sendable {
    /// What may be stuck.
    enum Part: String, Sendable {
        case transactions, scheduler, log, streaming
    }

    /// Something that does not go on.
    struct Problem: Hashable, Sendable {
        let part: Part
        /// Nil if all databases are concerned.
        let database: String?
        let text: String
    }

    private struct Watched {
        var transaction = Stall()
        var log = Stall()
        /// The last that was known of the schedule.
        var nextDue: Timestamp?
    }

    private struct State {
        var databases: [String: Watched] = [:]
        var loops: [ObjectIdentifier: LoopBeat] = [:]
    }

    private let state = Mutex(State())
    /// What has not moved for so long is stuck.
    private let patience: Duration

    init(patience: Duration) { self.patience = patience }

    /// Looks at everything.
    ///
    /// - Returns: what is stuck, by what was seen now and before.
    func check(_ databases: [(name: String, core: DatabaseCore)], _ loops: [any EventLoop], at now: NIODeadline)
        -> [Problem]
    {
        let pulses = databases.map { ($0.name, $0.core.pulse()) }
        return state.withLock { state in
            var problems: [Problem] = []
            for (name, pulse) in pulses {
                problems += check(name, pulse, &state.databases[name, default: Watched()], now)
            }
            state.databases = state.databases.filter { known in pulses.contains { $0.0 == known.key } }
            for (number, loop) in loops.enumerated() {
                let beat = state.loops[ObjectIdentifier(loop)] ?? LoopBeat()
                state.loops[ObjectIdentifier(loop)] = beat
                guard let time = beat.unanswered(on: loop, at: now), time >= patience else { continue }
                problems.append(
                    Problem(
                        part: .streaming, database: nil,
                        text: "thread \(number + 1) of \(loops.count) has served no client for \(Self.text(time))"))
            }
            return problems
        }
    }

    private func check(
        _ name: String, _ pulse: DatabasePulse, _ watched: inout Watched, _ now: NIODeadline
    ) -> [Problem] {
        var problems: [Problem] = []
        func add(_ part: Part, _ text: String) { problems.append(Problem(part: part, database: name, text: text)) }

        if let time = watched.transaction.observe(pulse.transaction, isWaiting: !pulse.isFree, at: now),
            time >= patience
        {
            add(.transactions, "one transaction has been running for \(Self.text(time)), and all others wait for it")
        }
        if let failure = pulse.logFailure {
            add(.log, "commits cannot be kept any more: \(failure)")
        } else {
            let waiting = pulse.appendedCommits - pulse.durableCommits
            if let time = watched.log.observe(pulse.durableCommits, isWaiting: waiting > 0, at: now), time >= patience {
                add(.log, "nothing has reached the disk for \(Self.text(time)), and \(waiting) commits wait for it")
            }
        }
        // While a transaction runs, what was known before it began still stands.
        if pulse.isFree { watched.nextDue = pulse.nextDue }
        if let due = watched.nextDue, pulse.isFree, (pulse.now - due).duration >= patience {
            add(.scheduler, "a call that was due at \(due) has not been made")
        }
        return problems
    }

    private static func text(_ time: Duration) -> String {
        time.formattedSeconds
    }
}

extension Duration {
    /// Whole seconds: `12 s`.
    fileprivate var formattedSeconds: String { "\(components.seconds) s" }
}

/// Whether something goes on that has work to do.
struct Stall {
    private var last: UInt64?
    private var since: NIODeadline?

    /// - Parameters:
    ///   - done: a number that changes with each step.
    ///   - isWaiting: whether there is something to be done.
    /// - Returns: for how long there has been something to do, and nothing of it was done; nil if it goes on.
    mutating func observe(_ done: UInt64, isWaiting: Bool, at now: NIODeadline) -> Duration? {
        defer { last = done }
        guard isWaiting, last == done else {
            since = isWaiting ? now : nil
            return nil
        }
        guard let since else {
            since = now
            return nil
        }
        return Duration(now - since)
    }
}

/// Whether an event loop runs what it is given.
private final class LoopBeat: Sendable {
    private struct State {
        var asked: NIODeadline?
    }

    private let state = Mutex(State())

    /// For how long the loop has not done what it was given; nil if it has, and is now asked again.
    func unanswered(on loop: any EventLoop, at now: NIODeadline) -> Duration? {
        let asked = state.withLock { state in
            defer { if state.asked == nil { state.asked = now } }
            return state.asked
        }
        if let asked { return Duration(now - asked) }
        loop.execute { self.state.withLock { $0.asked = nil } }
        return nil
    }
}
