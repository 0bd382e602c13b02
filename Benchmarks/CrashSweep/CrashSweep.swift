import SpacetimeKit
import SpacetimeTesting

/// Stops a workload at every operation on the disk in turn, loses what a loss of power may lose, reopens, and checks
/// that every durable commit is there and that what follows is a clean prefix.
///
/// The workload inserts, updates and deletes, has timers that go off, closes and opens, migrates, and is small enough in
/// its limits for snapshots, rotation and retention to happen all the time.
package struct CrashSweep {
    package struct Outcome: Sendable {
        package var points = 0
        package var failures: [String] = []
        /// Operations of the workload without a crash.
        package var operations = 0
        package var recovered = 0
        /// Scheduled calls after a recovery.
        package var scheduledCalls: UInt64 = 0
    }

    private let seed: UInt64
    private let steps: UInt64
    /// The rows after each commit.
    private var history: [[String]] = []
    /// The step that a commit was, if it was one.
    private var stepAt: [UInt64: UInt64] = [:]

    /// - Parameter steps: calls in the workload.
    package init(seed: UInt64, steps: UInt64 = 120) throws {
        self.seed = seed
        self.steps = steps
        let shadow = Shadow()
        let progress = workload(on: SimulatedDisk(), shadow: shadow)
        guard progress.failure == nil, let last = progress.lastOffset else {
            throw SweepFailure("the workload fails without a crash: \(String(describing: progress.failure))")
        }
        history = try shadow.history(until: last)
        stepAt = progress.stepAt
    }

    /// Tries that many crash points, spread over the workload and the ways to lose writes.
    package func run(points: Int) throws -> Outcome {
        var outcome = Outcome()
        let disk = SimulatedDisk()
        _ = workload(on: disk)
        outcome.operations = disk.operationCount
        let losses = SimulatedDisk.Loss.allCases
        for number in 0..<points {
            // Every operation with every loss first; then with other seeds.
            let operation = (number / losses.count) % outcome.operations
            let loss = losses[number % losses.count]
            let round = UInt64(number / (losses.count * outcome.operations))
            outcome.points += 1
            do {
                try crash(at: operation, loss, seed: seed &+ round &* 1_000_003 &+ UInt64(number), &outcome)
            } catch {
                outcome.failures.append(
                    "seed \(seed), operation \(operation), losing \(loss), round \(round): \(error)")
            }
        }
        return outcome
    }

    /// What the caller of the database was told, and did.
    private struct Run {
        /// The last commit that was said to be durable.
        var durableOffset: UInt64?
        /// The last commit that was visible.
        var lastOffset: UInt64?
        var version = 1
        var stepAt: [UInt64: UInt64] = [:]
        var failure: (any Error)?
        let clock = VirtualClock(start: Ledger.start)

        mutating func note(_ database: Database<DynamicModule>) {
            // Reading goes on when the disk is gone.
            if let offset = try? database.lastOffset() { lastOffset = offset.rawValue }
        }
    }

    /// Runs the workload until the disk fails.
    private func workload(on disk: SimulatedDisk, shadow: Shadow? = nil) -> Run {
        var run = Run()
        do {
            var step: UInt64 = 0
            var opening = 0
            while step < steps {
                // The database is closed and opened again now and then. In the second half it is in its third version; every
                // other seed passes the second on the way, the rest skip it.
                opening += 1
                run.version = opening < 3 ? 1 : opening == 3 && seed.isMultiple(of: 2) ? 2 : 3
                let database = try open(disk, version: run.version, clock: run.clock)
                try shadow?.follow(database, version: run.version)
                run.note(database)
                defer { run.note(database) }
                for _ in 0..<(steps / 4 + 1) where step < steps {
                    step += 1
                    let offset = try database.call("step", arguments: step.bsatn())
                    run.stepAt[offset.rawValue] = step
                    run.clock.advance(by: .seconds(1))
                    if step % 4 == 0 {
                        let last = try database.lastOffset()
                        try database.flush()
                        run.durableOffset = last.rawValue
                    }
                }
                let last = try database.lastOffset()
                try database.close()
                run.durableOffset = last.rawValue
            }
        } catch { run.failure = error }
        return run
    }

    private func open(
        _ disk: SimulatedDisk, version: Int, clock: VirtualClock
    ) throws -> Database<DynamicModule> {
        var options = DatabaseOptions()
        options.seed = seed
        options.clock = clock
        options.migrations = Ledger.migrations(version)
        var storage = StorageOptions.simulated(disk)
        storage.snapshotLogByteCount = 3 << 10
        storage.segmentByteCount = 2 << 10
        storage.pendingByteLimit = 512
        return try Database.open(.directory("ledger", storage), module: Ledger.module(version), options: options)
    }

    private func crash(
        at operation: Int, _ loss: SimulatedDisk.Loss, seed: UInt64, _ outcome: inout Outcome
    ) throws {
        var faults = SimulatedDisk.Faults()
        faults.powerOffAt = operation
        let disk = SimulatedDisk(faults: faults)
        let run = workload(on: disk)
        let after = disk.afterPowerLoss(loss, seed: seed)
        if run.lastOffset != nil { outcome.recovered += 1 }

        var database = try open(after, version: run.version, clock: run.clock)
        let offset = try database.lastOffset().rawValue
        func context() -> String {
            "; before: \(disk.recentOperations.suffix(24).joined(separator: "; ")); found: \(after.paths)"
        }
        if let durable = run.durableOffset {
            try require(offset >= durable, "commit \(durable) was durable, found \(offset)" + context())
        }
        // What was being committed when the power failed was visible to nobody; a migration is visible when it is durable.
        try require(offset <= (run.lastOffset.map { $0 + 1 } ?? 0) + 1, "commit \(offset) was never made")
        try require(
            try Shadow.rows(of: database, version: run.version) == history[Int(offset)],
            "the rows are not those after commit \(offset)" + context())
        try database.checkInvariants()

        // It goes on from there, numbers included.
        if let step = stepAt[offset + 1] {
            try database.call("step", arguments: step.bsatn())
            try database.flush()
            try require(
                try Shadow.rows(of: database, version: run.version) == history[Int(offset + 1)],
                "the step after the recovery at \(offset) differs")
        }
        let rows = try Shadow.rows(of: database, version: run.version)
        try database.close()
        database = try open(after, version: run.version, clock: run.clock)
        try require(
            try Shadow.rows(of: database, version: run.version) == rows, "the second recovery at \(offset) differs")
        try checkSchedules(database, run.clock, &outcome)
    }

    /// Whatever was scheduled goes off: one-shots once more and never again, intervals to their end.
    private func checkSchedules(
        _ database: Database<DynamicModule>, _ clock: VirtualClock, _ outcome: inout Outcome
    ) throws {
        func firings() throws -> [UInt64: UInt32] {
            try database.read { db in
                Dictionary(uniqueKeysWithValues: db.table(Firing.self).rows.map { ($0.timer, $0.count) })
            }
        }
        let timers = try database.read { db in Array(db.table(Timer.self).rows) }
        let before = try firings()
        clock.advance(by: .hours(1))
        let after = try firings()
        for timer in timers {
            let runs = (after[timer.id] ?? 0) - (before[timer.id] ?? 0)
            let expected = timer.fails ? 0 : timer.isOneShot ? 1 : timer.left
            try require(runs == expected, "\(timer) went off \(runs) times")
        }
        try require(try database.read { $0.table(Timer.self).count } == 0, "timers are left")
        outcome.scheduledCalls += try database.scheduleReport().callCount
        try database.checkInvariants()
        try database.close()
    }

    private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
        if !condition { throw SweepFailure(text()) }
    }
}
