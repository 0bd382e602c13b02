import BenchHarness
import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeTestSupport
import Synchronization

/// How long calls take at half of the rate that the machine reaches, alone and beside what a database does in the
/// background.
///
/// Beside it stand loops that make no calls: one that only reads the clock, which shows what the machine and its scheduler
/// take from any thread, and one that only writes and syncs a file, which shows what the disk gives. What they suffer is
/// not ours.
struct LatencyBench {
    /// What happens beside the calls.
    enum Beside: String, CaseIterable {
        case nothing
        /// Snapshots one after the other, each with the retention that follows it.
        case snapshots
        case backup
        /// Reads all rows of a snapshot of the whole database, again and again.
        case reader
        case everything
    }

    let rows: UInt64
    let seconds: Double
    /// The only variant to measure, such as `committed-beside-snapshots`; nil for all.
    let only: String?
    let report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void
    private let directory: TemporaryDirectory
    private let database: Database<WideRows>

    /// Makes a database of so many rows of 96 bytes.
    init(
        rows: Int, seconds: Double, only: String? = nil,
        report: @escaping (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void
    ) throws {
        self.rows = UInt64(rows)
        self.seconds = seconds
        self.only = only
        self.report = report
        directory = try TemporaryDirectory()
        database = try WideRows.make(at: directory.path + "/wide", rows: rows)
    }

    func run() throws {
        let committed = try peakOfCommitted()
        let durable = try peakOfDurable()
        report("spacetimekit", "peak", [("committed_per_second", committed), ("durable_per_second", durable)])
        for beside in Beside.allCases {
            let arrivals = Arrivals(perSecond: committed / 2, seconds: seconds)
            try measure("limit", "clock", beside, arrivals.perSecond) { try clockOnly(arrivals, $0) }
        }
        for beside in [Beside.nothing, .everything] {
            try measure("limit", "disk", beside, 0) { try syncsOnly($0) }
        }
        for beside in Beside.allCases {
            let arrivals = Arrivals(perSecond: committed / 2, seconds: seconds)
            try measure("spacetimekit", "committed", beside, arrivals.perSecond) { try callsCommitted(arrivals, $0) }
        }
        for beside in Beside.allCases {
            let arrivals = Arrivals(perSecond: durable / 2, seconds: seconds)
            try measure("spacetimekit", "durable", beside, arrivals.perSecond) { try callsDurable(arrivals, $0) }
        }
        try database.close()
    }

    private func measure(
        _ system: String, _ variant: String, _ beside: Beside, _ rate: Double,
        _ body: (Company) throws -> LatencyHistogram
    ) throws {
        if let only, only != "\(variant)-beside-\(beside.rawValue)" { return }
        // What the last one left behind is not this one's.
        try database.flush()
        let company = Company(works(beside))
        let latencies = try body(company)
        let rounds = try company.end()
        func microseconds(_ share: Double) -> Double { Double(latencies.percentile(share)) / 1e3 }
        report(
            system, "\(variant)-beside-\(beside.rawValue)",
            [
                ("per_second", rate), ("p50_us", microseconds(0.5)), ("p99_us", microseconds(0.99)),
                ("p99.9_us", microseconds(0.999)), ("longest_us", Double(latencies.longest) / 1e3),
                ("calls", Double(latencies.count)), ("rounds", Double(rounds)),
            ])
    }

    private func works(_ beside: Beside) -> [@Sendable () throws -> Void] {
        let database = database
        let path = directory.path
        let snapshots: @Sendable () throws -> Void = { try database.takeSnapshot() }
        let backup: @Sendable () throws -> Void = {
            let copy = path + "/copy"
            try database.backup(to: copy)
            TemporaryDirectory.removeTree(copy)
        }
        let reader: @Sendable () throws -> Void = {
            var sum: UInt64 = 0
            try database.snapshot().forEach(Wide.self) { sum &+= $0.count &+ $0.a }
            // Nobody computes what nobody looks at.
            if sum == 0x5EED { print("") }
        }
        return switch beside {
        case .nothing: []
        case .snapshots: [snapshots]
        case .backup: [backup]
        case .reader: [reader]
        case .everything: [snapshots, backup, reader]
        }
    }

    /// Some row, a different one each time, all over the table.
    private func id(_ number: UInt64) -> UInt64 { number &* 2_654_435_761 % rows }

    // MARK: Loops without calls

    private func clockOnly(_ arrivals: Arrivals, _ company: Company) throws -> LatencyHistogram {
        var latencies = LatencyHistogram()
        arrivals.forEach(until: { company.isDoneOnce }) { _, due in
            latencies.record(nanoseconds: monotonicNanoseconds() - due)
        }
        return latencies
    }

    /// Appends what a group of some hundred calls logs to a file that grows in steps, as the log does, and syncs it. Each
    /// counts from its own beginning.
    private func syncsOnly(_ company: Company) throws -> LatencyHistogram {
        let disk = SystemDisk()
        let path = directory.path + "/synced"
        let file = try disk.open(path, .create)
        defer {
            file.close()
            try? disk.remove(path)
        }
        let bytes = [UInt8](repeating: 0xA5, count: 16 << 10)
        let step = LogOptions().preallocationByteCount
        var position: UInt64 = 0
        var latencies = LatencyHistogram()
        let start = monotonicNanoseconds()
        while Double(monotonicNanoseconds() - start) < seconds * 1e9 || !company.isDoneOnce {
            let begin = monotonicNanoseconds()
            if position % step == 0 { try file.preallocate(to: position + step) }
            try bytes.withUnsafeBytes { try file.write($0, at: position) }
            try file.sync()
            latencies.record(nanoseconds: monotonicNanoseconds() - begin)
            position += UInt64(bytes.count)
        }
        return latencies
    }

    // MARK: Calls that return when they are visible

    private func peakOfCommitted() throws -> Double {
        let start = monotonicNanoseconds()
        var number: UInt64 = 0
        while true {
            for _ in 0..<100 {
                try database.call(WideRows.touch, id(number))
                number += 1
            }
            let elapsed = Double(monotonicNanoseconds() - start) / 1e9
            if elapsed >= seconds { return Double(number) / elapsed }
        }
    }

    private func callsCommitted(_ arrivals: Arrivals, _ company: Company) throws -> LatencyHistogram {
        var latencies = LatencyHistogram()
        try arrivals.forEach(until: { company.isDoneOnce }) { number, due in
            try database.call(WideRows.touch, id(number))
            latencies.record(nanoseconds: monotonicNanoseconds() - due)
        }
        return latencies
    }

    // MARK: Calls that wait for the disk

    /// So many are waited for at once where the peak is looked for.
    private static let inFlightLimit = 64

    private func peakOfDurable() throws -> Double {
        let confirmer = Confirmer(database.core)
        let start = monotonicNanoseconds()
        var number: UInt64 = 0
        var elapsed = 0.0
        while elapsed < seconds {
            while confirmer.inFlight >= Self.inFlightLimit {}
            confirmer.add(try database.call(WideRows.touch, id(number)), due: 0)
            number += 1
            elapsed = Double(monotonicNanoseconds() - start) / 1e9
        }
        _ = try confirmer.finish()
        return Double(number) / elapsed
    }

    private func callsDurable(_ arrivals: Arrivals, _ company: Company) throws -> LatencyHistogram {
        let confirmer = Confirmer(database.core)
        try arrivals.forEach(until: { company.isDoneOnce }) { number, due in
            confirmer.add(try database.call(WideRows.touch, id(number)), due: due)
        }
        return try confirmer.finish()
    }
}

/// Waits for commits to become durable, in their order, on a thread of its own, as a server does for its clients: whoever
/// makes the calls goes on with those that are due meanwhile.
private final class Confirmer: Sendable {
    private struct State {
        var commits: [(offset: TxOffset, due: Int64)] = []
        var latencies = LatencyHistogram()
        var isComplete = false
        var isOver = false
        var failure: (any Error)?
    }

    private let state = Monitor(State())
    private let waiting = Atomic(0)

    init(_ core: DatabaseCore) { startThread { self.run(core) } }

    var inFlight: Int { waiting.load(ordering: .acquiring) }

    func add(_ offset: TxOffset, due: Int64) {
        waiting.add(1, ordering: .relaxed)
        state.wake { $0.commits.append((offset, due)) }
    }

    private func run(_ core: DatabaseCore) {
        var latencies = LatencyHistogram()
        var commits: [(offset: TxOffset, due: Int64)] = []
        var failure: (any Error)?
        while true {
            commits.removeAll(keepingCapacity: true)
            state.wait { !$0.commits.isEmpty || $0.isComplete }
            state.withLock { swap(&$0.commits, &commits) }
            if commits.isEmpty { break }
            for commit in commits {
                do { try core.runner.waitUntilDurable(commit.offset) } catch { failure = error }
                latencies.record(nanoseconds: monotonicNanoseconds() - commit.due)
                waiting.subtract(1, ordering: .releasing)
            }
        }
        state.wake { [latencies, failure] state in
            state.latencies = latencies
            state.failure = failure
            state.isOver = true
        }
    }

    /// - Returns: the times from when the calls were due to when they were on disk.
    func finish() throws -> LatencyHistogram {
        state.wake { $0.isComplete = true }
        state.wait { $0.isOver }
        let (latencies, failure) = state.withLock { ($0.latencies, $0.failure) }
        if let failure { throw failure }
        return latencies
    }
}
