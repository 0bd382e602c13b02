import SpacetimeEngine
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeHost

/// A client's stream: answers, updates and what happens when it is full.
@Suite struct SessionTests {
    private func events(_ session: Session) -> [String] {
        var texts: [String] = []
        while let event = session.queue.nextAvailable() {
            switch event {
            case .subscribed(let rows): texts.append("subscribed \(rows.rows.map(\.inserts.count))")
            case .resumed(let changes): texts.append("resumed \(changes.changes.count)")
            case .unsubscribed: texts.append("unsubscribed")
            case .moduleReplaced: texts.append("module replaced")
            case .reply(let reply): texts.append("reply of \(reply.bytes.count) bytes")
            case .failed(let set, let error): texts.append("failed \(set.rawValue) \(error.code)")
            case .update(let update):
                let call =
                    switch update.call?.outcome {
                    case nil: "others"
                    case .committed: "call \(update.call?.request ?? 0)"
                    case .failed(let error): "failed call \(update.call?.request ?? 0) \(error)"
                    }
                let changes = update.changes.map {
                    "\($0.set.rawValue):-\($0.delta.deletes.count)+\($0.delta.inserts.count)"
                }
                texts.append("\(call) \(changes.joined(separator: " "))")
            case .ended(let reason): texts.append("ended \(reason)")
            }
        }
        return texts
    }

    private func session(_ core: DatabaseCore, limit: Int = 100, coalesces: Bool = false) throws -> Session {
        let session = Session(core.owner, outlet: nil, queueLimit: limit, coalesces: coalesces)
        try core.sessions.subscribe(session, to: QuerySetID(1), [SessionQuery(core.items)])
        return session
    }

    private func add(_ name: String, _ request: UInt32) -> SessionCall {
        SessionCall(request: request, reducer: "add", arguments: name.bsatn())
    }

    @Test func aCallIsAnsweredTogetherWithWhatItChanged() throws {
        let core = try open(.items())
        let (caller, other) = (try session(core), try session(core))
        try core.sessions.call([add("apple", 7)], by: caller)
        #expect(events(caller) == ["subscribed [0]", "call 7 1:-0+1"])
        #expect(events(other) == ["subscribed [0]", "others 1:-0+1"])
    }

    @Test func eachCallOfABatchIsATransactionWithItsOwnAnswer() throws {
        let core = try open(.items())
        let caller = try session(core)
        try core.sessions.call(
            [
                add("apple", 1), SessionCall(request: 2, reducer: "fail", arguments: []),
                SessionCall(request: 3, reducer: "nobody", arguments: []),
                SessionCall(request: 4, reducer: "nothing", arguments: []), add("pear", 5),
                SessionCall(request: 6, reducer: "add", arguments: [1]),
            ], by: caller)
        let answers = events(caller)
        #expect(answers.count == 7)
        #expect(answers[1] == "call 1 1:-0+1")
        #expect(answers[2].hasPrefix("failed call 2") && answers[2].contains("failed on purpose"))
        #expect(answers[3].hasPrefix("failed call 3") && answers[3].contains("noSuchReducer"))
        #expect(answers[4] == "call 4 ")
        #expect(answers[5] == "call 5 1:-0+1")
        #expect(answers[6].hasPrefix("failed call 6"))
    }

    @Test func aSessionWithoutRoomEndsBehindWhatIsThere() throws {
        let core = try open(.items())
        let slow = try session(core, limit: 3)
        for name in ["a", "b", "c", "d"] { try core.runner.call("add", arguments: name.bsatn(), as: core.owner) }
        #expect(events(slow) == ["subscribed [0]", "others 1:-0+1", "others 1:-0+1", "ended overflow"])
        #expect(try core.sessions.queryCount() == 0)
    }

    private final class Bell: Session.Outlet {
        let rings = Atomic(0)
        func wake(_ session: Session) { rings.add(1, ordering: .relaxed) }
    }

    /// Of a client that does not take what it is told, commits only put a reference into its queue.
    @Test func whoeverServesAClientIsWokenOnceForWhatHeHasNotTaken() throws {
        let core = try open(.items())
        let bell = Bell()
        let session = Session(core.owner, outlet: bell, queueLimit: 100)
        try core.sessions.subscribe(session, to: QuerySetID(1), [SessionQuery(core.items)])
        #expect(events(session) == ["subscribed [0]"])
        for round in 1...3 {
            let before = bell.rings.load(ordering: .relaxed)
            for name in ["a", "b", "c"] {
                try core.runner.call("add", arguments: "\(name)\(round)".bsatn(), as: core.owner)
            }
            #expect(bell.rings.load(ordering: .relaxed) == before + 1)
            #expect(events(session).count == 3)
        }
    }

    @Test func aCoalescingSessionGetsSeveralCommitsAsOne() throws {
        let core = try open(.items())
        let slow = try session(core, limit: 3, coalesces: true)
        for name in ["a", "b", "c", "d"] { try core.runner.call("add", arguments: name.bsatn(), as: core.owner) }
        // What a later commit takes back is not told at all.
        try core.runner.call("rename", arguments: UInt64(4).bsatn() + "e".bsatn(), as: core.owner)
        #expect(events(slow) == ["subscribed [0]", "others 1:-0+1", "others 1:-0+3"])
        try core.runner.call("add", arguments: "f".bsatn(), as: core.owner)
        #expect(events(slow) == ["others 1:-0+1"])
    }

    @Test func coalescedUpdatesAreWhatTheCommitsDid() throws {
        let db = try ScenarioDatabase("t(x u64 index, y u64)")
        var random = DeterministicRandom(seed: 4)
        let exact = FakeSession(db.core)
        let slow = Session(db.core.owner, outlet: nil, queueLimit: 2, coalesces: true)
        try exact.subscribe(1, "SELECT * FROM t WHERE x < 3")
        try db.core.sessions.subscribe(
            slow, to: QuerySetID(1),
            try db.core.sessions.texts.queries(["SELECT * FROM t WHERE x < 3"], as: db.core.owner))
        var rows: [[UInt8]: Int] = [:]
        for step in 0..<300 {
            let (x, y) = (Int(random.next() % 5), Int(random.next() % 3))
            try db.commit(random.next() % 2 == 0 ? .insert("t", x, y) : .delete("t", x, y))
            guard step % 20 == 19 else { continue }
            while let event = slow.queue.nextAvailable() {
                guard case .update(let update) = event else { continue }
                for change in update.changes {
                    change.delta.deletes.forEach { rows[Array($0), default: 0] -= 1 }
                    change.delta.inserts.forEach { rows[Array($0), default: 0] += 1 }
                }
            }
            #expect(rows.filter { $0.value != 0 }.keys.sorted { $0.lexicographicallyPrecedes($1) } == exact.rows(1))
            #expect(rows.values.allSatisfy { $0 == 0 || $0 == 1 })
        }
    }

    @Test func largeTablesAreReadBesideCommitsWithoutGapOrOverlap() throws {
        let db = try ScenarioDatabase("t(x u64, y u64)")
        for start in stride(from: 0, to: 6_000, by: 1_000) {
            for x in start..<(start + 1_000) { try db.commit(.insert("t", x, 0)) }
        }
        let first = FakeSession(db.core)
        try first.subscribe(1, "SELECT * FROM t WHERE y = 0")
        #expect(first.rows(1).count == 6_000)
        try db.commit(.insert("t", 7_000, 0), .delete("t", 1, 0))
        #expect(first.rows(1).count == 6_000)
        let second = FakeSession(db.core)
        try second.subscribe(1, "SELECT * FROM t WHERE y = 0")
        #expect(second.rows(1) == first.rows(1))
        // The third one gets the rows that were found for the second.
        let third = FakeSession(db.core)
        try third.subscribe(1, "SELECT * FROM t WHERE y = 0")
        #expect(third.rows(1) == first.rows(1))
        guard case .subscribed(let left)? = second.events.first, case .subscribed(let right)? = third.events.first
        else {
            Issue.record("there were no first rows")
            return
        }
        #expect(left.rows[0] === right.rows[0])
    }

    @Test func whatIsCommittedWhileRowsAreFoundWaitsBehindThem() throws {
        let queue = SessionQueue(limit: 4)
        let (place, _) = queue.reserve()
        _ = queue.append(.update(SessionUpdate(offset: TxOffset(5), call: nil, changes: [])))
        #expect(queue.nextAvailable() == nil)
        queue.fill(place, with: .subscribed(SetRows(set: QuerySetID(1), offset: TxOffset(4), rows: [])))
        guard case .subscribed? = queue.nextAvailable(), case .update? = queue.nextAvailable() else {
            Issue.record("the events came in another order")
            return
        }
    }

    @Test func groupsWindowsAndDistinctRowsFollow() throws {
        let db = try ScenarioDatabase("t(k u64 index, v u64 index)")
        let client = FakeSession(db.core)
        try client.subscribe(1, "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k")
        try client.subscribe(2, "SELECT * FROM t ORDER BY v DESC LIMIT 2")
        try client.subscribe(3, "SELECT COUNT(*) AS n FROM t WHERE k = 1")
        func count(_ n: Int) -> [UInt8] { UInt64(n).bsatn() }
        #expect(client.rows(1).isEmpty && client.rows(2).isEmpty)
        #expect(client.rows(3) == [count(0)])
        try db.commit(.insert("t", 1, 10), .insert("t", 1, 20), .insert("t", 2, 5))
        #expect(
            client.rows(1) == [
                count(1) + count(2) + UInt128(30).bsatn(), count(2) + count(1) + UInt128(5).bsatn(),
            ])
        #expect(client.rows(2) == [db.row("t", 1, 10), db.row("t", 1, 20)])
        #expect(client.rows(3) == [count(2)])
        try db.commit(.delete("t", 1, 20))
        #expect(client.takeChanges(2) == ([db.row("t", 1, 20)], [db.row("t", 2, 5)]))
        #expect(client.rows(3) == [count(1)])
        try db.commit(.insert("t", 9, 1))
        #expect(client.takeChanges(2) == ([], []))
    }
}
