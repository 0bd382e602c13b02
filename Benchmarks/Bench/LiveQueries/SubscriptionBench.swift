import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// What a commit costs beside many subscriptions, each to something else: such that none of them has to do with it, and such
/// that one has. And what a subscription takes in memory.
///
/// The limit does by hand what any program has to do that tells subscribers of changes: it changes a row in an array, looks up
/// the value in a dictionary of subscribers, and puts the row into the list of each that is there.
struct SubscriptionBench {
    enum Kind: String, CaseIterable {
        /// `chunk = 7`
        case equality
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
        let core = database.core
        let table = core.catalog.tableMap.table(at: 0)
        let outlet = CountingOutlet()
        let sessions = (0..<min(count, Self.sessionCount)).map { _ in
            Session(core.owner, outlet: outlet, queueLimit: 1 << 20)
        }
        let before = ProcessMemory.residentByteCount
        let clock = ContinuousClock()
        let subscribing = try clock.measure {
            for number in 0..<count {
                let query = SessionQuery(table, where: Self.condition(kind, number))
                try core.sessions.subscribe(
                    sessions[number % sessions.count], to: QuerySetID(UInt32(number)), [query])
            }
        }
        let bytes = Double(ProcessMemory.residentByteCount - before) / Double(count)
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
            // The same thing moves from one that is watched to another.
            let target = (number &* 7_919) % count
            let corner = Self.corner(target)
            try database.call(World.touch, 7, UInt32(target), corner.x + 0.5, corner.y + 0.5)
        }
        // Each move is a delete in one query and an insert in another.
        let told = outlet.count.load(ordering: .relaxed) - seen
        guard told >= commits || count == 1 else {
            throw BenchError.disagreement("\(commits) commits made only \(told) updates")
        }
        for session in sessions { core.sessions.end(session) }
        return Figures(
            kind: kind, subscriptions: count, missNanoseconds: misses, matchNanoseconds: matches, bytesEach: bytes,
            subscribeNanoseconds: Self.nanoseconds(subscribing) / Double(count))
    }

    private func time(_ clock: ContinuousClock, _ body: (Int) throws -> Void) rethrows -> Double {
        for number in 0..<min(1_000, commits) { try body(number) }
        return Self.nanoseconds(try clock.measure { for number in 0..<commits { try body(number) } }) / Double(commits)
    }

    private static func nanoseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
    }

    /// Where the area of a subscription begins: fields of a board, with room between them.
    private static func corner(_ number: Int) -> (x: Float, y: Float) {
        (Float(number % 1_024) * 2, Float(number / 1_024) * 2)
    }

    private static func condition(_ kind: Kind, _ number: Int) -> RowPredicate {
        switch kind {
        case .equality: return .compare(1, .equal, UInt32(number).bsatn())
        case .area:
            let (x, y) = corner(number)
            return .and([
                .compare(2, .greaterOrEqual, x.bsatn()), .compare(2, .lessOrEqual, (x + 1).bsatn()),
                .compare(3, .greaterOrEqual, y.bsatn()), .compare(3, .lessOrEqual, (y + 1).bsatn()),
            ])
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
            for number in 0..<commits { commit(7, UInt32((number &* 7_919) % count)) }
        }
        return (nanoseconds(miss) / Double(commits), nanoseconds(match) / Double(commits))
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
