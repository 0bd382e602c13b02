import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Synchronization

/// Commits beside a join that is kept up to date: the things in the places of some regions, of which there are ten times as many
/// as places.
///
/// The same commits without a subscription are beside it, and show what the join adds.
struct LiveJoinBench {
    let places: Int
    let things: Int
    let commits: Int

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        let database = try Database.open(.inMemory, module: World.self)
        let perPlace = max(1, things / places)
        for chunk in 0..<UInt32(places) { try database.call(World.fillChunk, chunk, UInt32(perPlace)) }
        for start in stride(from: 0, to: places, by: 1_000) {
            try database.call(World.fillPlaces, UInt32(start), UInt32(min(1_000, places - start)))
        }
        let core = database.core
        let alone = try touch(database, perPlace, 0)
        let outlet = Counter()
        let session = Session(core.owner, outlet: outlet, queueLimit: 1 << 20)
        let texts = ["SELECT thing.* FROM place JOIN thing ON place.chunk = thing.chunk WHERE place.region < 1000"]
        let list = try core.sessions.texts.queries(texts, as: core.owner)
        var subscribing = Duration.zero
        let wait = try LongestWait.milliseconds(of: database) {
            subscribing = try ContinuousClock().measure {
                try core.sessions.subscribe(session, to: QuerySetID(1), list)
            }
        }
        let before = outlet.count.load(ordering: .relaxed)
        let beside = try touch(database, perPlace, 1 << 20)
        let told = outlet.count.load(ordering: .relaxed) - before
        guard told == commits else { throw BenchError.disagreement("\(commits) commits made \(told) updates") }
        report(
            "spacetimekit", "things of places",
            [
                ("places", Double(places)), ("things", Double(perPlace * places)), ("commits_per_second", 1e9 / beside),
                ("ns_per_commit", beside), ("ns_per_commit_unwatched", alone),
                ("first_rows_ms", subscribing.inMilliseconds), ("writer_wait_ms", wait),
            ])
        core.sessions.end(session)
    }

    /// Moves things within their places.
    private func touch(_ database: Database<World>, _ perPlace: Int, _ first: Int) throws -> Double {
        let count = places * perPlace
        let elapsed = try ContinuousClock().measure {
            for number in 0..<commits {
                let thing = (number &* 7_919) % count
                try database.call(World.touch, UInt32(thing), UInt32(thing / perPlace), Float(first + number), 1)
            }
        }
        return elapsed.inNanoseconds / Double(commits)
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
