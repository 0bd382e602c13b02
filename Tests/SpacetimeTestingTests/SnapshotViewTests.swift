import SpacetimeKit
import SpacetimeTesting
import Testing

/// A private table, of which clients see what views and rules show.
@Table(.index("byOwnerAndRank", \.owner, \.rank))
private struct Jewel: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var owner: Identity
    @Indexed(.btree) var carats: UInt32
    var rank: UInt32
    var name: String
}

@Table(.public)
private struct Offer: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var bidder: Identity
    @Indexed var jewel: UInt64
}

@Table
private struct Tally: Equatable {
    var rank: UInt32
    var count: UInt64
}

@Module
private enum Treasury {
    static let tables = Tables(Jewel.self, Offer.self)
    static let rules = RowRules { sender in
        Offer.where { $0.bidder == sender }
        Offer.all.leftSemijoin(Jewel.where { $0.owner == sender }) { $0.jewel == $1.id }
    }

    // Read in Swift.

    @View static func mine(_ context: borrowing ViewContext) -> [Jewel] {
        Array(context.db.jewel.owner.filter(context.sender))
    }

    @View static func best(_ context: borrowing ViewContext) -> Jewel? {
        context.db.jewel.byOwnerAndRank.filter(context.sender, 0...2).reversed().first { $0.carats > 1 }
    }

    @View static func heavy(_ context: borrowing AnonymousViewContext, carats: UInt32) -> [Jewel] {
        Array(context.db.jewel.carats.filter(carats...).reversed().prefix(5))
    }

    @View static func odd(_ context: borrowing AnonymousViewContext) throws -> [Jewel] {
        let few = context.db.jewel.where { $0.carats < 3 }
        let one = context.db.jewel.id.find(1)
        guard context.db.jewel.count < 200 else { throw SenderError("too many") }
        let joined = try context.db.rows(
            Jewel.all.leftSemijoin(Offer.all) { $0.id == $1.jewel }.orderBy { $0.id.descending }.limit(2))
        return Array(few) + (one.map { [$0] } ?? []) + joined
    }

    // Queries.

    @View static func known(_ context: borrowing AnonymousViewContext) -> Query<Jewel> {
        Jewel.where { $0.rank < 2 }
    }

    @View static func offered(_ context: borrowing ViewContext) -> Query<Jewel> {
        let sender = context.sender
        return Jewel.where { $0.owner == sender }.leftSemijoin(Offer.all) { $0.id == $1.jewel }
    }

    @View static func tally(_ context: borrowing AnonymousViewContext) -> RowQuery<Tally> {
        Jewel.all.groupBy { $0.rank }.select { rank, jewels in (rank, jewels.count()) }.rows(as: Tally.self)
    }

    // Failing ones.

    @View static func writing(_ context: borrowing AnonymousViewContext) throws -> [Jewel] {
        try context.db.jewel.clear()
        return []
    }

    @View static func twice(_ context: borrowing AnonymousViewContext) -> [Jewel] {
        guard let first = context.db.jewel.id.find(1) else { return [] }
        var other = first
        other.name += "'"
        return [first, other]
    }

    @Reducer static func change(_ context: borrowing Context, seed: UInt64, owners: [Identity]) throws {
        var random = seed
        func below(_ limit: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33) % limit
        }
        for _ in 0..<(2 + below(8)) {
            let owner = owners[Int(below(UInt64(owners.count)))]
            switch below(4) {
            case 0:
                try context.db.offer.insert(Offer(id: 0, bidder: owner, jewel: 1 + below(30)))
            case 1: try context.db.jewel.id.delete(1 + below(30))
            default:
                try context.db.jewel.insert(
                    Jewel(
                        id: 0, owner: owner, carats: UInt32(below(6)), rank: UInt32(below(5)), name: "\(below(100))"))
            }
        }
    }
}

/// Snapshots answer views as the database did when they were taken.
@Suite struct SnapshotViewTests {
    private let test: TestDatabase<Treasury>
    private let clients: [TestClient<Treasury>]

    init() throws {
        test = try TestDatabase(Treasury.self)
        clients = try ["ada", "bob", "cid"].map { [test] in try test.connect(as: $0) }
    }

    private func change(_ seed: UInt64) throws {
        try test.call(Treasury.change, seed, clients.map(\.identity))
    }

    /// What a client sees of everything, in SQL.
    private static let texts = [
        "SELECT * FROM mine", "SELECT * FROM best", "SELECT * FROM heavy(2)", "SELECT * FROM heavy(4)",
        "SELECT * FROM odd",
        "SELECT * FROM known", "SELECT * FROM offered", "SELECT * FROM tally", "SELECT * FROM offer",
        "SELECT COUNT(*) AS n, MAX(m.carats) AS c FROM mine m JOIN known k ON k.id = m.id",
        "SELECT o.id, h.name FROM offer o JOIN heavy(1) h ON o.jewel = h.id",
    ]

    private static func lines(_ result: QueryResult) -> [String] { result.map { "\($0.values)" }.sorted() }

    @Test(.timeLimit(.minutes(10)), arguments: [1, 2, UInt64.random(in: .min ... .max)] as [UInt64])
    func aSnapshotShowsWhatClientsSawThen(seed: UInt64) throws {
        print("aSnapshotShowsWhatClientsSawThen: \(seed)")
        var kept: [(snapshot: DatabaseSnapshot<Treasury>, seen: [[[String]]])] = []
        for step in 0..<12 as Range<UInt64> {
            try change(seed &+ step)
            let seen = try clients.map { client in
                try Self.texts.map { Self.lines(try client.connection.sql($0)) }
            }
            kept.append((try test.database.snapshot(), seen))
        }
        for (number, (snapshot, seen)) in kept.enumerated() {
            for (client, lines) in zip(clients, seen) {
                let picture = snapshot.seen(by: client.identity)
                // Often enough for the snapshot to get indexes of its own.
                for _ in 0..<(number % 4 == 0 ? 20 : 1) {
                    for (text, expected) in zip(Self.texts, lines) {
                        #expect(Self.lines(try picture.sql(text)) == expected, "seed \(seed), \(number): \(text)")
                    }
                }
            }
        }
    }

    @Test func typedQueriesReadViewsOfSnapshots() throws {
        for seed in 0..<6 as Range<UInt64> { try change(seed) }
        let snapshot = try test.database.snapshot()
        for client in clients {
            let picture = snapshot.seen(by: client.identity)
            let own = try snapshot.rows(Jewel.where { $0.owner == client.identity })
            let mine = try picture.rows(Treasury.mine)
            #expect(mine.map { $0.id }.sorted() == own.map { $0.id }.sorted())
            #expect(try picture.count(Treasury.mine) == own.count)
            let some = try picture.rows(Treasury.mine().where { $0.carats > 2 })
            #expect(some.count == own.count { $0.carats > 2 })
            let heavy = try picture.rows(Treasury.heavy(1).orderBy { ($0.carats.descending, $0.id) })
            #expect(heavy.map { $0.carats } == heavy.map { $0.carats }.sorted(by: >) && heavy.count <= 5)
            let best = try picture.rows(Treasury.best)
            #expect(try picture.first(Treasury.best) == best.first)
        }
        #expect(try snapshot.rows(Treasury.known).count == snapshot.count(Jewel.where { $0.rank < 2 }))
        #expect(try snapshot.rows(Treasury.mine).isEmpty)
    }

    /// Views read what is private; who looks does not.
    @Test func whatIsPrivateStaysSo() throws {
        for seed in 0..<6 as Range<UInt64> { try change(seed) }
        let snapshot = try test.database.snapshot()
        let picture = snapshot.seen(by: clients[0].identity)
        #expect(try !picture.rows(Treasury.known).isEmpty)
        func expectRefusal(_ read: () throws -> Void) {
            let error = #expect(throws: DatabaseError.self) { try read() }
            #expect(error?.code == .noSuchTable)
        }
        expectRefusal { _ = try picture.rows(Jewel.all) }
        expectRefusal { _ = try picture.count(of: Jewel.self) }
        expectRefusal { _ = try picture.find(Jewel.self, 1) }
        expectRefusal { _ = try picture.rows(Jewel.all, orderedBy: { $0.id }) }
        expectRefusal { _ = try picture.rows(Treasury.known().leftSemijoin(Jewel.all) { $0.id == $1.id }) }
        #expect(throws: DatabaseError.self) { try picture.sql("SELECT * FROM jewel") }
        // Rules hold, for those that join tables as well.
        let offers = try snapshot.rows(of: Offer.self)
        var owners: [UInt64: Identity] = [:]
        for jewel in try snapshot.rows(of: Jewel.self) { owners[jewel.id] = jewel.owner }
        for client in clients {
            let who = client.identity
            let expected = offers.filter { $0.bidder == who || owners[$0.jewel] == who }.map { $0.id }.sorted()
            let seen = snapshot.seen(by: who)
            let found = try seen.rows(of: Offer.self).map { $0.id }.sorted()
            let ordered = try seen.rows(Offer.all, orderedBy: { $0.id }).map { $0.id }
            #expect(found == expected && ordered == expected)
            #expect(try seen.count(of: Offer.self) == expected.count)
        }
        #expect(try snapshot.count(of: Offer.self) == offers.count)
    }

    @Test func aViewThatFailsFailsTheReadAlone() throws {
        try test.call(Treasury.change, 3, clients.map(\.identity))
        for seed in 0..<8 as Range<UInt64> { try change(seed) }
        let snapshot = try test.database.snapshot()
        let readOnly = #expect(throws: DatabaseError.self) { try snapshot.rows(Treasury.writing) }
        #expect(readOnly?.code == .readOnly && readOnly?.message.contains("'writing'") == true)
        if try snapshot.find(Jewel.self, 1) != nil {
            let twice = #expect(throws: DatabaseError.self) { try snapshot.rows(Treasury.twice) }
            #expect(twice?.code == .uniqueViolation && twice?.message.contains("'twice'") == true)
        }
        #expect(try snapshot.rows(Treasury.known).count == snapshot.count(Jewel.where { $0.rank < 2 }))
        #expect(try snapshot.count(of: Jewel.self) == test.rows(of: Jewel.self).count)
    }

    /// Whoever has the lock holds up nobody who reads a snapshot.
    @Test func viewsOfASnapshotNeedNoLock() throws {
        for seed in 0..<6 as Range<UInt64> { try change(seed) }
        let snapshot = try test.database.snapshot()
        let bob = clients[1].identity
        let mine = try snapshot.rows(Jewel.where { $0.owner == bob }).count
        let (found, known) = try test.database.read { _ in
            (try snapshot.seen(by: bob).rows(Treasury.mine).count, try snapshot.rows(Treasury.known).count)
        }
        #expect(found == mine && known > 0)
    }
}
