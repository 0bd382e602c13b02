import SpacetimeDurability
import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Synchronization
import Testing

@testable import SpacetimeHost

/// First rows that are found without the lock, while others commit, join and leave.
@Suite struct FirstRowsTests {
    /// A database in which everything that needs more than two rows is found without the lock.
    private func database() throws -> ScenarioDatabase {
        let db = try ScenarioDatabase("p(id u64 unique, name string)", "l(id u64 index, x u64)", "t(k u64, v u64)")
        db.core.sessions.queries.lockedRowLimit = 2
        for id in 0..<8 {
            try db.commit(
                .insert("p", id, "p\(id % 3)"), .insert("l", id, 1), .insert("l", id, 2), .insert("t", id % 3, id))
        }
        return db
    }

    private static let texts = [
        "SELECT * FROM t WHERE v > 1",
        "SELECT l.* FROM p JOIN l ON p.id = l.id WHERE p.name = 'p1'",
        "SELECT p.* FROM p JOIN l ON p.id = l.id",
        "SELECT p.* FROM p JOIN l ON p.id = l.id ORDER BY p.name, p.id DESC LIMIT 5",
        "SELECT k, COUNT(*) AS n, SUM(v) AS s, MAX(v) AS m FROM t GROUP BY k",
        "SELECT p.name, COUNT(*) AS n FROM p JOIN l ON p.id = l.id GROUP BY p.name",
        "SELECT k, COUNT(*) AS n FROM t GROUP BY k ORDER BY n DESC, k LIMIT 2",
        "SELECT * FROM t ORDER BY v DESC LIMIT 3 OFFSET 1",
    ]

    private func subscribe(
        _ client: FakeSession, _ set: UInt32, _ texts: [String], _ db: ScenarioDatabase, meanwhile: () -> Void
    ) throws {
        let sessions = db.core.sessions
        let list = try sessions.texts.queries(texts, as: client.session.caller)
        let refused = try sessions.change(
            client.session, leaving: [], joining: [(QuerySetID(set), list)], meanwhile: meanwhile)
        if let refused = refused.first { throw refused.error }
    }

    @Test(arguments: texts) func commitsMeanwhileAreNeitherLostNorToldTwice(_ text: String) throws {
        let db = try database()
        let client = FakeSession(db.core)
        var number = 100
        var problems = 0
        try subscribe(client, 1, [text], db) {
            do {
                try db.commit(
                    .insert("p", number, "p1"), .insert("l", number, 3), .insert("t", 1, number),
                    .delete("t", (number - 100) % 3, number - 100))
                try db.commit(.delete("l", number - 100, 1), .delete("p", number - 97, "p\((number - 97) % 3)"))
            } catch { problems += 1 }
            number += 1
        }
        #expect(number > 100 && problems == 0, "nothing was found without the lock")
        try db.commit(.insert("p", 50, "p1"), .insert("l", 50, 9), .insert("t", 2, 50))
        let fresh = FakeSession(db.core)
        try fresh.subscribe(1, text)
        #expect(client.rows(1) == fresh.rows(1))
        #expect(!client.rows(1).isEmpty)
    }

    /// Whatever part of the backlog is taken in where: without the lock, by whoever fills the stage, or by those who commit.
    @Test(arguments: texts.suffix(5), [0, 3, .max])
    func aBacklogIsTakenInByWhoeverHasTheLock(_ text: String, _ settledCount: Int) throws {
        for (slice, commit) in [(1, 0), (0, 1), (2, 2), (0, 0)] {
            let db = try database()
            db.core.sessions.queries.fillingPace = StageFilling.Pace(
                settledCount: settledCount, sliceCount: slice, commitCount: commit, sumCount: 2)
            let client = FakeSession(db.core)
            var number = 0
            var problem: (any Error)?
            try subscribe(client, 1, [text], db) {
                do {
                    // Many at first, some of which take back what others did, and then one at a time.
                    for _ in 0..<(number == 0 ? 20 : 1) {
                        try db.commit(
                            .insert("t", 9, 1_000 + number), .insert("p", 1_000 + number, "p9"),
                            .insert("l", 1_000 + number, 4))
                        if number % 3 == 1 {
                            try db.commit(
                                .delete("t", 9, 1_000 + number), .delete("l", 999 + number, 4),
                                .delete("p", 999 + number, "p9"))
                        }
                        number += 1
                    }
                } catch { problem = problem ?? error }
            }
            #expect(problem == nil && number > 20)
            try db.commit(.insert("p", 50, "p1"), .insert("l", 50, 9), .insert("t", 2, 50))
            let fresh = FakeSession(db.core)
            try fresh.subscribe(1, text)
            #expect(client.rows(1) == fresh.rows(1), "\(slice) rows at a time, and \(commit) with a commit")
            db.core.sessions.end(client.session)
            db.core.sessions.end(fresh.session)
            // By another way: made of the rows as they are now.
            let last = FakeSession(db.core)
            try last.subscribe(1, text)
            #expect(client.rows(1) == last.rows(1))
        }
    }

    @Test func aSetThatIsLeftWhileItsBacklogIsTakenInIsNotWatched() throws {
        let db = try database()
        db.core.sessions.queries.fillingPace = StageFilling.Pace(settledCount: .max, sliceCount: 1, commitCount: 0)
        let client = FakeSession(db.core)
        var calls = 0
        try subscribe(client, 1, [Self.texts[4]], db) {
            calls += 1
            try? db.commit(.insert("t", 7, calls), .insert("t", 8, calls), .insert("t", 9, calls))
            if calls == 4 { db.core.sessions.unsubscribe(client.session, from: QuerySetID(1)) }
        }
        #expect(calls >= 4)
        #expect(client.pull().isEmpty)
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func allQueriesOfASetBeginWithOneState() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try subscribe(client, 1, Self.texts, db) { try? db.commit(.insert("t", 1, 1_000), .insert("p", 99, "p1")) }
        guard case .subscribed(let first)? = client.pull().first else {
            Issue.record("there were no first rows")
            return
        }
        #expect(first.rows.count == Self.texts.count)
        let fresh = FakeSession(db.core)
        try fresh.subscribe(1, Self.texts[0])
        for (query, text) in Self.texts.enumerated() {
            let fresh = FakeSession(db.core)
            try fresh.subscribe(1, text)
            #expect(client.rows(1, query: query) == fresh.rows(1), "\(text)")
        }
    }

    @Test func whoComesWhileAStageIsMadeWaitsForIt() throws {
        let db = try database()
        let text = Self.texts[4]
        let (first, second) = (FakeSession(db.core), FakeSession(db.core))
        let isDone = Monitor(false)
        let failure = Mutex<(any Error)?>(nil)
        var isStarted = false
        let sessions = db.core.sessions
        let session = second.session
        try subscribe(first, 1, [text], db) {
            if isStarted { return }
            isStarted = true
            startThread {
                do {
                    let list = try sessions.texts.queries([text], as: session.caller)
                    try sessions.subscribe(session, to: QuerySetID(7), list)
                } catch { failure.withLock { $0 = error } }
                isDone.wake { $0 = true }
            }
        }
        isDone.wait { $0 }
        #expect(isStarted && failure.withLock { $0 == nil })
        try db.commit(.insert("t", 1, 77))
        #expect(first.rows(1) == second.rows(7))
        #expect(!first.rows(1).isEmpty)
        #expect(try db.core.sessions.queryCount() == 1)
    }

    @Test func tasksWaitForAStageThatOthersMake() async throws {
        let db = try database()
        let list = try db.core.sessions.texts.queries([Self.texts[5]], as: db.core.owner)
        let clients = (0..<8).map { _ in Session(db.core.owner, outlet: nil, queueLimit: 10) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients {
                group.addTask { try await db.core.sessions.subscribe(client, to: QuerySetID(1), list) }
            }
            try await group.waitForAll()
        }
        var seen: Set<Int> = []
        for client in clients {
            guard case .subscribed(let rows)? = client.queue.nextAvailable() else {
                Issue.record("a client was told nothing")
                continue
            }
            seen.insert(rows.rows[0].inserts.count)
            db.core.sessions.end(client)
        }
        #expect(seen == [3])
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func aSetThatIsLeftMeanwhileIsNotWatched() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try subscribe(client, 1, [Self.texts[4]], db) {
            db.core.sessions.unsubscribe(client.session, from: QuerySetID(1))
        }
        try db.commit(.insert("t", 1, 77))
        #expect(client.pull().isEmpty)
        #expect(try db.core.sessions.queryCount() == 0)
        // The number is free again.
        try client.subscribe(1, Self.texts[4])
        #expect(client.rows(1).count == 3)
    }

    @Test func aNumberIsTakenWhileItsSetIsJoined() throws {
        let db = try database()
        let client = FakeSession(db.core)
        var code: DatabaseError.Code?
        try subscribe(client, 1, [Self.texts[4]], db) {
            do { try client.subscribe(1, Self.texts[0]) } catch { code = (error as? DatabaseError)?.code }
        }
        #expect(code == .alreadySubscribed)
        #expect(client.rows(1).count == 3)
    }

    @Test func aSessionThatEndsMeanwhileLeavesNothing() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try subscribe(client, 1, Self.texts, db) { db.core.sessions.end(client.session) }
        #expect(try db.core.sessions.queryCount() == 0)
        #expect(client.pull().isEmpty)
    }

    @Test func aSetMayBeLeftAndJoinedInOneStep() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try client.subscribe(1, Self.texts[0])
        client.pull()
        let list = try db.core.sessions.texts.queries([Self.texts[4]], as: db.core.owner)
        let refused = try db.core.sessions.change(
            client.session, leaving: [QuerySetID(1)],
            joining: [(QuerySetID(1), list), (QuerySetID(2), list), (QuerySetID(2), list)])
        #expect(refused.map(\.error.code) == [.alreadySubscribed])
        #expect(client.pull().count == 2)
        #expect(try db.core.sessions.queryCount() == 1)
    }

    /// A row that is too large for what is computed of it.
    @Test func whatCannotBeFoundIsToldInPlaceOfTheRows() throws {
        let db = try database()
        let table = db.core.catalog.tableMap.table(at: 2)
        func field(_ column: Int) -> SpacetimeEngine.Expression {
            .field(QueryField(slot: 0, path: FieldPath(ColumnID(column)), type: .u64))
        }
        let query = BoundQuery(
            tables: [.init(table)],
            output: .columns([QueryColumn("less", .arithmetic(.subtract, field(1), field(0)))]))
        let client = FakeSession(db.core)
        try db.commit(.insert("t", 5, 4))
        try client.subscribe(1, SessionQuery(query))
        let codes = client.pull().map { event in
            if case .failed(_, let error) = event { error.code } else { DatabaseError.Code.closed }
        }
        #expect(codes == [.arithmeticFailure])
        #expect(try db.core.sessions.queryCount() == 0)
        // Of groups it is known before anybody watches.
        var groups = BoundQuery(
            tables: [.init(table)],
            grouping: Grouping(keys: [.arithmetic(.subtract, field(1), field(0))], aggregates: [QueryAggregate(.count)])
        )
        groups.output = .columns([QueryColumn("n", .aggregate(0, .u64, isNullable: false))])
        let error = #expect(throws: DatabaseError.self) { try client.subscribe(2, SessionQuery(groups)) }
        #expect(error?.code == .arithmeticFailure)
        #expect(try db.core.sessions.queryCount() == 0)
    }

    // MARK: Texts

    @Test func aTextThatIsTwiceInASetCountsOnce() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT * FROM t WHERE k = 1", " SELECT * FROM t WHERE k = 1  ")
        guard case .subscribed(let first)? = client.pull().first else {
            Issue.record("there were no first rows")
            return
        }
        #expect(first.rows.count == 1)
    }

    /// As the original identifies queries by their texts.
    @Test func textsInOtherWordsAreQueriesOfTheirOwn() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try client.subscribe(
            1, "SELECT * FROM t WHERE k = 1", "SELECT * FROM t WHERE k  = 1", "SELECT * FROM t WHERE 1 = k")
        guard case .subscribed(let first)? = client.pull().first else {
            Issue.record("there were no first rows")
            return
        }
        #expect(first.rows.count == 3)
        // They are one for the database, which makes each change once.
        #expect(try db.core.sessions.queryCount() == 1)
        try db.commit(.insert("t", 1, 500))
        let update = try #require(client.updates.last)
        #expect(update.changes.map(\.query) == [0, 1, 2])
        #expect(update.changes.allSatisfy { $0.delta === update.changes[0].delta })
        client.unsubscribe(1)
        #expect(try db.core.sessions.queryCount() == 0)
    }
}
