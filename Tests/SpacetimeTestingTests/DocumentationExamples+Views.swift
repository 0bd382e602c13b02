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

@Module
enum League {
    static let tables = Tables(Score.self)

    static let best = View("best_scores", .shared, primaryKey: "player") {
        (context: borrowing Context) -> [Score] in
        try context.db.rows(Score.all.orderBy { $0.points.descending }.limit(10))
    }
    static let own = View("my_score", primaryKey: "player") { (context: borrowing Context) -> [Score] in
        context.db.score.player.find(context.sender).map { [$0] } ?? []
    }
    static let views = Views(best, own)

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

    @Test func aModuleValueHasViewsToo() throws {
        let module = Module("league") {
            Table(Score.self)
            Reducer("win") { (context: borrowing ReducerContext, points: UInt32) in
                try context.table(Score.self).upsert(Score(player: context.sender, points: points))
            }
            View("all_scores", .shared) { (context: borrowing ReducerContext) -> [Score] in
                Array(context.table(Score.self).rows)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("win", arguments: UInt32(3).bsatn())
        #expect(try db.sql("SELECT points FROM all_scores").count == 1)
    }

    @Test func viewsAreSelectedLikeTables() throws {
        let db = try Database.open(.inMemory, module: League.self)
        let ada = try db.connect(as: "ada")
        try ada.call(League.win, 5)
        #expect(try ada.sql("SELECT * FROM my_score").count == 1)
        #expect(try db.connect(as: "bob").sql("SELECT * FROM my_score").isEmpty)
        #expect(try db.connect(as: "bob").sql("SELECT COUNT(*) AS n FROM best_scores WHERE points > 4").count == 1)
        #expect(throws: DatabaseError.self) { try ada.sql("SELECT * FROM score") }
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
            View("writing", .shared) { (context: borrowing ReducerContext) -> [Score] in
                try context.table(Score.self).insert(Score(player: context.sender, points: 1))
                return []
            }
        }
        let db = try Database.open(.inMemory, module: module)
        let error = #expect(throws: DatabaseError.self) { try db.sql("SELECT * FROM writing") }
        #expect(error?.code == .readOnly)
    }
}
