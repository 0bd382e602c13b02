import SpacetimeKit

/// The module that the sweep runs: keyed and keyless tables, rows that grow and shrink, a sequence, two unique keys.
@Table struct Entry: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: UInt32
    @Indexed var group: UInt32
    var text: String
}

@Table struct Mark: Hashable {
    var step: UInt64
    var text: String
}

@Table struct Progress {
    @PrimaryKey var id: UInt32
    var step: UInt64
}

@Module enum Ledger {
    static let tables = Tables(Entry.self, Mark.self, Progress.self)

    @Reducer(.initialize) static func start(_ context: borrowing Context) throws {
        try context.db.progress.insert(Progress(id: 0, step: 0))
    }

    /// One step of the workload, all of it drawn from its number.
    @Reducer static func step(_ context: borrowing Context, number: UInt64) throws {
        var random = Draw(number)
        for _ in 0..<(1 + random.below(4)) {
            switch random.below(6) {
            case 0, 1, 2:
                let code = UInt32(random.below(64))
                if context.db.entry.code.find(code) == nil {
                    try context.db.entry.insert(
                        Entry(id: 0, code: code, group: code % 5, text: random.text()))
                }
            case 3:
                if var entry = context.db.entry.code.find(UInt32(random.below(64))) {
                    entry.text = random.text()
                    entry.group = UInt32(random.below(5))
                    try context.db.entry.id.update(entry)
                }
            case 4: try context.db.entry.code.delete(UInt32(random.below(64)))
            default: try context.db.mark.insert(Mark(step: number, text: random.text()))
            }
        }
        try exchange(context, &random)
        try context.db.progress.id.update(Progress(id: 0, step: number))
    }

    /// Two rows exchange their codes: neither key may be met half way when the log is replayed.
    private static func exchange(_ context: borrowing Context, _ random: inout Draw) throws {
        guard random.below(3) == 0, var first = context.db.entry.code.find(UInt32(random.below(64))),
            var second = context.db.entry.code.find(UInt32(random.below(64))), first.id != second.id
        else { return }
        let code = first.code
        first.code = 1_000
        try context.db.entry.id.update(first)
        first.code = second.code
        second.code = code
        try context.db.entry.id.update(second)
        try context.db.entry.id.update(first)
    }
}

/// Numbers that follow from a step.
struct Draw {
    private var random: DeterministicRandom

    init(_ seed: UInt64) { random = DeterministicRandom(seed: seed) }

    mutating func below(_ limit: UInt64) -> UInt64 { UInt64.random(in: 0..<limit, using: &random) }

    mutating func text() -> String { String(repeating: "x", count: Int(below(40))) + String(below(1_000)) }
}
