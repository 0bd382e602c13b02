import SpacetimeKit

/// The module that the sweep runs: keyed and keyless tables, rows that grow and shrink, a sequence, two unique keys, and
/// rows that are due at some time. There are three versions of it, for migrations in between.
@Table(name: "entry") struct Entry: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: UInt32
    @Indexed var group: UInt32
    var text: String
}

@Table(name: "mark") struct Mark: Hashable {
    var step: UInt64
    var text: String
}

/// The same rows in the second version.
@Table(name: "mark") struct WeighedMark: Hashable {
    var step: UInt64
    var text: String
    var weight: UInt32
}

/// The same rows in the third version.
@Table(name: "record") struct Record: Hashable {
    var step: UInt64
    var words: String
    var weight: UInt32
}

@Table(name: "progress") struct Progress {
    @PrimaryKey var id: UInt32
    var step: UInt64
}

/// A one-shot whose number is divisible by five fails; an interval ends after some runs.
@Table(name: "timer") struct Timer: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
    var left: UInt32

    var isOneShot: Bool { if case .time = when { true } else { false } }
    var fails: Bool { isOneShot && id.isMultiple(of: 5) }
}

/// How often a timer has gone off.
@Table(name: "firing") struct Firing: Equatable {
    @PrimaryKey var timer: UInt64
    var count: UInt32
}

/// From the second version on.
@Table(name: "note") struct Note {
    @PrimaryKey var id: UInt32
    var text: String
}

enum Ledger {
    static let start = Timestamp.unixEpoch + .days(20_000)

    /// - Parameter version: 1, 2 or 3.
    static func module(_ version: Int) -> Module {
        Module("ledger") {
            Table(Entry.self)
            if version == 1 { Table(Mark.self) }
            if version == 2 { Table(WeighedMark.self) }
            if version == 3 { Table(Record.self) }
            Table(Progress.self)
            Table(Timer.self)
            Table(Firing.self)
            if version > 1 { Table(Note.self) }
            Reducer("begin", lifecycle: .initialize) { (context: borrowing ReducerContext) in
                try context.table(Progress.self).insert(Progress(id: 0, step: 0))
            }
            Reducer("step") { (context: borrowing ReducerContext, number: UInt64) in
                try step(context, number, version)
            }
            Reducer("fire", lifecycle: .scheduled) { (context: borrowing ReducerContext, timer: Timer) in
                try fire(context, timer)
            }
        }
    }

    /// What a version lists: the second writes rows anew, the third leaves them where they are.
    static func migrations(_ version: Int) -> [Migration] {
        let all = [
            Migration("weigh the marks") { old, new in
                for mark in try old.rows(of: Mark.self) { try new.insert(weigh(mark.step, mark.text)) }
            },
            .rename("mark", to: "record"),
            .renameColumn("text", to: "words", of: "record"),
        ]
        return Array(all.prefix([0, 0, 1, 3][version]))
    }

    static func weigh(_ step: UInt64, _ text: String) -> WeighedMark {
        WeighedMark(step: step, text: text, weight: UInt32(text.utf8.count))
    }

    /// One step of the workload, all of it drawn from its number.
    private static func step(_ context: borrowing ReducerContext, _ number: UInt64, _ version: Int) throws {
        var random = Draw(number)
        let entries = context.table(Entry.self)
        for _ in 0..<(1 + random.below(4)) {
            switch random.below(7) {
            case 0, 1, 2:
                let code = UInt32(random.below(64))
                if entries.code.find(code) == nil {
                    try entries.insert(Entry(id: 0, code: code, group: code % 5, text: random.text()))
                }
            case 3:
                if var entry = entries.code.find(UInt32(random.below(64))) {
                    entry.text = random.text()
                    entry.group = UInt32(random.below(5))
                    try entries.id.update(entry)
                }
            case 4: try entries.code.delete(UInt32(random.below(64)))
            case 5: try schedule(context, number, &random)
            default:
                let text = random.text()
                let mark = weigh(number, text)
                switch version {
                case 1: try context.table(Mark.self).insert(Mark(step: number, text: text))
                case 2: try context.table(WeighedMark.self).insert(mark)
                default:
                    try context.table(Record.self).insert(Record(step: number, words: text, weight: mark.weight))
                }
            }
        }
        try exchange(context, &random)
        try context.table(Progress.self).id.update(Progress(id: 0, step: number))
    }

    /// Two rows exchange their codes: neither key may be met half way when the log is replayed.
    private static func exchange(_ context: borrowing ReducerContext, _ random: inout Draw) throws {
        let entries = context.table(Entry.self)
        guard random.below(3) == 0, var first = entries.code.find(UInt32(random.below(64))),
            var second = entries.code.find(UInt32(random.below(64))), first.id != second.id
        else { return }
        let code = first.code
        first.code = 1_000
        try entries.id.update(first)
        first.code = second.code
        second.code = code
        try entries.id.update(second)
        try entries.id.update(first)
    }

    /// A one-shot soon, an interval, a change of a timer, or its end. Times follow from the number alone.
    private static func schedule(_ context: borrowing ReducerContext, _ number: UInt64, _ random: inout Draw) throws {
        let timers = context.table(Timer.self)
        let soon = ScheduleAt.time(start + .seconds(Int64(number + random.below(5))))
        switch random.below(6) {
        case 0: try timers.insert(Timer(id: 0, when: .interval(.seconds(Int64(2 + random.below(4)))), left: 5))
        case 1: try timers.id.delete(1 + random.below(20))
        case 2:
            if var timer = timers.id.find(1 + random.below(20)), timer.isOneShot {
                timer.when = soon
                try timers.id.update(timer)
            }
        default: try timers.insert(Timer(id: 0, when: soon, left: 0))
        }
    }

    private static func fire(_ context: borrowing ReducerContext, _ timer: Timer) throws {
        let firings = context.table(Firing.self)
        if let firing = firings.timer.find(timer.id) {
            try firings.timer.update(Firing(timer: timer.id, count: firing.count + 1))
        } else {
            try firings.insert(Firing(timer: timer.id, count: 1))
        }
        if timer.fails { throw SenderError("this one fails") }
        if timer.isOneShot { return }
        var timer = timer
        timer.left -= 1
        if timer.left == 0 {
            try context.table(Timer.self).id.delete(timer.id)
        } else {
            try context.table(Timer.self).id.update(timer)
        }
    }
}

/// Numbers that follow from a step.
struct Draw {
    private var random: DeterministicRandom

    init(_ seed: UInt64) { random = DeterministicRandom(seed: seed) }

    mutating func below(_ limit: UInt64) -> UInt64 { UInt64.random(in: 0..<limit, using: &random) }

    mutating func text() -> String { String(repeating: "x", count: Int(below(40))) + String(below(1_000)) }
}
