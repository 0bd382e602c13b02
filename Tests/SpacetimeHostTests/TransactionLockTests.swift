import SpacetimeDurability
import Synchronization
import Testing

@testable import SpacetimeHost

/// The lock as event loops see it: they are told when it is released, and wait for nothing.
@Suite struct TransactionLockTests {
    private final class Box: Sendable {
        let lock = TransactionLock()
        let hasHadIt = Atomic(false)
        let told = Mutex<[TransactionLock.Outcome]>([])

        var outcomes: [TransactionLock.Outcome] { told.withLock { $0 } }
        func ask(since: Int64) -> Bool {
            lock.whenReleased(since: since) { outcome in self.told.withLock { $0.append(outcome) } }
        }

        func tryLock() -> Bool { lock.tryLock() }
    }

    @Test func nobodyIsToldWhoAsksWhileItIsFree() {
        let box = Box()
        #expect(!box.ask(since: monotonicNanoseconds()))
        _ = box.lock.lock()
        box.lock.unlock()
    }

    @Test func whoAskedIsToldOnceAndFindsItFree() {
        let box = Box()
        _ = box.lock.lock()
        let never = Int64.max
        #expect(box.ask(since: never))
        #expect(box.outcomes.isEmpty)
        box.lock.unlock()
        #expect(box.outcomes == [.tryAgain])
        #expect(box.tryLock())
        box.lock.unlock()
        #expect(box.outcomes.count == 1)
    }

    @Test func whoHasWaitedForLongIsHandedIt() {
        let box = Box()
        _ = box.lock.lock()
        let longAgo = monotonicNanoseconds() - 1_000_000_000
        #expect(box.ask(since: longAgo))
        box.lock.unlock()
        #expect(box.outcomes == [.owned])
        #expect(!box.tryLock())
        box.lock.unlock()
        #expect(box.tryLock())
        box.lock.unlock()
    }

    @Test func whoTakesItAgainAtOnceHandsItOverFirst() {
        let box = Box()
        _ = box.lock.lock()
        #expect(box.ask(since: .max))
        box.lock.unlockToFirst()
        #expect(box.outcomes == [.owned])
        #expect(!box.tryLock())
        box.lock.unlockToFirst()
        #expect(box.tryLock())
        box.lock.unlock()
    }

    /// Runs tasks when it is told to, as if all threads that could run them were blocked until then.
    private final class HeldExecutor: TaskExecutor {
        private let jobs = Mutex<[UnownedJob]>([])

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            jobs.withLock { $0.append(job) }
        }

        /// - Returns: how many it has run.
        func runAll() -> Int {
            let ready = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in ready { job.runSynchronously(on: asUnownedTaskExecutor()) }
            return ready.count
        }
    }

    /// A task that waits, on an executor that runs nothing from now on.
    private func waitingTask(_ box: Box, _ executor: HeldExecutor) -> Task<Void, Never> {
        let task = Task(executorPreference: executor) {
            _ = await box.lock.lockSuspending()
            box.hasHadIt.store(true, ordering: .relaxed)
            box.lock.unlock()
        }
        while box.lock.waiterCount == 0 { _ = executor.runAll() }
        return task
    }

    private func finish(_ task: Task<Void, Never>, _ box: Box, _ executor: HeldExecutor) async {
        while !box.hasHadIt.load(ordering: .relaxed) { _ = executor.runAll() }
        await task.value
        #expect(box.tryLock())
        box.lock.unlock()
    }

    /// All threads that run tasks may be waiting for the lock.
    @Test func aTaskThatCannotRunKeepsTheLockFromNobody() async {
        let (box, executor) = (Box(), HeldExecutor())
        _ = box.lock.lock()
        let task = waitingTask(box, executor)
        box.lock.unlockToFirst()
        #expect(box.tryLock())
        box.lock.unlock()
        await finish(task, box, executor)
    }

    @Test func threadsBehindATaskThatCannotRunAreWoken() async {
        let (box, executor) = (Box(), HeldExecutor())
        _ = box.lock.lock()
        let task = waitingTask(box, executor)
        let threads = Monitor(0)
        for _ in 0..<3 {
            startThread {
                _ = box.lock.lock()
                box.lock.unlock()
                threads.wake { $0 += 1 }
            }
        }
        while box.lock.waiterCount < 4 { _ = monotonicNanoseconds() }
        box.lock.unlock()
        threads.wait { $0 == 3 }
        let hasHadIt = box.hasHadIt.load(ordering: .relaxed)
        #expect(!hasHadIt)
        await finish(task, box, executor)
    }

    /// An event loop that is told may do nothing with it. Whoever waits behind it must get the lock all the same.
    @Test func threadsAndTasksBehindEventLoopsAreWokenToo() async {
        let box = Box()
        _ = box.lock.lock()
        let never = Int64.max
        for _ in 0..<3 {
            #expect(box.ask(since: never))
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = await box.lock.lockSuspending()
                box.hasHadIt.store(true, ordering: .relaxed)
                box.lock.unlock()
            }
            group.addTask { box.lock.unlock() }
        }
        let hasHadIt = box.hasHadIt.load(ordering: .relaxed)
        #expect(hasHadIt)
        #expect(box.outcomes.count == 3)
    }
}
