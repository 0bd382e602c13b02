/// Every benchmark that there is.
struct Benches {
    static let names =
        [
            "noop", "transfer", "insert", "find", "range", "scan", "filter", "sql", "testdatabases", "memory",
            "churn-memory", "growth",
            "durable", "recovery", "backup", "pause", "latency", "edits", "crash", "kill", "full", "subscriptions",
            "live-window", "live-aggregate", "churn", "initial", "shared-scan", "live-join", "views", "plan",
            "protocol", "client", "wasm-start", "wasm-swap",
        ] + GuestBenches.names
    /// Those that run by name only.
    static let onDemand = ["soak", "wide"]

    let sizes: Sizes
    private let items: Lazily<ItemWorkload>

    init(_ sizes: Sizes) {
        self.sizes = sizes
        items = Lazily { ItemWorkload(sizes) }
    }

    /// The groups of a benchmark, in the order in which they run.
    func groups(_ name: String) throws -> [Group] {
        switch name {
        case "noop": [noop]
        case "transfer": [transfer]
        case "insert":
            [
                insert(rows: sizes.rows, perTransaction: 1_000, .named),
                insert(rows: sizes.rows, perTransaction: 1_000, .fixed),
                insert(rows: sizes.singleInserts, perTransaction: 1, .named),
            ]
        case "find", "range", "scan", "filter":
            ReadWork(rawValue: name).map { work in ItemShape.allCases.map { read(work, $0) } } ?? []
        case "sql": SQLWork.allCases.map(sql)
        case "testdatabases": [testDatabases]
        case "durable": [durable]
        case "protocol": protocolMessages
        case "client": client
        case _ where GuestBenches.names.contains(name): GuestBenches(sizes: sizes).groups(name)
        default:
            throw BenchError.badArgument(
                "there is no benchmark \(name); there are: \(Self.names.joined(separator: ", "))")
        }
    }

    /// The tables of the `memory` benchmark, which measures no time.
    var memorySubjects: [MemorySubject] {
        [
            KitMemory.subject(secondIndex: false), KitMemory.subject(secondIndex: true),
            SQLiteMemory.subject(secondIndex: false), SQLiteMemory.subject(secondIndex: true),
            LimitMemory.subject(secondIndex: false), LimitMemory.subject(secondIndex: true),
            ClientMemory.subject(isIndexed: false), ClientMemory.subject(isIndexed: true),
        ]
    }

    private var noop: Group {
        Group(bench: "noop", workload: "one empty reducer call; an empty transaction; a lock taken and released") {
            [sizes] in
            [
                try KitNoop(calls: sizes.callsPerPass), try KitNoop(calls: sizes.callsPerPass, isAsync: true),
                try SQLiteNoop(.memory, calls: sizes.callsPerPass),
                try SQLiteNoop(.writeAheadLog, calls: sizes.callsPerPass),
                LimitNoop(calls: sizes.callsPerPass),
            ]
        }
    }

    private var transfer: Group {
        Group(
            bench: "transfer",
            workload: "two finds and two updates by key per transaction, \(sizes.accounts) accounts, uniform pairs"
        ) { [sizes] in
            let workload = TransferWorkload(sizes)
            return [
                try KitTransfer(workload),
                try KitTransfer(workload, writesLog: true),
                try SQLiteTransfer(.memory, workload),
                try SQLiteTransfer(.writeAheadLog, workload),
                try LimitTransfer(workload, writesLog: false),
                try LimitTransfer(workload, writesLog: true),
            ]
        }
    }

    private var durable: Group {
        Group(
            bench: "durable",
            workload: "transfers that return when they are synced to disk, by 1, 8 and 64 callers"
        ) { [sizes] in
            let workload = TransferWorkload(sizes)
            let transfers = sizes.durableTransfersPerPass
            return [
                try KitDurableTransfer(workload, callers: 1, transfers: transfers),
                try KitDurableTransfer(workload, callers: 8, transfers: transfers),
                try KitDurableTransfer(workload, callers: 64, transfers: transfers),
                try SQLiteTransfer(.synced, workload, transfers: transfers),
            ]
        }
    }

    private func insert(rows: Int, perTransaction: Int, _ shape: ItemShape) -> Group {
        let plan = InsertPlan(rows: rows, rowsPerTransaction: perTransaction, shape: shape)
        return Group(
            bench: "insert", part: "\(shape)-\(perTransaction)",
            workload: "\(rows) rows into a new table with two indexes, \(perTransaction) per transaction; cost per row"
        ) { [items] in
            [
                KitInsert(items.value, plan),
                SQLiteInsert(.memory, items.value, plan),
                SQLiteInsert(.writeAheadLog, items.value, plan),
                LimitInsert(items.value, plan),
            ]
        }
    }

    private func read(_ work: ReadWork, _ shape: ItemShape) -> Group {
        let second = shape == .named ? "the name's length" : "y"
        let workload =
            switch work {
            case .find: "random existing keys, \(sizes.findsPerPass) in one transaction; reads x and \(second)"
            case .range:
                "owner ranges of about 100 rows by index, \(sizes.rangesPerPass) in one transaction; cost per row"
            case .scan: "every row in one transaction; reads key and x; cost per row"
            case .filter: "rows with x < 100 counted, a tenth of all, no index; cost per row looked at"
            }
        return Group(bench: work.rawValue, part: "\(shape)", workload: "\(workload); \(sizes.rows) rows") { [items] in
            let reads = try KitReads(items.value, work, shape)
            return (work == .find ? [reads, KitReads(batching: reads)] : [reads]) + [
                try SQLiteReads(.memory, items.value, work, shape),
                try SQLiteReads(.writeAheadLog, items.value, work, shape),
                LimitReads(items.value, work, shape),
            ]
        }
    }

    private func sql(_ work: SQLWork) -> Group {
        Group(
            bench: "sql", part: work.rawValue,
            workload: "\(work.workload); statements prepared once, or each a text of its own; \(sizes.rows) rows"
        ) { [items] in
            let kit = try KitSQL(items.value, work, isPrepared: true)
            let peer = try SQLiteSQL(items.value, work, isPrepared: true)
            return [
                kit, try KitSQL(items.value, work, isPrepared: false, sharing: kit),
                peer, try SQLiteSQL(items.value, work, isPrepared: false, sharing: peer),
            ]
        }
    }

    private var protocolMessages: [Group] {
        [
            Group(
                bench: "protocol", part: "calls",
                workload: "calls of \(CallFrame.calls) in a frame read in place; cost per call"
            ) { [sizes] in
                let frames = max(1, sizes.callsPerPass / CallFrame.calls)
                return [KitCallFrames(frames: frames), LimitCallFrames(frames: frames)]
            },
            Group(
                bench: "protocol", part: "results",
                workload: "answers to calls that changed nothing visible, 1,000 in a frame; cost per answer"
            ) { [sizes] in
                [KitResults(results: sizes.callsPerPass), LimitResults(results: sizes.callsPerPass)]
            },
            Group(
                bench: "protocol", part: "updates",
                workload: "four changes of \(UpdatePieces.rows) rows put together from encoded ones; cost per client"
            ) { [sizes] in
                [KitUpdates(clients: sizes.callsPerPass), LimitUpdates(clients: sizes.callsPerPass)]
            },
        ]
    }

    private var testDatabases: Group {
        Group(
            bench: "testdatabases",
            workload: "a database in memory opened, given a table and a row, read and closed, per operation"
        ) { [sizes] in
            [
                KitTestDatabases(databases: sizes.databasesPerPass),
                SQLiteTestDatabases(databases: sizes.databasesPerPass),
            ]
        }
    }
}

/// A value made when it is first needed and kept.
final class Lazily<Value> {
    private let make: () -> Value
    private(set) lazy var value = make()

    init(_ make: @escaping () -> Value) { self.make = make }
}
