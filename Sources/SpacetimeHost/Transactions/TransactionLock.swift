import CThreads
import SpacetimeDurability
import Synchronization

/// The lock of a database, for which threads wait blocked and tasks wait suspended.
///
/// Where nobody waits, taking it and releasing it is one atomic operation each. Who finds it taken first tries again
/// for about a microsecond, which is longer than most calls last, and then joins a queue. Whoever releases the lock
/// wakes the first of the queue, and leaves the lock free meanwhile, so that a thread that is running anyway may take
/// it: handing it over each time would cost a change of threads per call. A thread that has waited for a millisecond is
/// handed it, so that nobody waits for ever.
///
/// A task is never handed it. The threads that could go on with the task may all be blocked, waiting for this very lock, and
/// then nobody would ever release it. For the same reason whoever wakes a task wakes a thread as well, if one waits. A task
/// that has waited for long tries longer instead, and has its place at the front.
///
/// An event loop can do neither, block or suspend: it has a closure called, and goes on with its other clients.
///
/// The owner is whoever took it, not a thread: a task that was handed the lock may go on on any thread. The form is that
/// of WebKit's WTF::Lock (https://webkit.org/blog/6161/locking-in-webkit/).
struct TransactionLock: ~Copyable, Sendable {
    /// Two bits: taken, and whether somebody is in the queue. The second one changes only with `queue` locked.
    private let word = Atomic<UInt32>(0)
    private let queue = Mutex<Queue>(Queue())

    private static var taken: UInt32 { 1 }
    private static var awaited: UInt32 { 2 }
    /// The lock can never be taken again. As the word is neither zero nor awaited, who tries finds out where it waits anyway, and
    /// who takes a lock that is in use pays nothing for it.
    private static var retired: UInt32 { 4 }

    /// How often a taken lock is looked at before waiting for it.
    private static var spinCount: Int { 40 }
    /// The same for tasks that have waited for long: some tens of microseconds.
    private static var patientSpinCount: Int { 2_000 }
    /// Threads that have waited so long are handed the lock, and tasks try longer.
    private static var patienceInNanoseconds: Int64 { 1_000_000 }
    /// The same for event loops: there are few, and each waits on behalf of many clients.
    private static var loopPatienceInNanoseconds: Int64 { 250_000 }

    enum Waiter: Sendable {
        case thread(Monitor<Outcome?>)
        case task(UnsafeContinuation<Void, Never>)
        case eventLoop(@Sendable (Outcome) -> Void)

        func wake(_ outcome: Outcome) {
            switch self {
            case .thread(let monitor): monitor.wake { $0 = outcome }
            case .task(let continuation): continuation.resume()
            case .eventLoop(let body): body(outcome)
            }
        }

        var isThread: Bool { if case .thread = self { true } else { false } }
        var isEventLoop: Bool { if case .eventLoop = self { true } else { false } }

        /// Whether it is handed the lock after so much waiting.
        func isHandedLock(after nanoseconds: Int64) -> Bool {
            switch self {
            case .thread: nanoseconds > patienceInNanoseconds
            case .task: false
            case .eventLoop: nanoseconds > loopPatienceInNanoseconds
            }
        }
    }

    /// What became of waiting.
    enum Outcome: Equatable, Sendable {
        /// The lock was free a moment ago.
        case tryAgain
        /// The lock is the waiter's.
        case owned
    }

    /// Those who wait, by kind: threads, which are sure to take the lock once they are woken, and others.
    struct Queue {
        private var threads = Line()
        private var others = Line()

        var isEmpty: Bool { threads.isEmpty && others.isEmpty }
        var count: Int { threads.count + others.count }

        mutating func append(_ waiter: Waiter, since: Int64) {
            if waiter.isThread { threads.append((waiter, since)) } else { others.append((waiter, since)) }
        }

        /// For one who has waited before.
        mutating func prepend(_ waiter: Waiter, since: Int64) { others.prepend((waiter, since)) }

        /// The one who has waited longest.
        mutating func popFirst() -> Entry? {
            guard let thread = threads.first else { return others.popFirst() }
            guard let other = others.first else { return threads.popFirst() }
            return other.since < thread.since ? others.popFirst() : threads.popFirst()
        }

        mutating func popFirstThread() -> Entry? { threads.popFirst() }
    }

    typealias Entry = (waiter: Waiter, since: Int64)

    /// First in, first out.
    private struct Line {
        private var entries: [Entry] = []
        /// Taken from here on.
        private var front = 0

        var isEmpty: Bool { front == entries.count }
        var count: Int { entries.count - front }
        var first: Entry? { isEmpty ? nil : entries[front] }

        mutating func append(_ entry: Entry) { entries.append(entry) }

        mutating func prepend(_ entry: Entry) {
            if front == 0 { return entries.insert(entry, at: 0) }
            front -= 1
            entries[front] = entry
        }

        mutating func popFirst() -> Entry? {
            guard front < entries.count else { return nil }
            defer {
                front += 1
                // Shifted now and then, so that taking one is O(1) on average.
                if front == entries.count || (front >= 64 && front * 2 >= entries.count) {
                    entries.removeFirst(front)
                    front = 0
                }
            }
            return entries[front]
        }
    }

    /// How many wait.
    var waiterCount: Int { queue.withLock { $0.count } }

    /// Takes the lock if it is free.
    @inline(__always)
    borrowing func tryLock() -> Bool {
        word.compareExchange(expected: 0, desired: Self.taken, ordering: .acquiring).exchanged || tryLockAwaited()
    }

    /// Takes the lock if it is free and somebody is in the queue. Apart, so that calls do not make room for it.
    @inline(never)
    private borrowing func tryLockAwaited() -> Bool {
        word.compareExchange(expected: Self.awaited, desired: Self.awaited | Self.taken, ordering: .acquiring).exchanged
    }

    /// Takes the lock, blocking the thread while somebody else has it.
    ///
    /// - Returns: false if it was retired.
    @inline(__always)
    borrowing func lock() -> Bool {
        word.compareExchange(expected: 0, desired: Self.taken, ordering: .acquiring).exchanged || lockSlowly()
    }

    @inline(never)
    private borrowing func lockSlowly() -> Bool {
        var since: Int64?
        while !lockSpinning() {
            if isRetired { return false }
            let start = since ?? monotonicNanoseconds()
            since = start
            let monitor = Monitor<Outcome?>(nil)
            guard enqueue(.thread(monitor), since: start) else { continue }
            monitor.wait { $0 != nil }
            if case .owned? = monitor.withLock({ $0 }) {
                accept()
                break
            }
        }
        return true
    }

    /// Takes the lock, suspending the task while somebody else has it. Waiting is not cut short by cancelling the task:
    /// it lasts no longer than the calls that are ahead.
    ///
    /// - Returns: false if it was retired.
    borrowing func lockSuspending() async -> Bool {
        var since: Int64?
        while !lockSpinning(since.map(Self.spinCount(since:)) ?? Self.spinCount) {
            if isRetired { return false }
            let isReturning = since != nil
            let start = since ?? monotonicNanoseconds()
            since = start
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                if !enqueue(.task(continuation), since: start, isReturning: isReturning) { continuation.resume() }
            }
        }
        return true
    }

    /// Has `body` called when the lock is released, by whoever does that. With `owned` it must be released.
    ///
    /// - Parameter since: when the waiting began.
    /// - Returns: false if the lock is free. Then nothing is called.
    borrowing func whenReleased(since: Int64, _ body: @escaping @Sendable (Outcome) -> Void) -> Bool {
        enqueue(.eventLoop(body), since: since)
    }

    /// How long a task tries that was woken.
    private static func spinCount(since: Int64) -> Int {
        monotonicNanoseconds() - since > patienceInNanoseconds ? patientSpinCount : spinCount
    }

    private borrowing func lockSpinning(_ count: Int = spinCount) -> Bool {
        for _ in 0..<count {
            if word.load(ordering: .relaxed) & Self.taken == 0, tryLock() { return true }
            spacetime_spin_hint()
        }
        return false
    }

    /// What the last owner did happened before: it stored the word when it handed the lock over.
    borrowing func accept() { _ = word.load(ordering: .acquiring) }

    /// Joins the queue, unless the lock has become free meanwhile.
    ///
    /// - Parameter isReturning: it has waited before, and has its place at the front.
    private borrowing func enqueue(_ waiter: Waiter, since: Int64, isReturning: Bool = false) -> Bool {
        queue.withLock { queue in
            // Once the bit is set on a taken lock, its owner must lock the queue to release it, and finds the waiter.
            var current = word.load(ordering: .relaxed)
            while true {
                if current & Self.taken == 0 { return false }
                let (done, original) = word.compareExchange(
                    expected: current, desired: current | Self.awaited, ordering: .relaxed)
                if done { break }
                current = original
            }
            if isReturning { queue.prepend(waiter, since: since) } else { queue.append(waiter, since: since) }
            return true
        }
    }

    /// Whether the lock can never be taken again.
    var isRetired: Bool { word.load(ordering: .acquiring) == Self.retired }

    /// Gives the lock up for ever: all who wait for it, and all who come later, are turned away.
    borrowing func retire() {
        let waiters = queue.withLock { queue -> [Waiter] in
            word.store(Self.retired, ordering: .releasing)
            var waiters: [Waiter] = []
            while let next = queue.popFirst() { waiters.append(next.waiter) }
            return waiters
        }
        for waiter in waiters { waiter.wake(.tryAgain) }
    }

    @inline(__always)
    borrowing func unlock() {
        if !word.compareExchange(expected: Self.taken, desired: 0, ordering: .releasing).exchanged { unlockAwaited() }
    }

    /// Releases the lock to whoever has waited longest, if somebody waits: for an owner that is going to take it again at once.
    borrowing func unlockToFirst() {
        if !word.compareExchange(expected: Self.taken, desired: 0, ordering: .releasing).exchanged {
            unlockAwaited(isOwed: true)
        }
    }

    /// - Parameter isOwed: the first one is handed the lock however short it has waited, if it may be.
    @inline(never)
    private borrowing func unlockAwaited(isOwed: Bool = false) {
        let (waiters, outcome) = queue.withLock { queue -> ([Waiter], Outcome) in
            var woken: [Waiter] = []
            if let next = queue.popFirst() {
                woken.append(next.waiter)
                if next.waiter.isHandedLock(after: isOwed ? .max : monotonicNanoseconds() - next.since) {
                    word.store(queue.isEmpty ? Self.taken : Self.taken | Self.awaited, ordering: .releasing)
                    return (woken, .owned)
                }
                // A task may have no thread to go on with, and an event loop may find that there is nothing to be done any
                // more: the lock would stay free with others in the queue. So somebody who is sure to take it is woken, too.
                if !next.waiter.isThread, let thread = queue.popFirstThread() { woken.append(thread.waiter) }
            }
            while woken.last?.isEventLoop == true, let next = queue.popFirst() { woken.append(next.waiter) }
            word.store(queue.isEmpty ? 0 : Self.awaited, ordering: .releasing)
            return (woken, .tryAgain)
        }
        for waiter in waiters { waiter.wake(outcome) }
    }
}
