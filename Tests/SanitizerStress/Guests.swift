import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeWASM
import Synchronization

/// Calls, procedures, readers and a publisher that replaces the module, each on a thread of its own, in a database whose module is
/// a guest which falls over now and then, in the middle of its work. `Tests/Modules/stress.c` is the module.
struct GuestStress {
    private static let accounts: UInt32 = 200
    private static let balance: Int64 = 1_000
    private static let total = Int64(accounts) * balance
    private static let move = 1

    private let ledger: GuestLedger
    /// Looked up before there are threads: whoever has no transaction must not ask the datastore. It stays with the module's
    /// versions, whose tables are the same.
    private let table: TableID
    private let bytes: [UInt8]

    /// Nil where the module or Wasmtime is missing, which is only allowed where nobody demands them.
    init?(isRequired: Bool) throws {
        let path =
            #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/") + "/.build-modules/stress.wasm"
        guard let bytes = try? SystemDisk().readAll(path), let module = try? Self.module(bytes, version: 0) else {
            precondition(!isRequired, "\(path) or Wasmtime is missing; run 'make wasmtime wasm-modules'")
            return nil
        }
        self.bytes = bytes
        let core = try DatabaseCore.publish(
            Self.program(bytes, version: 0), as: module.makeHost(), at: .memory, options: Self.options
        ).core
        try core.runner.call("fill", arguments: Self.accounts.bsatn() + Self.balance.bsatn(), as: core.owner)
        let datastore = core.runner.datastore
        guard let table = datastore.tableIDs.first(where: { datastore.schema(of: $0)?.name == "account" }) else {
            preconditionFailure("there is no table")
        }
        self.table = table
        ledger = GuestLedger(core, balances: [Int64](repeating: Self.balance, count: Int(Self.accounts)))
    }

    private static var options: OpeningOptions { OpeningOptions(name: "stress") }

    /// Another version: a section that means nothing makes it another program.
    private static func versioned(_ bytes: [UInt8], _ version: UInt8) -> [UInt8] { bytes + [0, 3, 1, 0x76, version] }

    private static func program(_ bytes: [UInt8], version: UInt8) -> ModuleProgram {
        ModuleProgram(.webAssembly, versioned(bytes, version))
    }

    private static func module(_ bytes: [UInt8], version: UInt8) throws -> WASMModule {
        var options = WASMOptions()
        options.cache = .none
        return try WASMModule(bytes: versioned(bytes, version), name: "stress", options: options)
    }

    // MARK: Threads

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 1...3 as ClosedRange<UInt32> { group.addTask { try await onThread { try write(seed: seed) } } }
            group.addTask { try await onThread { try read() } }
            group.addTask { try await onThread { try replace() } }
            group.addTask { try await ask() }
            try await group.waitForAll()
        }
        // What was promised is there, and nothing else is.
        let found = try balances(ledger.core)
        let state = ledger.state.withLock { $0 }
        precondition(state.balances == found, "the accounts are not what was moved")
        precondition(state.moved > 0 && state.fallen > 0 && state.swaps > 0, "the run was too short to show anything")
        print(
            "a guest moved money \(state.moved) times, fell \(state.fallen) times, and was replaced \(state.swaps) times"
        )
    }

    /// Several of them: calls, of which every 40th falls.
    private func write(seed: UInt32) throws {
        var numbers = Numbers(seed: seed)
        for round in 0..<SanitizerStress.calls / 3 {
            let (from, to) = (numbers.next(below: Self.accounts), numbers.next(below: Self.accounts))
            let amount = Int64(numbers.next(below: 50))
            let falls = round % 40 == 7
            let arguments = from.bsatn() + to.bsatn() + amount.bsatn() + (falls ? [1] : [0])
            do {
                try ledger.retrying { try $0.runner.call(Self.move, arguments: arguments, as: $0.owner) }
                precondition(!falls, "a call that falls was made")
                ledger.state.withLock { state in
                    state.balances[Int(from)] -= amount
                    state.balances[Int(to)] += amount
                    state.moved += 1
                }
            } catch let error as DatabaseError where error.code == .moduleFailure && falls {
                ledger.state.withLock { $0.fallen += 1 }
            }
        }
        ledger.state.withLock { $0.writers -= 1 }
    }

    /// Snapshots, and queries of a view, which the guest answers.
    private func read() throws {
        while ledger.hasWriters {
            try ledger.retrying { core in
                let sum = try balances(core).reduce(0, +)
                precondition(sum == Self.total, "a snapshot shows half of a call: \(sum)")
                let rich = try core.statements.run(.init("SELECT * FROM rich", as: core.owner))
                for end in rich.rows.ends {
                    let balance = try Int64(bsatn: Array(rich.rows.bytes[(end - 8)..<end]))
                    precondition(balance > 1_000, "the view shows somebody who is not rich")
                }
            }
        }
    }

    /// Procedures, each in a guest of its own on a thread of its own.
    private func ask() async throws {
        while ledger.hasWriters {
            let core = ledger.core
            do {
                let sum = try await core.procedures.call("sum", arguments: [], as: core.owner)
                precondition(sum == Self.total.bsatn(), "a procedure saw half of a call")
            } catch let error as DatabaseError where error.code == .moduleReplaced {}
        }
    }

    /// The publisher.
    private func replace() throws {
        var version: UInt8 = 0
        while ledger.hasWriters {
            version &+= 1
            let module = try Self.module(bytes, version: version).makeHost()
            let update = try ModuleUpdate(
                of: ledger.core, to: module, program: Self.program(bytes, version: version), options: Self.options)
            try update.rehearse()
            try update.prepare(mayBreakClients: false)
            _ = try update.commit { core in ledger.goOn(with: core) }
        }
    }

    private func balances(_ core: DatabaseCore) throws -> [Int64] {
        var balances = [Int64](repeating: .min, count: Int(Self.accounts))
        try core.runner.snapshot().forEachRow(of: table) { row in
            var reader = BSATNReader(RawSpan(_unsafeBytes: row))
            guard let id = try? reader.readU32(), let balance = try? Int64(from: &reader), id < Self.accounts else {
                preconditionFailure("a row is none of the module's")
            }
            balances[Int(id)] = balance
        }
        return balances
    }
}

/// Where the database is, and what it promised.
private final class GuestLedger: Sendable {
    struct State {
        var core: DatabaseCore
        var balances: [Int64]
        var moved = 0
        var fallen = 0
        var swaps = 0
        /// Those that are not done.
        var writers = 3
    }

    let state: Mutex<State>

    init(_ core: DatabaseCore, balances: [Int64]) { state = Mutex(State(core: core, balances: balances)) }

    var core: DatabaseCore { state.withLock { $0.core } }
    var hasWriters: Bool { state.withLock { $0.writers > 0 } }

    func goOn(with core: DatabaseCore) {
        state.withLock { state in
            state.core = core
            state.swaps += 1
        }
    }

    /// Does something that may have to be done again, since the module was replaced before it began.
    func retrying(_ body: (DatabaseCore) throws -> Void) throws {
        while true {
            do { return try body(core) } catch let error as DatabaseError where error.code == .moduleReplaced {}
        }
    }
}
