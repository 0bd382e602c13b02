import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeWASM

/// Calls that are made one after the other. What they are is made ready beforehand.
final class StrokeCalls: Contestant {
    let system: String
    let variant: String
    private let host: any ReducerHost
    private let table: String
    private let strokes: (Int) -> [Stroke]
    private let operationsPerStroke: Int
    private var calls: [(reducer: Int, arguments: [UInt8])] = []

    /// - Parameters:
    ///   - table: what the calls change.
    ///   - strokes: the calls of a pass.
    init(
        _ system: String, _ variant: String, _ host: any ReducerHost, changing table: String,
        operationsPerStroke: Int = 1, _ strokes: @escaping (Int) -> [Stroke]
    ) {
        self.system = system
        self.variant = variant
        self.host = host
        self.table = table
        self.strokes = strokes
        self.operationsPerStroke = operationsPerStroke
    }

    func prepare(pass: Int) throws { calls = strokes(pass).map { ($0.position, $0.arguments) } }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for call in calls where try host.call(call.reducer, call.arguments) { digest.add(1) }
        return PassResult(operations: calls.count * operationsPerStroke, digest: digest.value)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        try host.digest(of: table) &+ result.digest
    }
}

/// The same calls of the Swift module, typed, as its user makes them.
final class NativeStrokes: Contestant {
    let system = "spacetimekit"
    let variant = "native"
    private let host: DatabaseHost<Strokes>
    private let table: String
    private let strokes: (Int) -> [Stroke]
    private let operationsPerStroke: Int
    private var calls: [Stroke] = []

    init(
        changing table: String, players: UInt64? = nil, particles: Int = 0, operationsPerStroke: Int = 1,
        _ strokes: @escaping (Int) -> [Stroke]
    ) throws {
        let database = try Database.open(.inMemory, module: Strokes.self)
        if let players { try database.call(Strokes.fill, players) }
        if particles > 0 { try database.call(Strokes.insertParticles, 0, UInt32(particles)) }
        host = DatabaseHost(database)
        self.table = table
        self.strokes = strokes
        self.operationsPerStroke = operationsPerStroke
    }

    func prepare(pass: Int) throws { calls = strokes(pass) }

    func run(pass: Int) throws -> PassResult {
        let database = host.database
        for call in calls {
            switch call {
            case .nothing: try database.call(Strokes.nothing)
            case .cross(let count): try database.call(Strokes.cross, count)
            case .insertParticles(let first, let count): try database.call(Strokes.insertParticles, first, count)
            case .scanParticles: try database.call(Strokes.scanParticles)
            case .fill(let players): try database.call(Strokes.fill, players)
            case .step(let player, let players, let time): try database.call(Strokes.step, player, players, time)
            case .stumble: throw BenchError.badArgument("a reducer in Swift that traps ends the program")
            }
        }
        var digest = Digest()
        for _ in calls { digest.add(1) }
        return PassResult(operations: calls.count * operationsPerStroke, digest: digest.value)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        try host.digest(of: table) &+ result.digest
    }
}

/// Empty calls of a guest in one transaction: nothing but what it takes to get in and out.
final class Crossings: Contestant {
    let system = "spacetimekit"
    let variant = "wasm-c"
    private let database: Database<DynamicModule>
    private let host: any ModuleHost
    private let count: Int

    init(_ module: WASMModule, count: Int) throws {
        database = try Database.open(.inMemory, module: module)
        host = module.makeHost()
        self.count = count
    }

    func run(pass: Int) throws -> PassResult {
        let runner = database.core.runner
        let transaction = TransactionReference(runner: runner, serial: try runner.beginCall("nothing"))
        defer { runner.abortCall() }
        let arguments = UnsafeRawBufferPointer(start: nil, count: 0)
        for _ in 0..<count {
            try host.callReducer(Stroke.nothing.position, arguments: arguments, in: transaction)
        }
        var digest = Digest()
        for _ in 0..<count { digest.add(1) }
        return PassResult(operations: count, digest: digest.value)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        try DatabaseHost(database).digest(of: "Total") &+ result.digest
    }
}

/// Calls that panic, and the next call behind each.
final class TrapAndNext: Contestant {
    let system: String
    let variant: String
    private let host: any ReducerHost
    private let pairs: Int
    private let trap = Stroke.stumble(0)

    init(_ system: String, _ variant: String, _ host: any ReducerHost, pairs: Int) {
        self.system = system
        self.variant = variant
        self.host = host
        self.pairs = pairs
    }

    func prepare(pass: Int) throws { GuestNursery.shared.waitUntilIdle() }

    func run(pass: Int) throws -> PassResult {
        let arguments = trap.arguments
        for _ in 0..<pairs {
            guard try !host.call(trap.position, arguments), try host.call(Stroke.nothing.position, []) else {
                throw BenchError.system("a panic was none, or was one for the next call, too")
            }
        }
        return PassResult(operations: pairs, digest: 0)
    }
}

/// Rows that are inserted into a new table, a thousand per call.
final class StrokeInserts: Contestant {
    let system: String
    let variant: String
    private let rows: Int
    private let makeHost: () throws -> any ReducerHost
    private var host: (any ReducerHost)?
    private var batches: [[UInt8]] = []
    static let rowsPerCall = 1_000

    init(_ system: String, _ variant: String, rows: Int, _ makeHost: @escaping () throws -> any ReducerHost) {
        self.system = system
        self.variant = variant
        self.rows = rows
        self.makeHost = makeHost
    }

    func prepare(pass: Int) throws {
        host = nil
        host = try makeHost()
        batches = stride(from: 0, to: rows, by: Self.rowsPerCall).map { first in
            Stroke.insertParticles(first: UInt64(first), count: UInt32(min(Self.rowsPerCall, rows - first))).arguments
        }
    }

    func run(pass: Int) throws -> PassResult {
        guard let host else { return PassResult(operations: 0, digest: 0) }
        let reducer = Stroke.insertParticles(first: 0, count: 0).position
        for batch in batches where try !host.call(reducer, batch) { throw BenchError.system("a row was refused") }
        return PassResult(operations: rows, digest: 0)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 { try host?.digest(of: "Particle") ?? 0 }
}

/// The transfer scenario by places and bytes.
final class GuestTransfer: Contestant {
    let system: String
    let variant: String
    private let workload: TransferWorkload
    private let host: any ReducerHost
    private var calls: [[UInt8]] = []

    init(_ system: String, _ variant: String, _ workload: TransferWorkload, _ host: any ReducerHost) throws {
        self.system = system
        self.variant = variant
        self.workload = workload
        self.host = host
        guard try host.call(0, UInt32(workload.accounts).bsatn() + TransferWorkload.initialBalance.bsatn()) else {
            throw BenchError.system("the accounts were not opened")
        }
    }

    func prepare(pass: Int) throws {
        calls = workload.pairs(pass: pass).map { $0.from.bsatn() + $0.to.bsatn() + TransferWorkload.amount.bsatn() }
    }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for arguments in calls where try host.call(1, arguments) { digest.add(1) }
        return PassResult(operations: workload.transfersPerPass, digest: digest.value)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 {
        var digest = Digest()
        try host.forEachRow(of: "Account") { row in
            digest.add(
                UInt64(row.loadUnaligned(as: UInt32.self).littleEndian),
                row.loadUnaligned(fromByteOffset: 4, as: Int64.self).littleEndian)
        }
        return digest.value &+ result.digest
    }
}

/// Empty calls of the minimal host, in a loop of its own: nothing but crossings.
final class LimitCalls: Contestant {
    let system = "limit"
    let variant = "wasm-c"
    private let host: LimitHost
    private let count: Int

    init(_ host: LimitHost, count: Int) {
        self.host = host
        self.count = count
    }

    func run(pass: Int) throws -> PassResult {
        host.callRepeatedly(Stroke.nothing.position, count: count)
        var digest = Digest()
        for _ in 0..<count { digest.add(1) }
        return PassResult(operations: count, digest: digest.value)
    }

    func verify(pass: Int, result: PassResult) throws -> UInt64 { try host.digest(of: "Total") &+ result.digest }
}
