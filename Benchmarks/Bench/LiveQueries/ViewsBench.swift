import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

/// What a commit costs that touches one caller, all of whose views have to follow it, beside others who watch views of their own.
struct ViewsBench {
    let callers: [Int]
    let commits: Int

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        for variant in ["read", "asked"] {
            for count in callers {
                let nanoseconds = try measure(variant, count)
                report(
                    "spacetimekit", variant == "read" ? "views that read" : "views that are queries",
                    [
                        ("callers", Double(count)), ("views_each", Double(Sight.viewCount)),
                        ("ns_per_commit", nanoseconds), ("ns_per_view", nanoseconds / Double(Sight.viewCount)),
                    ])
            }
        }
    }

    /// Nanoseconds for each commit.
    private func measure(_ variant: String, _ count: Int) throws -> Double {
        let database = try Database.open(.inMemory, module: Sight.self)
        let core = database.core
        let texts = (1...Sight.viewCount).map { "SELECT * FROM \(variant)\($0)" }
        var sessions: [Session] = []
        for number in 0..<count {
            let identity = Identity(issuer: "bench", subject: "caller \(number)")
            for piece in 0..<5 { try database.call(Sight.place, UInt32(number * 5 + piece), identity) }
            let session = Session(Caller(identity: identity), outlet: nil, queueLimit: 1 << 20)
            try core.sessions.subscribe(
                session, to: QuerySetID(1), try core.sessions.texts.queries(texts, as: session.caller))
            sessions.append(session)
        }
        let clock = ContinuousClock()
        let elapsed = try clock.measure {
            for number in 0..<commits {
                try database.call(Sight.train, UInt32((number * 5) % (count * 5)), UInt32(number + 1))
            }
        }
        var changes = 0
        for session in sessions {
            while let event = session.queue.nextAvailable() {
                if case .update(let update) = event { changes += update.changes.count }
            }
            core.sessions.end(session)
        }
        guard changes == commits * Sight.viewCount else {
            throw BenchError.disagreement("\(commits) commits made \(changes) changes of \(Sight.viewCount) views")
        }
        return (Double(elapsed.components.seconds) * 1e9 + Double(elapsed.components.attoseconds) / 1e9)
            / Double(commits)
    }
}
