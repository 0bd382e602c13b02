import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Synchronization

/// Commits beside a join that is kept up to date: things in chunks that somebody watches, and the loot in them.
///
/// The same commits without a subscription are beside it, and show what the join adds.
struct LiveJoinBench {
    let places: Int
    let things: Int
    let commits: Int

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let database = try Database.open(.inMemory, module: World.self)
        // A chunk for each ten things.
        let perChunk = max(1, things / places)
        for chunk in 0..<UInt32(things / perChunk) { try database.call(World.fillChunk, chunk, UInt32(perChunk)) }
        for start in stride(from: 0, to: things, by: 1_000) {
            try database.call(World.fillLoot, UInt32(start), UInt32(min(1_000, things - start)))
        }
        let core = database.core
        let alone = try pay(database, 0)
        let outlet = Counter()
        let session = Session(core.owner, outlet: outlet, queueLimit: 1 << 20)
        let texts = ["SELECT loot.* FROM thing JOIN loot ON thing.id = loot.thing WHERE thing.chunk < 1000000"]
        let clock = ContinuousClock()
        let subscribing = try clock.measure {
            try core.sessions.subscribe(
                session, to: QuerySetID(1), try core.sessions.texts.queries(texts, as: core.owner))
        }
        let before = outlet.count.load(ordering: .relaxed)
        let beside = try pay(database, 1 << 24)
        let told = outlet.count.load(ordering: .relaxed) - before
        guard told == commits else { throw BenchError.disagreement("\(commits) commits made \(told) updates") }
        report(
            "spacetimekit", "loot of things",
            [
                ("things", Double(things)), ("commits_per_second", 1e9 / beside), ("ns_per_commit", beside),
                ("ns_per_commit_unwatched", alone),
                ("first_rows_ms", nanoseconds(subscribing) / 1e6),
            ])
        core.sessions.end(session)
    }

    private func pay(_ database: Database<World>, _ first: Int) throws -> Double {
        let elapsed = try ContinuousClock().measure {
            for number in 0..<commits {
                try database.call(World.pay, UInt32((number &* 7_919) % things), UInt32(first + number))
            }
        }
        return nanoseconds(elapsed) / Double(commits)
    }

    private func nanoseconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
    }

    private final class Counter: Session.Outlet {
        let count = Atomic(0)

        func wake(_ session: Session) {
            session.queue.drain { event in
                if case .update = event { count.wrappingAdd(1, ordering: .relaxed) }
            }
        }
    }
}
