import SpacetimeKit
import SpacetimeWASM

/// Modules in WebAssembly beside the same ones in Swift, and beside a host that does nothing but the crossings.
struct GuestBenches {
    static let names = ["wasm-call", "wasm-transfer", "wasm-scan", "wasm-insert", "wasm-step", "wasm-trap"]

    let sizes: Sizes

    /// Players of the world that `wasm-step` goes through.
    private var players: UInt64 { UInt64(min(sizes.accounts, 10_000)) }

    func groups(_ name: String) -> [Group] {
        switch name {
        case "wasm-call": [hostToGuest, crossing, guestToHost]
        case "wasm-transfer": [transfer]
        case "wasm-scan": [scan]
        case "wasm-insert": [insert]
        case "wasm-step": [step]
        case "wasm-trap": [trap, trapAndNext]
        default: []
        }
    }

    private func guest(_ name: String) throws -> any ReducerHost {
        try DatabaseHost(WASMModule(bytes: GuestModules.bytes(name), name: name))
    }

    private func limit(_ name: String) throws -> LimitHost { try LimitHost(GuestModules.bytes(name)) }

    private var hostToGuest: Group {
        Group(
            bench: "wasm-call", part: "to-guest",
            workload: "an empty reducer, in a transaction of its own; the limit has no transactions"
        ) { [sizes] in
            let calls: (Int) -> [Stroke] = { _ in Array(repeating: .nothing, count: sizes.callsPerPass) }
            return [
                try NativeStrokes(changing: "Total", calls),
                StrokeCalls("spacetimekit", "wasm-c", try guest("strokes"), changing: "Total", calls),
                LimitCalls(try limit("strokes"), count: sizes.callsPerPass),
            ]
        }
    }

    private var crossing: Group {
        Group(
            bench: "wasm-call", part: "crossing",
            workload: "an empty reducer, all calls in one transaction: what a call costs without one of its own"
        ) { [sizes] in
            let module = try WASMModule(bytes: GuestModules.bytes("strokes"), name: "strokes")
            return [
                try Crossings(module, count: sizes.callsPerPass),
                LimitCalls(try limit("strokes"), count: sizes.callsPerPass),
            ]
        }
    }

    private var guestToHost: Group {
        Group(
            bench: "wasm-call", part: "to-host",
            workload: "the cheapest function of the host, called by a loop in the guest; cost per call"
        ) { [sizes] in
            let count = sizes.callsPerPass
            let calls: (Int) -> [Stroke] = { _ in [.cross(UInt32(count))] }
            return [
                StrokeCalls(
                    "spacetimekit", "wasm-c", try guest("strokes"), changing: "Total", operationsPerStroke: count, calls
                ),
                StrokeCalls(
                    "limit", "wasm-c", try limit("strokes"), changing: "Total", operationsPerStroke: count, calls),
            ]
        }
    }

    private var transfer: Group {
        Group(
            bench: "wasm-transfer",
            workload: "two finds and two updates by key per transaction, \(sizes.accounts) accounts, uniform pairs"
        ) { [sizes] in
            let workload = TransferWorkload(sizes)
            return [
                try KitTransfer(workload, variant: "native"),
                try GuestTransfer(
                    "spacetimekit", "native-bytes", workload, DatabaseHost(Database.open(.inMemory, module: Bank.self))),
                try GuestTransfer("spacetimekit", "wasm-c", workload, guest("transfer-c")),
                try GuestTransfer("spacetimekit", "wasm-rust", workload, guest("transfer-rust")),
                try GuestTransfer("limit", "wasm-c", workload, limit("transfer-c")),
                try GuestTransfer("limit", "wasm-rust", workload, limit("transfer-rust")),
            ]
        }
    }

    private var scan: Group {
        Group(
            bench: "wasm-scan", workload: "every row of 24 bytes through an iterator, \(sizes.rows) rows; cost per row"
        ) { [sizes] in
            let scan: (Int) -> [Stroke] = { _ in [.scanParticles] }
            func filled(_ host: any ReducerHost) throws -> any ReducerHost {
                let isFilled = try host.call(.fill(players: 1))
                guard isFilled, try host.call(.insertParticles(first: 0, count: UInt32(sizes.rows))) else {
                    throw BenchError.system("the rows were not inserted")
                }
                return host
            }
            return [
                try NativeStrokes(
                    changing: "Total", players: 1, particles: sizes.rows, operationsPerStroke: sizes.rows, scan),
                StrokeCalls(
                    "spacetimekit", "wasm-c", try filled(guest("strokes")), changing: "Total",
                    operationsPerStroke: sizes.rows, scan),
                StrokeCalls(
                    "limit", "wasm-c", try filled(limit("strokes")), changing: "Total",
                    operationsPerStroke: sizes.rows, scan),
            ]
        }
    }

    private var insert: Group {
        Group(
            bench: "wasm-insert",
            workload: """
                \(sizes.rows) rows of 24 bytes into a new table with two indexes, \(StrokeInserts.rowsPerCall) per call; cost \
                per row
                """
        ) { [sizes] in
            let module = try WASMModule(bytes: GuestModules.bytes("strokes"), name: "strokes")
            let limit = try limit("strokes")
            return [
                StrokeInserts("spacetimekit", "native", rows: sizes.rows) {
                    DatabaseHost(try Database.open(.inMemory, module: Strokes.self))
                },
                StrokeInserts("spacetimekit", "wasm-c", rows: sizes.rows) { try DatabaseHost(module) },
                StrokeInserts("limit", "wasm-c", rows: sizes.rows) {
                    limit.clear("Particle")
                    return limit
                },
            ]
        }
    }

    private var step: Group {
        Group(
            bench: "wasm-step",
            workload: """
                a game's step: 20 reads by key, one of a row of 16.4 kB, a look-up by three columns, 3 updates; \(players) \
                players
                """
        ) { [sizes, players] in
            let steps: (Int) -> [Stroke] = { pass in
                let count = max(1, sizes.callsPerPass / 10)
                return (0..<count).map { number in
                    let number = UInt64(pass * count + number)
                    return .step(
                        player: number &* 7919 % players, players: players, time: UInt32(truncatingIfNeeded: number))
                }
            }
            func filled(_ host: any ReducerHost) throws -> any ReducerHost {
                guard try host.call(.fill(players: players)) else { throw BenchError.system("there is no world") }
                return host
            }
            return [
                try NativeStrokes(changing: "Mobile", players: players, steps),
                StrokeCalls("spacetimekit", "wasm-c", try filled(guest("strokes")), changing: "Mobile", steps),
                StrokeCalls("limit", "wasm-c", try filled(limit("strokes")), changing: "Mobile", steps),
            ]
        }
    }

    private var trapAndNext: Group {
        Group(
            bench: "wasm-trap", part: "to-next",
            workload: """
                a call that panics and the next call as one; one after the other without pause, or with one in which the \
                spare guest is made ready
                """
        ) { [sizes] in
            let pairs = max(3, sizes.callsPerPass / 100)
            return [
                TrapAndNext("spacetimekit", "wasm-c", try guest("strokes"), pairs: pairs),
                TrapAndNext("spacetimekit", "wasm-c-pausing", try guest("strokes"), pairs: 1),
                TrapAndNext("limit", "wasm-c", try limit("strokes"), pairs: pairs),
            ]
        }
    }

    private var trap: Group {
        Group(
            bench: "wasm-trap",
            workload: "calls of which every third panics, whereupon a fresh guest takes over; cost per call"
        ) { [sizes] in
            let calls: (Int) -> [Stroke] = { _ in (0..<UInt32(max(3, sizes.callsPerPass / 50))).map { .stumble($0) } }
            return [
                StrokeCalls("spacetimekit", "wasm-c", try guest("strokes"), changing: "Total", calls),
                StrokeCalls("limit", "wasm-c", try limit("strokes"), changing: "Total", calls),
            ]
        }
    }
}
