import SpacetimeKit
import Testing

@Table(.public)
struct Fighter: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var name: String
    @Indexed var level: UInt32
    var clan: String?
    var owner: Identity
    var joined: Timestamp
    var power: Double
}

@Table(.public)
struct Weapon: Equatable {
    @PrimaryKey var id: UInt64
    @Indexed var fighter: UInt64
    var kind: String
}

@Table
struct Vault: Equatable {
    @PrimaryKey var id: UInt64
}

@Table(.public)
struct Line: Equatable {
    var text: String
}

@Module enum Fights {
    static let tables = Tables(Fighter.self, Weapon.self, Vault.self, Line.self)

    static func fighter(_ id: UInt64, _ owner: Identity) -> Fighter {
        Fighter(
            id: id, name: "f\(id)", level: UInt32(id % 5), clan: id % 3 == 0 ? nil : "clan\(id % 2)", owner: owner,
            joined: Timestamp(microsecondsSinceUnixEpoch: Int64(id)), power: Double(id) / 2)
    }

    @Reducer static func fill(_ context: borrowing Context, count: UInt64) throws {
        for id in 1...count {
            try context.db.fighter.insert(fighter(id, context.sender))
            try context.db.weapon.insert(Weapon(id: id, fighter: id / 2, kind: id % 2 == 0 ? "sword" : "bow"))
        }
    }
}

@Suite struct SQLTests {
    private func open(_ count: UInt64 = 10) throws -> Database<Fights> {
        let db = try Database.open(.inMemory, module: Fights.self)
        try db.call(Fights.fill, count)
        return db
    }

    private func code(_ body: () throws -> Void) -> DatabaseError.Code? {
        do { try body() } catch { return (error as? DatabaseError)?.code }
        return nil
    }

    private func strings(_ result: QueryResult, _ column: String) throws -> [String] {
        try result.values(of: column, as: String.self)
    }

    // MARK: Queries

    @Test func rowsComeAsTheyAreStored() throws {
        let db = try open()
        let result = try db.sql("SELECT * FROM fighter WHERE level = 3 ORDER BY id")
        #expect(try result.decode(as: Fighter.self) == [Fights.fighter(3, db.owner), Fights.fighter(8, db.owner)])
        #expect(result.columns.map(\.name) == ["id", "name", "level", "clan", "owner", "joined", "power"])
        #expect(result[0]["clan"] == AlgebraicValue.none && result[1]["clan"] == AlgebraicValue.some(.string("clan0")))
        #expect(result[0]["nothing"] == nil && result.count == 2)
        #expect(try result.offset == db.lastOffset())
    }

    @Test(arguments: [
        ("SELECT name FROM fighter WHERE id = 3", ["f3"]),
        ("SELECT name FROM fighter WHERE id IN (9, 2, 2, 77) ORDER BY id", ["f2", "f9"]),
        ("SELECT name FROM fighter WHERE level BETWEEN 3 AND 4 AND power >= 4.0 ORDER BY id", ["f8", "f9"]),
        ("SELECT name FROM fighter WHERE clan IS NULL ORDER BY id DESC", ["f9", "f6", "f3"]),
        ("SELECT name FROM fighter WHERE clan <> 'clan0' ORDER BY id", ["f1", "f5", "f7"]),
        ("SELECT name FROM fighter WHERE NOT clan = 'clan0' ORDER BY id LIMIT 1 OFFSET 1", ["f5"]),
        ("SELECT name FROM fighter WHERE name LIKE 'f1%' ORDER BY name", ["f1", "f10"]),
        ("SELECT name FROM fighter WHERE (level + 1) * 2 = 10 ORDER BY id", ["f4", "f9"]),
        (
            "SELECT f.name FROM fighter f JOIN weapon w ON w.fighter = f.id WHERE w.kind = 'bow' ORDER BY w.id",
            ["f1", "f2", "f3", "f4"]
        ),
        (
            "SELECT f.name FROM fighter f LEFT JOIN weapon w ON w.fighter = f.id WHERE w.id IS NULL ORDER BY f.id",
            ["f6", "f7", "f8", "f9", "f10"]
        ),
        ("SELECT DISTINCT kind AS name FROM weapon ORDER BY kind", ["bow", "sword"]),
        ("SELECT 'x' AS name", ["x"]),
    ])
    func queriesAnswer(_ text: String, _ names: [String]) throws {
        let db = try open()
        #expect(try strings(db.sql(text), "name") == names)
        // Over a snapshot as well, where nothing has an index.
        #expect(try strings(db.snapshot().sql(text), "name") == names)
    }

    @Test func groupsAreCounted() throws {
        let db = try open()
        let result = try db.sql(
            "SELECT level, COUNT(*) AS n, SUM(id) AS s, AVG(power) AS p FROM fighter GROUP BY level HAVING level < 2 ORDER BY level"
        )
        #expect(
            result.map(\.values) == [
                [.u32(0), .u64(2), .u128(15), .f64(3.75)], [.u32(1), .u64(2), .u128(7), .f64(1.75)],
            ])
        #expect(try db.sql("SELECT COUNT(*) AS n FROM fighter LIMIT 2").map(\.values) == [[.u64(10)]])
        #expect(try db.sql("SELECT COUNT(*) AS n FROM fighter WHERE id = 4 OR id = 5").map(\.values) == [[.u64(2)]])
        #expect(try db.sql("SELECT MAX(clan) FROM fighter WHERE id > 100").map(\.values) == [[.none]])
    }

    @Test func valuesComeBesideTheText() throws {
        let db = try open()
        let text = "SELECT name FROM fighter WHERE level = :level AND name <> :name AND owner = :sender ORDER BY id"
        #expect(try strings(db.sql(text, ["level": 1, "name": "f1"]), "name") == ["f6"])
        #expect(try strings(db.sql(text, ["level": SQLValue(UInt8(1)), "name": "f6"]), "name") == ["f1"])
        let time = "SELECT name FROM fighter WHERE joined = :at"
        #expect(try strings(db.sql(time, ["at": SQLValue(Timestamp(microsecondsSinceUnixEpoch: 4))]), "name") == ["f4"])
        #expect(try strings(db.sql(time, ["at": "1970-01-01T00:00:00.000005Z"]), "name") == ["f5"])
        #expect(
            try strings(db.sql("SELECT name FROM fighter WHERE clan = :c AND id < 3", ["c": "clan0"]), "name") == ["f2"]
        )
        #expect(code { try db.sql(text, ["level": 1]) } == .badArguments)
        #expect(code { try db.sql(text, ["level": -1, "name": ""]) } == .badArguments)
        #expect(code { try db.sql(text, ["level": "x", "name": ""]) } == .badArguments)
        #expect(code { try db.sql(text, ["level": 1, "name": "", "more": 1]) } == .badArguments)
        #expect(code { try db.sql(text, ["level": 1, "name": "", "sender": 1]) } == .badArguments)
    }

    @Test func textsThatDifferInLiteralsAreToldApart() throws {
        let db = try open()
        for id in (1...10).shuffled() + [1, 2] {
            #expect(try strings(db.sql("SELECT name FROM fighter WHERE id = \(id)"), "name") == ["f\(id)"])
            #expect(try strings(db.sql("SELECT name FROM fighter WHERE name = 'f\(id)' LIMIT 1"), "name") == ["f\(id)"])
        }
        #expect(code { try db.sql("SELECT name FROM fighter WHERE id = -1") } == .invalidQuery)
        #expect(code { try db.sql("SELECT name FROM fighter WHERE id = 1.5") } == .invalidQuery)
        #expect(try db.sql("SELECT name FROM fighter WHERE id = 1 LIMIT 0").isEmpty)
    }

    @Test func plansFollowTheData() throws {
        let db = try open(1)
        let text = "SELECT w.id FROM weapon w JOIN fighter f ON f.id = w.fighter WHERE f.name = 'f1'"
        #expect(try db.sql(text).isEmpty)
        for id in 100..<400 { try db.sql("INSERT INTO weapon VALUES (\(id), 1, 'axe')") }
        #expect(try db.sql(text).count == 300)
    }

    @Test func errorsHaveAPlace() throws {
        let db = try open()
        let error = #expect(throws: DatabaseError.self) { try db.sql("SELECT name\nFROM fighter WHERE nmae = 'x'") }
        let problem = error?.cause as? SQLProblem
        #expect(error?.code == .invalidQuery && problem?.line == 2 && problem?.column == 20)
        #expect(problem?.reason.contains("did you mean 'name'?") == true)
        #expect(code { try db.sql("SELECT * FROM nothing") } == .noSuchTable)
        #expect(code { try db.sql("") } == .invalidQuery)
        #expect(code { try db.sql(String(repeating: " ", count: 60_000)) } == .limitReached)
        #expect(code { try db.sql("SELECT id / (level - level) AS x FROM fighter") } == .invalidQuery)
        #expect(code { try db.sql("SELECT level / (level - level) AS x FROM fighter") } == .arithmeticFailure)
    }

    // MARK: Changes

    @Test func insertedRowsGetWhatIsLeftOut() throws {
        let db = try open()
        let result = try db.sql(
            """
            INSERT INTO fighter (name, level, owner, joined, power)
            VALUES ('new', 9, :sender, '2025-02-10T15:45:30Z', 1), ('newer', 9, :sender, '2025-02-10T15:45:30Z', 2)
            RETURNING id, name, clan
            """)
        #expect(result.rowsInserted == 2 && result.columns.map(\.name) == ["id", "name", "clan"])
        #expect(result.map { $0["name"]! } == [.string("new"), .string("newer")])
        #expect(Set(result.map { $0["id"]! }).count == 2 && result.allSatisfy { $0["clan"] == AlgebraicValue.none })
        #expect(try db.sql("SELECT * FROM fighter WHERE level = 9").count == 2)
        #expect(try result.offset == db.lastOffset())
    }

    @Test func rowsThatAreThereAreNotInsertedAgain() throws {
        let db = try open()
        #expect(try db.sql("INSERT INTO line (text) VALUES ('x'), ('x'), (5)").rowsInserted == 2)
        #expect(try db.sql("INSERT INTO line VALUES ('x') RETURNING *").rowsInserted == 0)
        #expect(try db.sql("SELECT text FROM line ORDER BY text").map(\.values) == [[.string("5")], [.string("x")]])
    }

    @Test func aStatementThatFailsChangesNothing() throws {
        let db = try open()
        let offset = try db.lastOffset()
        #expect(code { try db.sql("INSERT INTO weapon VALUES (50, 1, 'x'), (1, 1, 'x')") } == .uniqueViolation)
        #expect(code { try db.sql("UPDATE weapon SET id = 7") } == .uniqueViolation)
        #expect(code { try db.sql("UPDATE fighter SET level = level - 10") } == .arithmeticFailure)
        #expect(try db.sql("SELECT * FROM weapon WHERE id > 10 OR id = 7").count == 1)
        #expect(try db.lastOffset() == offset)
    }

    @Test func updatesSeeTheRowsAsTheyWere() throws {
        let db = try open(3)
        // Keys are exchanged: each takes one that another has.
        #expect(try db.sql("UPDATE weapon SET id = 4 - id").rowsUpdated == 3)
        #expect(try strings(db.sql("SELECT kind FROM weapon ORDER BY id"), "kind") == ["bow", "sword", "bow"])
        let result = try db.sql(
            "UPDATE fighter SET level = level + 10, clan = name WHERE id >= 2 RETURNING name, level, clan")
        #expect(result.rowsUpdated == 2)
        #expect(Set(result.map { $0["level"]! }) == [.u32(12), .u32(13)])
        #expect(result.allSatisfy { $0["clan"] == AlgebraicValue.some($0["name"]!) })
        try db.sql("UPDATE fighter SET clan = NULL WHERE id = 2")
        #expect(try db.sql("SELECT * FROM fighter WHERE clan IS NULL").count == 1)
        // Rows that become equal are one.
        try db.sql("INSERT INTO line VALUES ('a'), ('b')")
        #expect(try db.sql("UPDATE line SET text = 'c'").rowsUpdated == 2)
        #expect(try db.sql("SELECT * FROM line").count == 1)
    }

    @Test func deletesSayWhatTheyTook() throws {
        let db = try open()
        let result = try db.sql("DELETE FROM fighter WHERE level = 2 RETURNING name")
        #expect(result.rowsDeleted == 2)
        #expect(try strings(result, "name").sorted() == ["f2", "f7"])
        #expect(try db.sql("DELETE FROM fighter WHERE level * 2 = 6").rowsDeleted == 2)
        #expect(try db.sql("DELETE FROM fighter WHERE id = :id", ["id": 1]).rowsDeleted == 1)
        #expect(try db.sql("DELETE FROM fighter").rowsDeleted == 5)
        #expect(try db.sql("SELECT * FROM fighter").isEmpty)
    }

    @Test func subscribersHearOfStatements() throws {
        let db = try open()
        let watched = try db.subscribe(Fighter.where { $0.level == 3 })
        #expect(watched.nextAvailable()?.inserted.count == 2)
        try db.sql("UPDATE fighter SET power = 100 WHERE level = 3")
        #expect(watched.nextAvailable()?.updated.count == 2)
        try db.sql("DELETE FROM fighter WHERE name = 'f3'")
        #expect(watched.nextAvailable()?.deleted.count == 1)
    }

    // MARK: Rights

    @Test func clientsReadWhatIsPublic() throws {
        let db = try open()
        let client = try db.connect(as: "eve")
        #expect(try client.sql("SELECT * FROM fighter WHERE owner = :sender").isEmpty)
        #expect(try client.sql("SELECT * FROM fighter WHERE owner <> :sender").count == 10)
        #expect(code { try client.sql("SELECT * FROM vault") } == .noSuchTable)
        #expect(code { try client.sql("DELETE FROM vault") } == .noSuchTable)
        #expect(code { try client.sql("DELETE FROM fighter") } == .notPermitted)
        #expect(code { try client.sql("INSERT INTO line VALUES ('x')") } == .notPermitted)
        #expect(code { try client.sql("SET row_limit = 5") } == .notPermitted)
        #expect(code { try client.sql("SELECT * FROM st_connection_credentials") } == .noSuchTable)
        #expect(try client.sql("SELECT * FROM st_client WHERE identity = :sender").count == 1)
        // The owner over a connection keeps the owner's rights.
        let owner = try db.connect(db.owner)
        #expect(try owner.sql("SELECT * FROM vault").isEmpty)
        #expect(try owner.sql("INSERT INTO line VALUES ('x')").rowsInserted == 1)
        try client.disconnect()
        #expect(code { try client.sql("SELECT 1") } == .disconnected)
    }

    @Test func theRowLimitHoldsForOthers() throws {
        let db = try open()
        let client = try db.connect(as: "eve")
        #expect(try db.sql("SHOW row_limit").isEmpty)
        try db.sql("SET row_limit = 4")
        #expect(try db.sql("SHOW row_limit").map(\.values) == [[.sum(tag: 8, .u64(4))]])
        #expect(code { try client.sql("SELECT * FROM fighter") } == .limitReached)
        #expect(try client.sql("SELECT * FROM fighter LIMIT 4").count == 4)
        #expect(try client.sql("SELECT * FROM fighter WHERE id = 3").count == 1)
        #expect(try db.sql("SELECT * FROM fighter").count == 10)
        try db.sql("SET row_limit TO 10")
        #expect(try client.sql("SELECT * FROM fighter").count == 10)
        try db.sql("SET row_limit = 1")
        #expect(try db.sql("DELETE FROM st_var WHERE name = 'row_limit'").rowsDeleted == 1)
        #expect(try client.sql("SELECT * FROM fighter").count == 10)
    }

    @Test func theModuleIsDescribed() throws {
        let db = try open()
        // Of a picture that was taken before anybody asked.
        let snapshot = try db.snapshot()
        let client = try db.connect(as: "eve")
        let expected: [AlgebraicValue] = [
            .u32(1), .string("st_table"), .string("system"), .string("public"), .some(.array([.u16(0)])),
        ]
        for result in [
            try snapshot.sql("SELECT * FROM st_table WHERE table_id = 1"),
            try client.sql("SELECT * FROM st_table WHERE table_id = 1"),
        ] {
            #expect(result.map(\.values) == [expected])
        }
        let names = try db.sql(
            """
            SELECT c.col_name FROM st_table t JOIN st_column c ON c.table_id = t.table_id
            WHERE t.table_name = 'weapon' ORDER BY c.col_pos
            """)
        #expect(try strings(names, "col_name") == ["id", "fighter", "kind"])
        #expect(code { try db.sql("DELETE FROM st_table") } == .readOnly)
    }

    // MARK: Plans and limits

    @Test func plansAreExplained() throws {
        let db = try open()
        let plan = try strings(db.sql("EXPLAIN SELECT name FROM fighter WHERE id = 3"), "plan")
        #expect(plan.count == 1 && plan[0].contains("fighter_id"))
        let run = try strings(db.sql("EXPLAIN ANALYZE SELECT name FROM fighter WHERE level = 3"), "plan")
        #expect(run.last?.hasPrefix("2 rows of ") == true && run.last?.contains("under the lock") == true)
        #expect(try db.snapshot().sql("EXPLAIN SELECT * FROM fighter").count == 1)
    }

    /// A statement with values is planned for these, however often it was run with others.
    @Test func plansFollowTheValues() throws {
        let db = try open(9_000)
        let range = "SELECT id FROM weapon WHERE fighter >= :low AND fighter < :high"
        func run(_ text: String, _ low: Int64, _ high: Int64) throws -> QueryResult {
            try db.sql(text, ["low": SQLValue(integerLiteral: low), "high": SQLValue(integerLiteral: high)])
        }
        for _ in 0..<2 {
            #expect(try run(range, 10, 20).rowsExamined == 20)
            #expect(try run(range, 0, 100_000).count == 9_000)
        }
        // The same in the text.
        #expect(try db.sql("SELECT id FROM weapon WHERE fighter >= 0 AND fighter < 9000").count == 9_000)
        #expect(try db.sql("SELECT id FROM weapon WHERE fighter >= 30 AND fighter < 32").rowsExamined == 4)
        // Of a join, the range of one side finds the rows of the other.
        let join = """
            SELECT w.kind FROM fighter f JOIN weapon w ON w.fighter = f.id WHERE f.id >= :low AND f.id < :high
            """
        for _ in 0..<2 {
            #expect(try run(join, 10, 20).rowsExamined == 40)
            #expect(try run(join, 0, 100_000).count == 8_999)
        }
    }

    @Test func longQueriesStopNobody() throws {
        let db = try open(9_000)
        let run = try strings(db.sql("EXPLAIN ANALYZE SELECT name FROM fighter WHERE power < 10"), "plan")
        #expect(run.last?.contains("without the lock") == true, "\(run)")
        #expect(try db.sql("SELECT COUNT(*) AS n FROM fighter WHERE power < 10").map(\.values) == [[.u64(19)]])
    }

    @Test func statementsHaveLimits() throws {
        let db = try open(2_000)
        func limited(_ limits: QueryLimits) -> DatabaseError.Code? {
            code { try db.sql("SELECT a.* FROM fighter a JOIN fighter b ON a.power < b.power", limits: limits) }
        }
        #expect(limited(QueryLimits(rows: 10)) == .limitReached)
        #expect(limited(QueryLimits(bytes: 1_000)) == .limitReached)
        #expect(limited(QueryLimits(rowsExamined: 10_000)) == .limitReached)
        #expect(limited(QueryLimits(time: .microseconds(1))) == .stopped)
        #expect(try db.sql("SELECT * FROM fighter", limits: QueryLimits(rows: 2_000)).count == 2_000)
    }

    /// Each would go through a million million combinations of rows, in every way in which a plan may spend its time.
    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            "SELECT COUNT(*) AS n FROM weapon w JOIN fighter b JOIN fighter c ON b.power < c.power "
                + "JOIN fighter d ON c.power < d.power",
            "SELECT a.id FROM fighter a JOIN fighter b ON a.power <> b.power JOIN fighter c ON b.power <> c.power "
                + "JOIN fighter d ON c.power <> d.power WHERE a.power + d.power < -1.0",
            "SELECT a.id, b.id AS x, c.id AS y FROM fighter a JOIN fighter b ON a.power <> b.power "
                + "JOIN fighter c ON b.power <> c.power JOIN fighter d ON c.power <> d.power ORDER BY c.power, b.power LIMIT 10",
            "SELECT DISTINCT a.level FROM fighter a JOIN fighter b ON a.power <> b.power JOIN fighter c ON b.power <> c.power "
                + "JOIN fighter d ON c.power <> d.power AND d.power < a.power",
            "SELECT a.level, MAX(d.power) AS most FROM fighter a JOIN fighter b ON a.power <> b.power "
                + "JOIN fighter c ON b.power <> c.power JOIN fighter d ON c.power <> d.power GROUP BY a.level",
            "SELECT MAX(d.power) AS most FROM fighter a LEFT JOIN fighter b ON a.power <> b.power "
                + "LEFT JOIN fighter c ON b.power <> c.power LEFT JOIN fighter d ON c.power <> d.power",
        ])
    func whatWouldTakeHoursIsStopped(_ text: String) throws {
        let db = try open(1_000)
        #expect(code { try db.sql(text, limits: QueryLimits(time: .milliseconds(20))) } == .stopped)
        #expect(code { try db.sql(text, limits: QueryLimits(rowsExamined: 50_000)) } == .limitReached)
    }

    @Test func aCancelledTaskStopsItsStatement() async throws {
        let db = try open(3_000)
        let task = Task {
            // Two hundred million combinations at least, if nobody stops it.
            try await db.sql(
                "SELECT COUNT(*) AS n FROM fighter a JOIN fighter b ON a.power < b.power JOIN fighter c ON b.power < c.power"
            )
        }
        task.cancel()
        do {
            _ = try await task.value
            Issue.record("the statement was not stopped")
        } catch {
            #expect((error as? DatabaseError)?.code == .stopped)
        }
    }

    @Test func tasksSuspend() async throws {
        let db = try open()
        let client = try await db.connect(as: "eve")
        #expect(try await db.sql("SELECT * FROM fighter").count == 10)
        #expect(try await client.sql("SELECT * FROM fighter WHERE id = 1").count == 1)
        #expect(try await db.sql("DELETE FROM fighter WHERE id = 1").rowsDeleted == 1)
        await #expect(throws: DatabaseError.self) { try await client.sql("DELETE FROM fighter") }
        let big = try open(9_000)
        #expect(try await big.sql("SELECT * FROM fighter WHERE power >= 0.0").count == 9_000)
    }

    @Test func aSnapshotAnswersAsItWas() throws {
        let db = try open()
        let snapshot = try db.snapshot()
        try db.sql("DELETE FROM fighter WHERE id > 2")
        #expect(try snapshot.sql("SELECT * FROM fighter").count == 10)
        #expect(try snapshot.sql("SELECT * FROM fighter WHERE level = :l", ["l": 2]).count == 2)
        #expect(code { _ = try snapshot.sql("DELETE FROM fighter") } == .readOnly)
        #expect(try db.sql("SELECT * FROM fighter").count == 2)
    }

    @Test func insideOfAReadThereIsNoStatement() throws {
        let db = try open()
        #expect(code { try db.read { _ in _ = try db.sql("SELECT 1") } } == .nestedTransaction)
    }

    @Test func resultsAreOnlyDecodedAsWhatTheyAre() throws {
        let db = try open()
        let result = try db.sql("SELECT id, name FROM fighter ORDER BY id LIMIT 1")
        #expect(code { _ = try result.decode(as: Fighter.self) } == .malformedRow)
        #expect(code { _ = try result.values(of: "id", as: String.self) } == .malformedRow)
        #expect(code { _ = try result.values(of: "x", as: String.self) } == .malformedRow)
        #expect("\(result)" == "id | name\n---+-----\n1  | f1  ")
        #expect("\(try db.sql("DELETE FROM line"))" == "0 inserted, 0 updated, 0 deleted")
    }
}
