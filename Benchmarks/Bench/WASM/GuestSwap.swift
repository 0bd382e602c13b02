import BenchHarness
import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM
import Synchronization

/// How long a writer has to wait while the module of its database is replaced: by one whose tables are the same, by one with a
/// table more, and by one whose large table has an index more, or one less.
///
/// A thread moves money all the time. What it has to wait for longest is measured around each swap, and, for comparison, over
/// as long a time in which nothing is swapped: threads are taken off their cores by others, too.
struct GuestSwap {
    let rows: [Int]
    let rounds: Int
    private let transfer: WASMModule

    init(rows: [Int], rounds: Int) throws {
        self.rows = rows
        self.rounds = rounds
        transfer = try WASMModule(bytes: GuestModules.bytes("transfer-c"), name: "transfer")
    }

    /// What a swap does to the tables.
    private enum Change: String, CaseIterable {
        case unchanged, added
        case changed
    }

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        for rows in rows {
            for change in Change.allCases {
                report("spacetimekit", "\(change.rawValue)-\(rows)", try measure(change, rows))
            }
        }
    }

    private func measure(_ change: Change, _ rows: Int) throws -> [(String, Double)] {
        let first = try module(change, round: 0)
        let core = try DatabaseCore.publish(
            program(0), as: first, at: .memory, options: OpeningOptions(name: "swapped")
        ).core
        try core.runner.call(0, arguments: UInt32(rows).bsatn() + Int64(1_000_000).bsatn(), as: core.owner)
        let writer = SwapWriter(core, accounts: UInt32(rows))
        startThread { writer.run() }
        defer { writer.stop() }
        var (waits, quiet, locked, all): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        for round in 1...rounds {
            let update = try ModuleUpdate(
                of: writer.core, to: module(change, round: round), program: program(round),
                options: OpeningOptions(name: "swapped"))
            writer.beginWatching()
            let began = monotonicNanoseconds()
            try update.rehearse()
            let rehearsed = monotonicNanoseconds()
            try update.prepare(mayBreakClients: true)
            _ = try update.commit { writer.goOn(with: $0) }
            let ended = monotonicNanoseconds()
            waits.append(try writer.longestWait())
            all.append(Double(ended - began) / 1e6)
            locked.append(Double(ended - rehearsed) / 1e6)
            // As long as the swap took, and no less than a few calls take.
            writer.beginWatching()
            while monotonicNanoseconds() < ended + max(ended - began, 1_000_000) {}
            quiet.append(try writer.longestWait())
        }
        return [
            ("longest_wait_ms", waits.max() ?? 0), ("median_wait_ms", median(waits)),
            ("longest_without_swap_ms", quiet.max() ?? 0), ("prepare_and_commit_ms", median(locked)),
            ("swap_ms", median(all)), ("calls_per_second", writer.callsPerSecond),
        ]
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private func program(_ round: Int) -> ModuleProgram { ModuleProgram(.webAssembly, UInt64(round).bsatn()) }

    private func module(_ change: Change, round: Int) throws -> any ModuleHost {
        let host = transfer.makeHost()
        var definition = try host.describe()
        for position in definition.sections.indices {
            guard case .tables(var tables) = definition.sections[position] else { continue }
            switch change {
            case .unchanged: break
            case .added:
                for number in 0..<round {
                    tables.append(
                        RawTableDefV10(sourceName: "Extra\(number)", productTypeRef: tables[0].productTypeRef))
                }
            case .changed:
                if round % 2 == 1 {
                    tables[0].indexes.append(
                        RawIndexDef(
                            sourceName: "Account_balance_idx_btree", accessorName: "balance", algorithm: .btree([1])))
                }
            }
            definition.sections[position] = .tables(tables)
        }
        return Redefined(host, as: definition)
    }
}

/// A module that says something else of its tables than it does by itself.
private final class Redefined: ModuleHost {
    private let module: any ModuleHost
    private let definition: RawModuleDefV10

    init(_ module: any ModuleHost, as definition: RawModuleDefV10) {
        self.module = module
        self.definition = definition
    }

    func describe() throws(DatabaseError) -> RawModuleDefV10 { definition }

    func call(
        _ function: Function, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws -> SpacetimeHost.Outcome { try module.call(function, arguments: arguments, in: transaction) }

    func callReducer(
        _ position: Int, arguments: UnsafeRawBufferPointer, in transaction: TransactionReference
    ) throws { try module.callReducer(position, arguments: arguments, in: transaction) }
}

/// A thread that makes calls, one after the other, and notes how long the longest one took.
private final class SwapWriter: Sendable {
    private struct State {
        var core: DatabaseCore
        var calls = 0
        var longest: Int64 = 0
        /// Calls that began since somebody began to watch.
        var watched = 0
        var isOver = false
        var failure: (any Error)?
    }

    private let state: Monitor<State>
    private let accounts: UInt32
    private let began = monotonicNanoseconds()

    init(_ core: DatabaseCore, accounts: UInt32) {
        state = Monitor(State(core: core))
        self.accounts = accounts
    }

    var core: DatabaseCore { state.withLock { $0.core } }

    func goOn(with core: DatabaseCore) { state.withLock { $0.core = core } }

    func run() {
        var from: UInt32 = 0
        while !state.withLock({ $0.isOver }) {
            from = (from &+ 7_919) % accounts
            let arguments = from.bsatn() + ((from + 1) % accounts).bsatn() + Int64(1).bsatn()
            let start = monotonicNanoseconds()
            do { try call(arguments) } catch { state.withLock { $0.failure = error } }
            let nanoseconds = monotonicNanoseconds() - start
            state.wake { state in
                state.calls += 1
                state.watched += 1
                state.longest = max(state.longest, nanoseconds)
            }
        }
    }

    /// As whoever serves a client does: a call that the old module turned away is one for the new module.
    private func call(_ arguments: [UInt8]) throws {
        while true {
            let core = core
            do { return _ = try core.runner.call(1, arguments: arguments, as: core.owner) } catch let error
                as DatabaseError where error.code == .moduleReplaced
            {}
        }
    }

    func stop() { state.withLock { $0.isOver = true } }

    func beginWatching() {
        state.withLock { state in
            state.longest = 0
            state.watched = 0
        }
    }

    /// In milliseconds, once two calls more have ended: one may have been on its way.
    func longestWait() throws -> Double {
        let calls = state.withLock { $0.watched }
        state.wait { $0.watched >= calls + 2 || $0.failure != nil }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return Double(state.longest) / 1e6
        }
    }

    var callsPerSecond: Double {
        state.withLock { Double($0.calls) / (Double(monotonicNanoseconds() - began) / 1e9) }
    }
}
