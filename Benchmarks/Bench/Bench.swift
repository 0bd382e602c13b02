import ArgumentParser
import CAllocationCounter

/// Runs the package's benchmarks beside SQLite and hand-written programs, and checks that all of them agree.
///
/// The main function is synchronous, so that tools which count instructions can run the program: `valgrind` does not
/// survive the signal thread that an asynchronous one starts.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures SpacetimeKit beside SQLite and hand-written programs, in turns, in one process.")

    @Argument(help: "The benchmarks to run; all if none is named.")
    var names: [String] = []

    @Flag(help: "List the benchmarks and stop.")
    var list = false

    @Option(
        help: ArgumentHelp(
            """
            Run this system only, named as in the tables, such as spacetimekit/memory; of 'latency' this variant, such as \
            committed-beside-snapshots.
            """))
    var only: String?

    @Option(help: "Measured seconds per system and benchmark.")
    var seconds: Double = 5

    @Option(help: "Counted rounds; at least 5.")
    var rounds = 5

    @Option(
        help: ArgumentHelp(
            """
            Rows of the item table; 1,000,000 if not given, 2,000 with --tiny. For 'latency', 'pause' and 'recovery' also \
            the rows of 96 bytes of their large database; 11,184,810 if not given, a gigabyte. For 'growth' the rows that \
            are inserted; 4,000,000 if not given.
            """))
    var rows: Int?

    @Flag(help: "Sizes so small that everything runs in seconds; the figures mean nothing.")
    var tiny = false

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @Flag(help: "Fail if SpacetimeKit allocates more per operation than it promises; for release builds.")
    var gate = false

    @Option(help: "Crash points that 'crash' tries; 10,000 if not given, 100 with --tiny.")
    var points: Int?

    @Option(help: "What 'crash' draws its workload and losses from.")
    var seed: UInt64 = 1

    @Option(help: "The largest file that 'full' may write; 0 relies on a small disk.")
    var fileByteLimit = 4_000_000

    @Flag(help: "Let 'wide' build in release instead of debug.")
    var release = false

    @Flag(help: ArgumentHelp("Write the sample of 'wide' anew.", visibility: .private))
    var writeSample = false

    @Option(help: ArgumentHelp("Be the process that 'kill' kills.", visibility: .private))
    var killChild: String?

    func validate() throws {
        guard rounds >= 5 else { throw ValidationError("--rounds must be at least 5") }
        guard seconds >= 0 else { throw ValidationError("--seconds must not be negative") }
        guard (rows ?? 100) >= 100 else { throw ValidationError("--rows must be at least 100") }
    }

    func run() throws {
        if let killChild { return try KillBench.child(killChild) }
        if writeSample { return try WideBench.writeSample() }
        if list {
            (Benches.names + Benches.onDemand).forEach { print($0) }
            return
        }
        try Self.checkAllocationCounter()
        let sizes = tiny ? Sizes.tiny(rows: rows) : Sizes.standard(rows: rows)
        let benches = Benches(sizes)
        let options = RunOptions(seconds: tiny ? 0 : seconds, rounds: rounds)
        var excesses: [String] = []
        // Building a package takes too long for a run of everything; the small size of 'wide' builds none.
        for name in names.isEmpty ? Benches.names + (tiny ? ["wide"] : []) : names {
            if name == "memory" {
                let outcomes = try MemoryRunner.run(benches.memorySubjects, rows: sizes.rows)
                if json { MemoryRunner.printJSON(outcomes) } else { MemoryRunner.printTable(outcomes) }
                continue
            }
            if try runStorage(name, sizes) { continue }
            for group in try benches.groups(name) {
                if !json { Report.printHeading(group) }
                let contestants = try group.makeContestants().filter { only == nil || $0.label == only }
                if contestants.isEmpty { continue }
                var runner = Runner(group, contestants: contestants, options: options)
                let outcomes = try runner.run()
                if json { Report.printJSON(outcomes) } else { Report.printTable(outcomes) }
                excesses += outcomes.compactMap(AllocationBudget.excess)
            }
        }
        if gate, !excesses.isEmpty { throw BenchError.system(excesses.joined(separator: "\n")) }
    }

    /// The benchmarks that are no races between systems.
    ///
    /// - Returns: false if it is none of them.
    private func runStorage(_ name: String, _ sizes: Sizes) throws -> Bool {
        let storage = StorageBenches(sizes: sizes, json: json)
        switch name {
        case "recovery": try storage.recovery(rounds: rounds)
        case "backup": try storage.backup(rounds: rounds)
        case "pause": try storage.pause()
        case "latency": try storage.latency(seconds: tiny ? 0.02 : seconds, only: only)
        case "edits": try storage.edits()
        case "crash": try storage.crash(points: points ?? sizes.crashPoints, seed: seed)
        case "kill": try storage.kill(rounds: max(rounds, tiny ? 3 : 200), seed: seed)
        case "full": try storage.fullDisk(fileByteLimit: fileByteLimit)
        case "churn-memory": try storage.churnMemory(seed: seed)
        case "growth":
            try GrowthBench(rows: tiny ? 5_000 : rows ?? 4_000_000, rounds: tiny ? 2 : rounds).run {
                storage.report("growth", $0, $1, $2)
            }
        case "subscriptions":
            try SubscriptionBench(counts: sizes.subscriptions, commits: tiny ? 200 : 100_000).run {
                storage.report("subscriptions", $0, $1, $2)
            }
        case "live-window":
            try LiveWindowBench(rowCounts: sizes.followedRows, changes: tiny ? 200 : 100_000).run {
                storage.report("live-window", $0, $1, $2)
            }
        case "live-aggregate":
            try LiveAggregateBench(rowCounts: sizes.followedRows, changes: tiny ? 200 : 100_000).run {
                storage.report("live-aggregate", $0, $1, $2)
            }
        case "churn":
            try ChurnBench(sizes: tiny ? .tiny : .init()).run { storage.report("churn", $0, $1, $2) }
        case "initial": try InitialBench(rows: sizes.rows).run { storage.report("initial", $0, $1, $2) }
        case "live-join":
            try LiveJoinBench(
                places: tiny ? 100 : 100_000, things: tiny ? 1_000 : 1_000_000, commits: tiny ? 50 : 100_000
            )
            .run { storage.report("live-join", $0, $1, $2) }
        case "plan":
            try PlanBench(rows: tiny ? 2_000 : rows ?? 100_000).run { storage.report("plan", $0, $1, $2) }
        case "shared-scan":
            try SharedScanBench(rows: sizes.rows, rounds: tiny ? 1 : max(rounds, 5)).run {
                storage.report("shared-scan", $0, $1, $2)
            }
        case "views":
            try ViewsBench(callers: tiny ? [2, 5] : [10, 100, 1_000], commits: tiny ? 20 : 20_000).run {
                storage.report("views", $0, $1, $2)
            }
        case "wasm-start":
            try GuestStart(rounds: tiny ? 1 : rounds, byteCount: tiny ? 100_000 : 2_000_000).run {
                storage.report("wasm-start", $0, $1, $2)
            }
        case "wasm-swap":
            try GuestSwap(
                rows: tiny ? [2_000] : rows.map { [$0] } ?? [100_000, 1_000_000], rounds: tiny ? 2 : rounds * 2
            )
            .run { storage.report("wasm-swap", $0, $1, $2) }
        case "soak": try storage.soak(seconds: seconds)
        case "wide":
            let figures = try tiny ? WideBench.runTiny() : WideBench(release: release).run(.game)
            storage.report("wide", "spacetimekit", tiny ? "sample" : release ? "release" : "debug", figures)
        default: return false
        }
        return true
    }

    /// A counter that misses allocations would make every "0 per operation" a lie, so it has to prove itself first.
    private static func checkAllocationCounter() throws {
        guard allocation_counter_is_supported() else { return }
        for expected: UInt64 in [0, 5, 10_000] {
            allocation_counter_start()
            allocation_counter_allocate(expected)
            let counted = allocation_counter_stop()
            guard counted == expected else {
                throw BenchError.system("the allocation counter counted \(counted) of \(expected) allocations")
            }
        }
    }
}
