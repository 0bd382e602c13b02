import BenchHarness
import CrashSweep
import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeTestSupport

/// What is measured of a database's files.
struct StorageBenches {
    let sizes: Sizes
    let json: Bool

    /// One figure, as a line of text or of JSON.
    func report(_ bench: String, _ system: String, _ variant: String, _ figures: [(String, Double)]) {
        Figures(json: json).report(bench, system, variant, figures)
    }

    func seconds(_ body: () throws -> Void) rethrows -> Double {
        let duration = try ContinuousClock().measure(body)
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    func makeItems(_ path: String, rows: Int) throws -> Int {
        ItemSource.items = ItemWorkload(sizes)
        let database = try Database.open(at: path, module: Shop.self)
        for start in stride(from: 0, to: rows, by: 1_000) {
            try database.call(Shop.addFixedRange, UInt64(start), UInt64(min(1_000, rows - start)))
        }
        try database.takeSnapshot()
        try database.close()
        return rows
    }

    // MARK: Backup

    /// A backup of the items while nothing else happens, beside SQLite's copy of the same rows.
    func backup(rounds: Int) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/shop"
        let rows = try makeItems(path, rows: sizes.rows)
        let database = try Database.open(at: path, module: Shop.self)
        let sqlite = try SQLite(.writeAheadLog)
        try sqlite.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, owner INTEGER, x INTEGER, y INTEGER)")
        let insert = try sqlite.prepare("INSERT INTO item VALUES (?, ?, ?, ?)")
        try sqlite.execute("BEGIN")
        for item in try database.snapshot().rows(FixedItem.all) {
            for (position, value) in [Int64(item.id), Int64(bitPattern: item.owner), Int64(item.x), Int64(item.y)]
                .enumerated()
            {
                insert.bind(Int32(position + 1), value)
            }
            try insert.run()
        }
        try sqlite.execute("COMMIT")
        var ours: [Double] = []
        var theirs: [Double] = []
        var byteCount: UInt64 = 0
        for round in 0..<rounds {
            ours.append(try seconds { byteCount = try database.backup(to: "\(directory.path)/copy\(round)").byteCount })
            theirs.append(try seconds { try sqlite.execute("VACUUM INTO '\(directory.path)/copy\(round).sqlite'") })
        }
        let rate = ("rows_per_second", Double(rows) / median(ours))
        report("backup", "spacetimekit", "", [rate, ("file_megabytes", Double(byteCount) / 1e6)])
        report("backup", "sqlite-wal", "vacuum-into", [("rows_per_second", Double(rows) / median(theirs))])
    }

    // MARK: Pause

    /// The longest that a writer had to wait for a call while a snapshot of a large database was written, beside the
    /// longest of as many calls without one. The writer makes a call each 50 microseconds: at full speed it would fill
    /// the disk's own queue and measure that.
    func pause() throws {
        let directory = try TemporaryDirectory()
        let database = try WideRows.make(at: directory.path + "/wide", rows: sizes.wideRows)
        let count = UInt64(sizes.wideRows)
        let byteCount = Double(try database.memoryReport().byteCount)
        func duringSnapshot(_ call: (UInt64) throws -> Void) throws -> (longest: Double, calls: Int, seconds: Double) {
            let done = Monitor<TxOffset?>(nil)
            startThread {
                let offset = try? database.takeSnapshot().offset
                done.wake { $0 = offset ?? TxOffset(0) }
            }
            return try longestCall(count, until: { done.withLock { $0 != nil } }, call)
        }
        let touch: (UInt64) throws -> Void = { try database.call(WideRows.touch, $0) }
        let busy = try duringSnapshot(touch)
        let calm = try longestCall(count, calls: busy.calls, until: { false }, touch)
        // What the system's scheduler alone takes from a thread beside one that writes a snapshot.
        let idle = try duringSnapshot { _ in
            let begin = ContinuousClock.now
            while begin.duration(to: .now) < .microseconds(50) {}
        }
        for (system, variant, result) in [
            ("spacetimekit", "during-snapshot", busy), ("spacetimekit", "without", calm), ("limit", "no-calls", idle),
        ] {
            report(
                "pause", system, variant,
                [
                    ("longest_ms", result.longest * 1e3), ("calls", Double(result.calls)),
                    ("seconds", result.seconds), ("megabytes", byteCount / 1e6),
                ])
        }
        try database.close()
    }

    /// Makes a call each 50 microseconds and measures it, with the time that the thread is kept from making it.
    private func longestCall(
        _ count: UInt64, calls limit: Int = .max, until isDone: () -> Bool, _ call: (UInt64) throws -> Void
    ) throws -> (longest: Double, calls: Int, seconds: Double) {
        let clock = ContinuousClock()
        var longest = 0.0
        var calls = 0
        var total = 0.0
        while calls < limit, !isDone() {
            let id = UInt64(calls) &* 2_654_435_761 % count
            let begin = clock.now
            try call(id)
            let time = begin.duration(to: clock.now) / .seconds(1)
            longest = max(longest, time)
            while begin.duration(to: clock.now) < .microseconds(50) {}
            total += begin.duration(to: clock.now) / .seconds(1)
            calls += 1
        }
        return (longest, calls, total)
    }

    /// The latencies of calls at half of the peak rate.
    ///
    /// - Parameter only: the variant to measure; nil for all.
    func latency(seconds: Double, only: String?) throws {
        try LatencyBench(rows: sizes.wideRows, seconds: seconds, only: only) { report("latency", $0, $1, $2) }.run()
    }

    // MARK: Crashes

    func crash(points: Int, seed: UInt64) throws {
        let outcome = try CrashSweep(seed: seed).run(points: points)
        for failure in outcome.failures.prefix(20) { print(failure) }
        report(
            "crash", "spacetimekit", "seed-\(seed)",
            [
                ("points", Double(outcome.points)), ("failures", Double(outcome.failures.count)),
                ("operations", Double(outcome.operations)), ("reopened", Double(outcome.recovered)),
                ("scheduled_calls", Double(outcome.scheduledCalls)),
            ])
        guard outcome.failures.isEmpty else { throw BenchError.system("\(outcome.failures.count) crash points failed") }
    }

    func kill(rounds: Int, seed: UInt64) throws {
        let outcome = try KillBench.run(rounds: rounds, seed: seed)
        report(
            "kill", "spacetimekit", "seed-\(seed)",
            [
                ("kills", Double(outcome.kills)), ("acknowledged", Double(outcome.acknowledged)),
                ("missing", Double(outcome.missing)),
            ])
        guard outcome.missing == 0 else { throw BenchError.system("acknowledged commits are missing") }
    }

    func fullDisk(fileByteLimit: Int) throws {
        let (kept, found, error) = try FullDiskBench.run(limit: fileByteLimit > 0 ? fileByteLimit : nil)
        report("full", "spacetimekit", "", [("durable", Double(kept)), ("found", Double(found))])
        if !json { print("the error was: \(error)") }
        guard !error.isEmpty, found == kept else {
            throw BenchError.system("a full disk lost commits, or was not full")
        }
    }

    // MARK: Soak

    /// Transfers at full speed with snapshots and retention; memory and disk must stay flat.
    func soak(seconds total: Double) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/bank"
        let workload = TransferWorkload(sizes)
        let database = try Database.open(at: path, module: Bank.self)
        try database.call(Bank.fill, UInt32(workload.accounts), TransferWorkload.initialBalance)
        let clock = ContinuousClock()
        let start = clock.now
        var calls = 0
        var pass = 0
        var next = 0.0
        while true {
            let elapsed = start.duration(to: clock.now) / .seconds(1)
            if elapsed >= next {
                next += max(total / 20, 0.01)
                report(
                    "soak", "spacetimekit", "transfer",
                    [
                        ("seconds", elapsed), ("transfers", Double(calls)),
                        ("resident_megabytes", Double(ProcessMemory.residentByteCount) / 1e6),
                        ("disk_megabytes", Double(try byteCount(of: path)) / 1e6),
                    ])
            }
            if elapsed >= total { break }
            for pair in workload.pairs(pass: pass) {
                try database.call(Bank.transfer, pair.from, pair.to, TransferWorkload.amount)
                calls += 1
            }
            pass += 1
        }
        try database.close()
    }

    /// Bytes of a database's log and snapshots.
    func byteCount(of path: String) throws -> UInt64 {
        let disk = SystemDisk()
        var sum: UInt64 = 0
        for part in ["\(path)/log", "\(path)/snapshots"] {
            for name in (try? disk.list(part)) ?? [] {
                // A file may be removed meanwhile.
                guard let file = try? disk.open("\(part)/\(name)", .read) else { continue }
                sum += (try? file.size()) ?? 0
                file.close()
            }
        }
        return sum
    }
}
