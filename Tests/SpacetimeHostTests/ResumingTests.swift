import SpacetimeEngine
import SpacetimeSATS
import Testing

@testable import SpacetimeHost

/// Clients that lose their connection and go on where they were.
@Suite struct ResumingTests {
    private static let (a, b) = (Identity(number: 11), Identity(number: 12))

    private func database() throws -> ScenarioDatabase {
        let db = try ScenarioDatabase(
            "p(id u64 unique, name string)", "l(id u64 index, x u64)", "event e(id u64 index, x u64)")
        for id in 0..<4 { try db.commit(.insert("p", id, "p\(id)"), .insert("l", id, 1)) }
        return db
    }

    private func client(_ db: ScenarioDatabase, as identity: Identity? = nil) -> FakeSession {
        FakeSession(db.core, as: identity.map { Caller(identity: $0) }, tellsOffsets: true)
    }

    private func point(_ db: ScenarioDatabase, of client: FakeSession) -> ResumePoint {
        client.pull()
        return ResumePoint(
            history: db.core.catalog.history(for: client.session.caller.identity),
            offset: client.events.compactMap(\.offset).max() ?? TxOffset(0))
    }

    /// Another connection of a client that has gone, which asks for the same set.
    private func comeBack(
        _ db: ScenarioDatabase, _ old: FakeSession, since: ResumePoint, as identity: Identity? = nil, _ text: String
    ) throws -> FakeSession {
        let client = client(db, as: identity ?? old.session.caller.identity)
        client.take(rowsOf: old)
        let list = try db.core.sessions.texts.queries([text], as: client.session.caller)
        let set = QuerySetID(1)
        let refused = try db.core.sessions.change(
            client.session, leaving: [], joining: [(set, list)], since: [set: since])
        if let refused = refused.first { throw refused.error }
        client.pull()
        return client
    }

    private static let texts = [
        "SELECT * FROM p", "SELECT * FROM p WHERE name = 'p1'", "SELECT * FROM l WHERE x > 1",
        "SELECT p.* FROM p JOIN l ON p.id = l.id WHERE l.x = 1",
        "SELECT p.name, COUNT(*) AS n FROM p JOIN l ON p.id = l.id GROUP BY p.name",
        "SELECT * FROM p ORDER BY id DESC LIMIT 2",
    ]

    @Test(arguments: texts) func whoComesBackGetsTheDifferenceOnly(_ text: String) throws {
        let db = try database()
        let old = client(db)
        try old.subscribe(1, text)
        let since = point(db, of: old)
        // What the client is not told any more, whether it was sent or not.
        try db.commit(.insert("l", 1, 1), .insert("p", 9, "p1"))
        db.core.sessions.end(old.session)
        try db.commit(.insert("l", 9, 2), .delete("p", 3, "p3"), .insert("p", 10, "gone soon"))
        try db.commit(.delete("p", 10, "gone soon"))
        let new = try comeBack(db, old, since: since, text)
        #expect(new.resumed == [1])
        let fresh = client(db)
        try fresh.subscribe(1, text)
        #expect(new.rows(1) == fresh.rows(1))
        #expect(!new.rows(1).isEmpty)
        // What came and went is not told.
        if text == "SELECT * FROM p", case .resumed(let changes)? = new.events.first {
            #expect(changes.changes.map { [$0.delta.deletes.count, $0.delta.inserts.count] } == [[1, 1]])
        }
        // From then on it is told what others are told.
        try db.commit(.insert("p", 20, "p1"), .insert("l", 20, 1))
        #expect(new.rows(1) == fresh.rows(1))
    }

    @Test func whoHasMissedNothingIsToldNothing() throws {
        let db = try database()
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM p")
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        // Nothing of the set, however long ago: the offset is not too old.
        for x in 0..<1_000 { try db.commit(.insert("l", 7, x)) }
        let new = try comeBack(db, old, since: since, "SELECT * FROM p")
        #expect(new.resumed == [1] && new.events.count == 1)
        guard case .resumed(let changes)? = new.events.first else { return }
        #expect(changes.changes.isEmpty)
    }

    @Test func anotherUserBeginsAnew() throws {
        let db = try ScenarioDatabase(
            "people(who identity unique, team u64 index)", "staff(who identity unique)",
            rules: ["SELECT * FROM people WHERE who = :sender"])
        try db.commit(.insert("people", Self.a, 1), .insert("people", Self.b, 2))
        let old = client(db, as: Self.a)
        // Both have been there before, so that both queries are remembered.
        let other = client(db, as: Self.b)
        for client in [old, other] { try client.subscribe(1, "SELECT * FROM people") }
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        db.core.sessions.end(other.session)
        try db.commit(.delete("people", Self.a, 1), .insert("people", Self.a, 3))
        let same = try comeBack(db, old, since: since, "SELECT * FROM people")
        #expect(same.resumed == [1] && same.rows(1) == [db.row("people", Self.a, 3)])
        let another = try comeBack(db, old, since: since, as: Self.b, "SELECT * FROM people")
        #expect(another.resumed.isEmpty && another.rows(1) == [db.row("people", Self.b, 2)])
    }

    @Test func whatARuleAdmittedMeanwhileComesAndWhatItTookAwayGoes() throws {
        let db = try ScenarioDatabase(
            "people(who identity unique, team u64 index)", "private grants(team u64 index, who identity index)",
            rules: ["SELECT p.* FROM grants g JOIN people p ON g.team = p.team WHERE g.who = :sender"])
        try db.commit(
            .insert("people", Self.a, 1), .insert("people", Self.b, 2), .insert("grants", 1, Self.a))
        let old = client(db, as: Self.a)
        try old.subscribe(1, "SELECT * FROM people")
        #expect(old.rows(1) == [db.row("people", Self.a, 1)])
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        try db.commit(.delete("grants", 1, Self.a), .insert("grants", 2, Self.a))
        let new = try comeBack(db, old, since: since, "SELECT * FROM people")
        #expect(new.resumed == [1])
        #expect(new.rows(1) == [db.row("people", Self.b, 2)])
    }

    @Test func rowsThatTheModuleMakesAreRememberedToo() throws {
        let view = ScenarioDatabase.View(name: "odd", table: "t") { transaction in
            let rows = try transaction.scan(transaction.table(named: "t")).readAll()
            return stride(from: 0, to: rows.count, by: 16).map { Array(rows[$0..<$0 + 16]) }.filter { $0[8] % 2 == 1 }
        }
        let db = try ScenarioDatabase("t(id u64 unique, x u64)", views: [view])
        try db.commit(.insert("t", 1, 1), .insert("t", 2, 2))
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM odd")
        #expect(old.rows(1) == [db.row("t", 1, 1)])
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        try db.commit(.delete("t", 1, 1), .insert("t", 3, 3))
        try db.commit(.insert("t", 4, 5), .insert("t", 5, 6))
        let new = try comeBack(db, old, since: since, "SELECT * FROM odd")
        #expect(new.resumed == [1])
        #expect(new.rows(1) == [db.row("t", 3, 3), db.row("t", 4, 5)].sortedBytes())
    }

    @Test func eventsThatWereMissedAreNotToldLater() throws {
        let db = try database()
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM e")
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        try db.commit(.insert("e", 1, 1))
        let new = try comeBack(db, old, since: since, "SELECT * FROM e")
        #expect(new.resumed == [1] && new.rows(1).isEmpty)
    }

    @Test(arguments: ["history", "future", "unasked"]) func aPointThatIsNotKnownGivesAllRows(_ what: String) throws {
        let db = try database()
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM p")
        var since = point(db, of: old)
        db.core.sessions.end(old.session)
        switch what {
        case "history": since = ResumePoint(history: since.history ^ 1, offset: since.offset)
        case "future": since = ResumePoint(history: since.history, offset: TxOffset(.max))
        default: break
        }
        // A query that nobody watched is not known either.
        let text = what == "unasked" ? "SELECT * FROM l" : "SELECT * FROM p"
        let new = try comeBack(db, old, since: since, text)
        #expect(new.resumed.isEmpty && new.rows(1).count == 4)
    }

    @Test func anotherRunHasAnotherHistory() throws {
        // With the same seed, at the same time.
        let (first, second) = (try database(), try database())
        #expect(first.core.catalog.history == second.core.catalog.history)
        var names: Set<UInt128> = []
        for time in [0, 1, 2] as [Int64] {
            for seed in [1, 2] as [UInt64] {
                var options = OpeningOptions(name: "test")
                options.clock = VirtualClock(start: Timestamp(microsecondsSinceUnixEpoch: time))
                options.seed = seed
                names.insert(
                    try DatabaseCore.open(.memory, module: ByteModule.items(), options: options).core.catalog.history)
            }
        }
        #expect(names.count == 6)
    }

    // MARK: Limits

    private func limited(_ change: (inout ResumeOptions) -> Void) throws -> ScenarioDatabase {
        let db = try database()
        var options = ResumeOptions()
        change(&options)
        db.core.sessions.queries.histories = QueryHistories(options)
        return db
    }

    /// How a client comes back that was away while so many commits changed what it watches.
    private func resumes(_ db: ScenarioDatabase, after commits: Int, meanwhile: () throws -> Void = {}) throws -> Bool {
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM l")
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        for x in 0..<commits { try db.commit(.insert("l", 77, 1_000 + x)) }
        try meanwhile()
        let new = try comeBack(db, old, since: since, "SELECT * FROM l")
        let fresh = client(db)
        try fresh.subscribe(1, "SELECT * FROM l")
        #expect(new.rows(1) == fresh.rows(1))
        for x in 0..<commits { try db.commit(.delete("l", 77, 1_000 + x)) }
        return new.resumed == [1]
    }

    @Test func whoHasMissedMoreThanIsRememberedBeginsAnew() throws {
        let db = try limited { $0.changeLimit = 10 }
        #expect(try resumes(db, after: 10))
        #expect(try !resumes(db, after: 11))
        let small = try limited { $0.byteLimit = 1_000 }
        #expect(try resumes(small, after: 3))
        #expect(try !resumes(small, after: 20))
        #expect(small.core.sessions.queries.histories.byteCount <= 1_000)
    }

    @Test func withoutQueriesThatMayBeKeptNothingIsRemembered() throws {
        let db = try limited { $0.queryLimit = 0 }
        #expect(try !resumes(db, after: 1))
        #expect(db.core.sessions.queries.histories.changeCount == 0)
    }

    @Test func ofMoreClientsThanMayBeAwayTheFirstBeginAnew() throws {
        let db = try limited { $0.queryLimit = 3 }
        #expect(
            try resumes(db, after: 1) {
                for x in 0..<2 { try leaveAtOnce(db, "SELECT * FROM l WHERE x = \(x)") }
            })
        #expect(
            try !resumes(db, after: 1) {
                for x in 0..<3 { try leaveAtOnce(db, "SELECT * FROM l WHERE x = \(x)") }
            })
    }

    private func leaveAtOnce(_ db: ScenarioDatabase, _ text: String) throws {
        let client = client(db)
        try client.subscribe(1, text)
        db.core.sessions.end(client.session)
    }

    @Test func whoStaysAwayTooLongBeginsAnewAndCostsNothingAnyMore() throws {
        let db = try database()
        let clock = try #require(db.core.runner.clock as? VirtualClock)
        let sessions = db.core.sessions
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM l", "SELECT * FROM p")
        db.core.sessions.end(old.session)
        #expect(try sessions.queryCount() == 2)
        // The time begins with the first commit that the client misses.
        clock.advance(by: .seconds(3_600))
        try db.commit(.insert("l", 1, 100))
        clock.advance(by: .seconds(59))
        try db.commit(.insert("l", 1, 101))
        #expect(try sessions.queryCount() == 2)
        #expect(sessions.queries.histories.changeCount == 2)
        clock.advance(by: .seconds(2))
        try db.commit(.insert("l", 1, 102))
        #expect(try sessions.queryCount() == 0)
        #expect(sessions.queries.histories.changeCount == 0 && sessions.queries.histories.byteCount == 0)
        #expect(sessions.queries.histories.absentQueryCount == 0)
    }

    @Test func aSetThatIsLeftIsNotRemembered() throws {
        let db = try database()
        let client = client(db)
        try client.subscribe(1, "SELECT * FROM l", "SELECT * FROM l")
        try db.commit(.insert("l", 1, 100))
        #expect(db.core.sessions.queries.histories.changeCount == 1)
        client.unsubscribe(1)
        #expect(try db.core.sessions.queryCount() == 0)
        #expect(db.core.sessions.queries.histories.changeCount == 0)
    }

    @Test func whoAsksForNoOffsetsCostsNothing() throws {
        let db = try database()
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT * FROM l")
        try db.commit(.insert("l", 1, 100))
        #expect(db.core.sessions.queries.histories.changeCount == 0)
        db.core.sessions.end(client.session)
        #expect(try db.core.sessions.queryCount() == 0)
    }

    @Test func manyChangesArePutTogetherWithoutTheLock() throws {
        let db = try database()
        let old = client(db)
        try old.subscribe(1, "SELECT * FROM l")
        let since = point(db, of: old)
        db.core.sessions.end(old.session)
        for x in 0..<10 { try db.commit(.insert("l", 77, x)) }
        db.core.sessions.queries.lockedRowLimit = 5
        let new = client(db)
        new.take(rowsOf: old)
        let set = QuerySetID(1)
        let list = try db.core.sessions.texts.queries(["SELECT * FROM l"], as: new.session.caller)
        var count = 0
        _ = try db.core.sessions.change(new.session, leaving: [], joining: [(set, list)], since: [set: since]) {
            count += 1
            do { try db.commit(.insert("l", 78, count)) } catch { Issue.record(error) }
        }
        #expect(count > 0)
        #expect(new.rows(1).count == 4 + 10 + count && new.resumed == [1])
    }
}
