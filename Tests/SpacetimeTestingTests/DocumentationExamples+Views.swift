import SpacetimeKit
import SpacetimeSATS
import SpacetimeTesting
import Testing

// The code of the article on views and of the comments about them.

@Table
struct Score: Equatable {
    @PrimaryKey var player: Identity
    @Indexed var points: UInt32
}

/// How many players have so many points. Rows of a view need a row type, and no table.
@Table
struct PointCount: Equatable {
    @PrimaryKey var points: UInt32
    var players: UInt64
}

@Module
enum League {
    static let tables = Tables(Score.self)

    /// The ten best, the same for all.
    @View static func best(_ context: borrowing AnonymousViewContext) -> QueryWindow<Score> {
        Score.all.orderBy { $0.points.descending }.limit(10)
    }

    /// The row of whoever looks.
    @View static func own(_ context: borrowing ViewContext) -> Score? {
        context.db.score.player.find(context.sender)
    }

    /// Those with more points than somebody says.
    @View static func above(_ context: borrowing AnonymousViewContext, points: UInt32) -> Query<Score> {
        Score.where { $0.points > points }
    }

    /// Groups, of which only those are counted anew that change.
    @View static func counts(_ context: borrowing AnonymousViewContext) -> RowQuery<PointCount> {
        Score.all.groupBy { $0.points }.select { points, scores in (points, scores.count()) }.rows(as: PointCount.self)
    }

    @Reducer static func win(_ context: borrowing Context, points: UInt32) throws {
        try context.db.score.upsert(Score(player: context.sender, points: points))
    }
}

@Suite struct ViewExamples {
    @Test func aClientSeesItsOwnScore() throws {
        let test = try TestDatabase(League.self)
        let ada = try test.connect(as: "ada")
        let own = try ada.subscribe(League.own)
        let best = try test.connect(as: "bob").subscribe(League.best)

        try ada.call(League.win, 70)

        #expect(own.rows.map(\.points) == [70])
        #expect(best.rows.map(\.points) == [70])
    }

    @Test func aSnapshotAnswersViewsAsTheyWere() throws {
        let test = try TestDatabase(League.self)
        let ada = try test.connect(as: "ada")
        try ada.call(League.win, 70)

        let snapshot = try test.database.snapshot()
        try ada.call(League.win, 5)
        #expect(try snapshot.rows(League.best).map(\.points) == [70])
        #expect(try snapshot.seen(by: ada.identity).rows(League.own).map(\.points) == [70])
    }

    @Test func aSnapshotIsSeenAsAClientSeesIt() throws {
        let test = try TestDatabase(League.self)
        let ada = try test.connect(as: "ada")
        try ada.call(League.win, 70)
        let snapshot = try test.database.snapshot()

        let best = try snapshot.rows(League.best)
        let own = try snapshot.seen(by: ada.identity).rows(League.own)

        #expect(best.map(\.points) == [70] && own.map(\.points) == [70])
    }

    @Test func aModuleValueHasViewsToo() throws {
        let module = Module("league") {
            Table(Score.self)
            Reducer("win") { (context: borrowing ReducerContext, points: UInt32) in
                try context.table(Score.self).upsert(Score(player: context.sender, points: points))
            }
            ModuleView("all_scores") { (context: borrowing AnonymousViewContext<DynamicModule>) in
                Array(context.table(Score.self).rows)
            }
            ParameterizedModuleView("at_least", parameters: ["points"]) {
                (context: borrowing AnonymousViewContext<DynamicModule>, points: UInt32) in
                Score.where { $0.points >= points }
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("win", arguments: UInt32(3).bsatn())
        #expect(try db.sql("SELECT points FROM all_scores").count == 1)
        #expect(try db.sql("SELECT points FROM at_least(3)").count == 1)
        #expect(try db.sql("SELECT points FROM at_least(:n)", ["n": 4]).isEmpty)
    }

    @Test func viewsAreSelectedLikeTables() throws {
        let db = try Database.open(.inMemory, module: League.self)
        let ada = try db.connect(as: "ada")
        try ada.call(League.win, 5)
        #expect(try ada.sql("SELECT * FROM own").count == 1)
        #expect(try db.connect(as: "bob").sql("SELECT * FROM own").isEmpty)
        #expect(try db.connect(as: "bob").sql("SELECT COUNT(*) AS n FROM best WHERE points > 4").count == 1)
        #expect(throws: DatabaseError.self) { try ada.sql("SELECT * FROM score") }
    }

    @Test func aViewIsCalledWithArguments() throws {
        let test = try TestDatabase(League.self)
        let (ada, bob) = (try test.connect(as: "ada"), try test.connect(as: "bob"))
        let good = try ada.subscribe(League.above(50))
        let mine = try ada.subscribe(League.above(20).where { $0.player == ada.identity })

        try ada.call(League.win, 40)
        try bob.call(League.win, 60)

        #expect(good.rows.map(\.points) == [60])
        #expect(mine.rows.map(\.points) == [40])
        #expect(try test.database.sql("SELECT * FROM above(30) ORDER BY points").count == 2)
    }

    @Test func aViewOfGroupsFollowsItsTable() throws {
        let test = try TestDatabase(League.self)
        let clients = try ["ada", "bob"].map { try test.connect(as: $0) }
        let counts = try clients[0].subscribe(League.counts)
        for client in clients { try client.call(League.win, 7) }
        #expect(counts.rows == [PointCount(points: 7, players: 2)])
        try clients[0].call(League.win, 8)
        #expect(Set(counts.rows.map(\.points)) == [7, 8])
    }

    @Test func aQueryForOtherColumnsIsNoViewOfThem() throws {
        let module = Module("league") {
            Table(Score.self)
            ModuleView("wrong") { (context: borrowing AnonymousViewContext<DynamicModule>) in
                Score.all.select { ($0.points, $0.points) }.rows(as: PointCount.self)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        let error = #expect(throws: DatabaseError.self) { try db.sql("SELECT * FROM wrong") }
        #expect(error?.code == .moduleFailure)
        #expect(error?.message.contains("not those that the view declares") == true)
    }

    @Test func clientsHearOfUpdatesByThePrimaryKeyOfTheRows() throws {
        let test = try TestDatabase(League.self)
        let ada = try test.connect(as: "ada")
        let own = try ada.subscribe(League.own)
        try ada.call(League.win, 1)
        _ = own.takeChanges()
        try ada.call(League.win, 2)
        #expect(own.takeChanges().map { $0.updated.map { [$0.old.points, $0.new.points] } } == [[[1, 2]]])
    }

    @Test func whatAViewReadsByAQueryIsFollowed() throws {
        let test = try TestDatabase(League.self)
        let clients = try (0..<12).map { try test.connect(as: "player \($0)") }
        let best = try clients[0].subscribe(League.best)
        for (number, client) in clients.enumerated() { try client.call(League.win, UInt32(number)) }
        #expect(Set(best.rows.map(\.points)) == Set(2..<12))
        try clients[0].call(League.win, 50)
        #expect(Set(best.rows.map(\.points)) == Set([50] + Array(3..<12)))
    }

    @Test func aViewThatWritesIsRefused() throws {
        let module = Module("careless") {
            Table(Score.self)
            ModuleView("writing") { (context: borrowing ViewContext<DynamicModule>) throws -> [Score] in
                try context.table(Score.self).insert(Score(player: context.sender, points: 1))
                return []
            }
        }
        let db = try Database.open(.inMemory, module: module)
        let error = #expect(throws: DatabaseError.self) { try db.sql("SELECT * FROM writing") }
        #expect(error?.code == .readOnly)
    }
}

// What follows is the code of the article on what clients may see.

@Table(.public)
struct Letter: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var recipient: Identity
    var text: String
}

/// Who may read the letters of whom.
@Table
struct Helper {
    @Indexed var identity: Identity
    @Indexed var of: Identity
}

@Module
enum Mail {
    static let tables = Tables(Letter.self, Helper.self)
    static let rules = RowRules { sender in
        Letter.where { $0.recipient == sender }
        Letter.all.leftSemijoin(Helper.where { $0.identity == sender }) { $0.recipient == $1.of }
    }

    @Reducer static func send(_ context: borrowing Context, to recipient: Identity, text: String) throws {
        try context.db.letter.insert(Letter(id: 0, recipient: recipient, text: text))
    }

    @Reducer static func trust(_ context: borrowing Context, helper: Identity) throws {
        try context.db.helper.insert(Helper(identity: helper, of: context.sender))
    }
}

/// The same rules as texts.
@Module
enum MailInSQL {
    static let tables = Tables(Letter.self, Helper.self)
    static let rules = RowRules(
        "SELECT * FROM letter WHERE recipient = :sender",
        "SELECT letter.* FROM helper JOIN letter ON letter.recipient = helper.of WHERE helper.identity = :sender")

    @Reducer static func send(_ context: borrowing Context, to recipient: Identity, text: String) throws {
        try context.db.letter.insert(Letter(id: 0, recipient: recipient, text: text))
    }

    @Reducer static func trust(_ context: borrowing Context, helper: Identity) throws {
        try context.db.helper.insert(Helper(identity: helper, of: context.sender))
    }
}

@Suite struct RowRuleExamples {
    @Test func rulesInSQLAdmitTheSame() throws {
        let test = try TestDatabase(MailInSQL.self)
        let (ada, bob) = (try test.connect(as: "ada"), try test.connect(as: "bob"))
        let letters = try bob.subscribe(Letter.all)
        try test.call(MailInSQL.send, ada.identity, "for Ada")
        try test.call(MailInSQL.send, bob.identity, "for Bob")
        #expect(letters.rows.map(\.text) == ["for Bob"])
        try ada.call(MailInSQL.trust, bob.identity)
        #expect(Set(letters.rows.map(\.text)) == ["for Ada", "for Bob"])
    }

    @Test func aClientSeesItsLettersAndThoseItMayRead() throws {
        let test = try TestDatabase(Mail.self)
        let (ada, bob) = (try test.connect(as: "ada"), try test.connect(as: "bob"))
        let letters = try bob.subscribe(Letter.all)
        try test.call(Mail.send, ada.identity, "for Ada")
        try test.call(Mail.send, bob.identity, "for Bob")
        #expect(letters.rows.map(\.text) == ["for Bob"])
        try ada.call(Mail.trust, bob.identity)
        #expect(Set(letters.rows.map(\.text)) == ["for Ada", "for Bob"])
        // Admitted by both rules, and there once.
        try bob.call(Mail.trust, bob.identity)
        #expect(letters.count == 2)
        #expect(try bob.connection.sql("SELECT COUNT(*) AS n FROM letter")[0]["n"] == .u64(2))
        #expect(try test.rows(of: Letter.self).count == 2)
        #expect(try test.connect(as: "eve").connection.sql("SELECT * FROM letter").isEmpty)
    }

    @Test func rulesThatCannotBeReadAreRefused() {
        let module = Module("mail") {
            Table(Letter.self)
            RowRules("SELECT * FROM letters")
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.code == .invalidModule)
        #expect(error?.message.contains("did you mean 'letter'?") == true)
    }
}
