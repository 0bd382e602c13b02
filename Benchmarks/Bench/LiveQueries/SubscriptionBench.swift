import CAllocationCounter
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// What a commit costs beside many subscriptions, each to something else: such that none of them has to do with it, and such
/// that exactly one has: a row comes into it, or leaves it. And what a subscription takes in memory.
///
/// The limit does by hand what any program has to do that tells subscribers of changes: it changes a row in an array, looks up
/// the value in a dictionary of subscribers, and puts the row into the list of each that is there.
struct SubscriptionBench {
    enum Kind: String, CaseIterable {
        /// `chunk = 7`
        case equality
        /// The same of another table, which is joined: `loot JOIN thing ON … WHERE thing.chunk = 7`
        case join
        /// `x BETWEEN 10 AND 11 AND y BETWEEN 20 AND 21`
        case area
    }

    struct Figures {
        let kind: Kind
        let subscriptions: Int
        let missNanoseconds: Double
        let matchNanoseconds: Double
        let bytesEach: Double
        let subscribeNanoseconds: Double
    }

    let counts: [Int]
    let commits: Int
    private static let sessionCount = 100

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        for kind in Kind.allCases {
            for count in counts {
                let figures = try measure(kind, count)
                report(
                    "spacetimekit", "\(kind.rawValue)",
                    [
                        ("subscriptions", Double(count)), ("miss_ns_per_commit", figures.missNanoseconds),
                        ("match_ns_per_commit", figures.matchNanoseconds), ("bytes_each", figures.bytesEach),
                        ("subscribe_ns", figures.subscribeNanoseconds),
                    ])
            }
        }
        for count in counts {
            let (miss, match) = Self.limit(count, commits)
            report(
                "limit", "equality",
                [
                    ("subscriptions", Double(count)), ("miss_ns_per_commit", miss), ("match_ns_per_commit", match),
                ])
        }
    }

    private func measure(_ kind: Kind, _ count: Int) throws -> Figures {
        let database = try Database.open(.inMemory, module: World.self)
        try database.call(World.fill, 0, 1_000)
        try database.call(World.fillLoot, 0, 1_000)
        let core = database.core
        let outlet = CountingOutlet()
        let sessions = (0..<min(count, Self.sessionCount)).map { _ in
            Session(core.owner, outlet: outlet, queueLimit: 1 << 20)
        }
        // What is in use, not what the process has: memory of what was measured before is used again.
        let before = allocation_counter_live_bytes()
        let clock = ContinuousClock()
        let subscribing = try clock.measure {
            for number in 0..<count {
                try core.sessions.subscribe(
                    sessions[number % sessions.count], to: QuerySetID(UInt32(number)),
                    try queries(kind, number, core))
            }
        }
        let bytes = Double(Int64(allocation_counter_live_bytes()) - Int64(before)) / Double(count)
        let seen = outlet.count.load(ordering: .relaxed)
        // Beyond all that somebody watches, and then always where somebody does.
        let misses = try time(clock) { number in
            try database.call(
                World.touch, UInt32(number % 1_000), UInt32(count + number), -10 - Float(number % 100), -10)
        }
        guard outlet.count.load(ordering: .relaxed) == seen else {
            throw BenchError.disagreement("a commit was told to somebody whom it does not concern")
        }
        let matches = try time(clock) { number in
            // The same thing comes to where somebody watches, and goes to where nobody does.
            if number % 2 == 1 {
                try database.call(World.touch, 7, UInt32(count + number), -10, -10)
                return
            }
            let target = (number &* 7_919) % count
            let corner = Self.corner(target)
            try database.call(World.touch, 7, UInt32(target), corner.x + 0.5, corner.y + 0.5)
        }
        let told = outlet.count.load(ordering: .relaxed) - seen
        guard told == commits + warmUp else {
            throw BenchError.disagreement("\(commits + warmUp) commits made \(told) updates")
        }
        for session in sessions { core.sessions.end(session) }
        return Figures(
            kind: kind, subscriptions: count, missNanoseconds: misses, matchNanoseconds: matches, bytesEach: bytes,
            subscribeNanoseconds: subscribing.inNanoseconds / Double(count))
    }

    /// An even number, so that the last one of them takes back what the first did.
    private var warmUp: Int { min(1_000, commits) & ~1 }

    private func time(_ clock: ContinuousClock, _ body: (Int) throws -> Void) rethrows -> Double {
        for number in 0..<warmUp { try body(number) }
        return try clock.measure { for number in 0..<commits { try body(number) } }.inNanoseconds / Double(commits)
    }

    /// Where the area of a subscription begins: fields of a board, with room between them.
    private static func corner(_ number: Int) -> (x: Float, y: Float) {
        (Float(number % 1_024) * 2, Float(number / 1_024) * 2)
    }

    private func queries(_ kind: Kind, _ number: Int, _ core: DatabaseCore) throws -> [SessionQuery] {
        let table = core.catalog.tableMap.table(at: 0)
        switch kind {
        case .equality: return [SessionQuery(table, where: .compare(1, .equal, UInt32(number).bsatn()))]
        case .join:
            let text = "SELECT loot.* FROM thing JOIN loot ON thing.id = loot.thing WHERE thing.chunk = \(number)"
            return try core.sessions.texts.queries([text], as: core.owner)
        case .area:
            let (x, y) = Self.corner(number)
            let area = RowPredicate.and([
                .compare(2, .greaterOrEqual, x.bsatn()), .compare(2, .lessOrEqual, (x + 1).bsatn()),
                .compare(3, .greaterOrEqual, y.bsatn()), .compare(3, .lessOrEqual, (y + 1).bsatn()),
            ])
            return [SessionQuery(table, where: area)]
        }
    }

    // MARK: The limit

    private final class Subscriber {
        var rows: [(old: LimitThing, new: LimitThing)] = []
    }

    private struct LimitThing {
        var id: UInt32
        var chunk: UInt32
        var x: Float
        var y: Float
    }

    private static func limit(_ count: Int, _ commits: Int) -> (miss: Double, match: Double) {
        var things = (0..<UInt32(1_000)).map { LimitThing(id: $0, chunk: $0, x: 0, y: 0) }
        var subscribers: [UInt32: [Subscriber]] = [:]
        for number in 0..<count { subscribers[UInt32(number)] = [Subscriber()] }
        let lock = Mutex(())
        func commit(_ id: Int, _ chunk: UInt32) {
            lock.withLock { _ in
                let old = things[id]
                things[id].chunk = chunk
                let new = things[id]
                for subscriber in subscribers[old.chunk] ?? [] { subscriber.rows.append((old, new)) }
                for subscriber in subscribers[chunk] ?? [] { subscriber.rows.append((old, new)) }
            }
        }
        let clock = ContinuousClock()
        let miss = clock.measure {
            for number in 0..<commits { commit(number % 1_000, UInt32(count + number)) }
        }
        let match = clock.measure {
            for number in 0..<commits {
                commit(7, UInt32(number % 2 == 1 ? count + number : (number &* 7_919) % count))
            }
        }
        return (miss.inNanoseconds / Double(commits), match.inNanoseconds / Double(commits))
    }
}

/// Takes what a session is told, and counts it.
private final class CountingOutlet: Session.Outlet {
    let count = Atomic(0)

    func wake(_ session: Session) {
        session.queue.drain { event in
            if case .update = event { count.wrappingAdd(1, ordering: .relaxed) }
        }
    }
}
