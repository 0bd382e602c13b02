import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

@Table
struct Piece {
    @PrimaryKey var id: UInt32
    @Indexed var owner: Identity
    var strength: UInt32
}

@Module
enum Sight {
    static let tables = Tables(Piece.self)

    static func own(_ context: borrowing Context) -> [Piece] { Array(context.db.piece.owner.filter(context.sender)) }

    static let views = Views(
        View("pieces_1", .perCaller, own), View("pieces_2", .perCaller, own), View("pieces_3", .perCaller, own),
        View("pieces_4", .perCaller, own),
        View("pieces_5", .perCaller, own), View("pieces_6", .perCaller, own))
    static let viewCount = 6

    @Reducer static func place(_ context: borrowing Context, id: UInt32, owner: Identity) throws {
        try context.db.piece.insert(Piece(id: id, owner: owner, strength: 0))
    }

    @Reducer static func train(_ context: borrowing Context, id: UInt32, strength: UInt32) throws {
        try context.db.piece.id.update(id) { $0.strength = strength }
    }
}

/// What a commit costs that touches one caller, beside others who watch views of their own.
struct ViewsBench {
    let callers: [Int]
    let commits: Int

    func run(_ report: (_ system: String, _ variant: String, _ figures: [(String, Double)]) -> Void) throws {
        for count in callers {
            let database = try Database.open(.inMemory, module: Sight.self)
            let core = database.core
            var sessions: [Session] = []
            for number in 0..<count {
                let identity = Identity(number: UInt256(UInt128(number + 1)))
                for piece in 0..<5 { try database.call(Sight.place, UInt32(number * 5 + piece), identity) }
                let session = Session(Caller(identity: identity), outlet: nil, queueLimit: 1 << 20)
                let texts = (1...Sight.viewCount).map { "SELECT * FROM pieces_\($0)" }
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
            var updates = 0
            for session in sessions {
                while let event = session.queue.nextAvailable() { if case .update = event { updates += 1 } }
                core.sessions.end(session)
            }
            guard updates == commits else {
                throw BenchError.disagreement("\(commits) commits made \(updates) updates")
            }
            let nanoseconds = Double(elapsed.components.seconds) * 1e9 + Double(elapsed.components.attoseconds) / 1e9
            report(
                "spacetimekit", "own rows",
                [
                    ("callers", Double(count)), ("views_each", Double(Sight.viewCount)),
                    ("ns_per_commit", nanoseconds / Double(commits)),
                ])
        }
    }
}
