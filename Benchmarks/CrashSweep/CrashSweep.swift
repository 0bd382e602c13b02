import SpacetimeKit
import SpacetimeTesting

/// Stops a workload at every operation on the disk in turn, loses what a loss of power may lose, reopens, and checks
/// that every durable commit is there and that what follows is a clean prefix.
package struct CrashSweep {
    package struct Outcome: Sendable {
        package var points = 0
        package var failures: [String] = []
        /// Operations of the workload without a crash.
        package var operations = 0
        package var recovered = 0
    }

    private let seed: UInt64
    private let steps: UInt64
    /// The state after each step, by the step.
    private let expected: [UInt64: [String]]

    /// - Parameter steps: calls in the workload.
    package init(seed: UInt64, steps: UInt64 = 120) throws {
        self.seed = seed
        self.steps = steps
        let model = try TestDatabase(Ledger.self)
        var expected: [UInt64: [String]] = [0: try Self.rows(model.database)]
        for step in 1...steps {
            try model.call(Ledger.step, step)
            expected[step] = try Self.rows(model.database)
        }
        self.expected = expected
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
                if try crash(at: operation, loss, seed: seed &+ round &* 1_000_003 &+ UInt64(number)) {
                    outcome.recovered += 1
                }
            } catch {
                outcome.failures.append(
                    "seed \(seed), operation \(operation), losing \(loss), round \(round): \(error)")
            }
        }
        return outcome
    }

    /// What the caller of the database was told.
    struct Progress {
        var isCreated = false
        var durableStep: UInt64 = 0
        var calledStep: UInt64 = 0
    }

    /// Runs the workload until the disk fails.
    private func workload(on disk: SimulatedDisk) -> Progress {
        var progress = Progress()
        do {
            var step: UInt64 = 0
            while step < steps {
                // The database is closed and opened again now and then.
                let database = try open(disk)
                progress.isCreated = true
                for _ in 0..<(steps / 3 + 1) where step < steps {
                    step += 1
                    let isDurable = step % 4 == 0
                    progress.calledStep = step
                    try database.call(Ledger.step, step, until: isDurable ? .durable : .committed)
                    if isDurable { progress.durableStep = step }
                }
                try database.close()
                progress.durableStep = step
            }
        } catch {}
        return progress
    }

    private func open(_ disk: SimulatedDisk) throws -> Database<Ledger> {
        var options = DatabaseOptions()
        options.seed = seed
        options.clock = VirtualClock()
        var storage = StorageOptions.simulated(disk)
        storage.snapshotLogByteCount = 3 << 10
        storage.segmentByteCount = 2 << 10
        storage.pendingByteLimit = 512
        return try Database.open(.directory("ledger", storage), module: Ledger.self, options: options)
    }

    /// - Returns: true if there was a database after the crash.
    private func crash(at operation: Int, _ loss: SimulatedDisk.Loss, seed: UInt64) throws -> Bool {
        var faults = SimulatedDisk.Faults()
        faults.powerOffAt = operation
        let disk = SimulatedDisk(faults: faults)
        let progress = workload(on: disk)
        let after = disk.afterPowerLoss(loss, seed: seed)
        let database = try open(after)
        try Self.require(
            progress.durableStep == 0 || progress.isCreated, "a durable step in a database that was not made")
        let step = try database.read { db in
            guard let row = db.progress.id.find(0) else { throw Failure("no progress row") }
            return row.step
        }
        try Self.require(
            step >= progress.durableStep,
            "step \(progress.durableStep) was durable, found \(step); before: "
                + disk.recentOperations.suffix(24).joined(separator: "; ") + "; found: \(after.paths)")
        try Self.require(step <= progress.calledStep, "step \(step) was never called")
        let rows = try Self.rows(database)
        try Self.require(rows == expected[step], "the rows are not those after step \(step)")
        try database.checkInvariants()
        // It goes on from there, numbers included.
        if step < steps {
            try database.call(Ledger.step, step + 1, until: .durable)
            try Self.require(try Self.rows(database) == expected[step + 1], "the step after the recovery differs")
        }
        try database.close()
        try Self.require(try Self.rows(open(after)) == expected[min(step + 1, steps)], "the second recovery differs")
        return progress.isCreated
    }

    private static func rows(_ database: Database<Ledger>) throws -> [String] {
        try database.read { db in
            db.entry.rows.map { "\($0)" }.sorted() + db.mark.rows.map { "\($0)" }.sorted()
        }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private static func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
        if !condition { throw Failure(text()) }
    }
}
