import SpacetimeKit
import Testing

/// Indexes over three to six columns, one of them unique and one over columns that are not in the order of the row.
@Table(
    .index("byGameModeDay", \.game, \.mode, \.day), .index("byFour", \.day, \.game, \.player, \.mode),
    .index("bySix", \.game, \.mode, \.day, \.player, \.points, \.id), .unique("onePerDay", \.player, \.mode, \.day))
struct GameScore: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt32
    var day: Int16
    var game: String
    var mode: UInt8
    var player: UInt64
    var points: Int32
}

@Module enum GameScores {
    static let tables = Tables(GameScore.self)

    @Reducer static func fill(_ context: borrowing Context) throws {
        for game in ["chess", "chess960", "go"] {
            for mode in 0...2 as ClosedRange<UInt8> {
                for day in -2...2 as ClosedRange<Int16> {
                    try context.db.gameScore.insert(
                        GameScore(
                            id: 0, day: day, game: game, mode: mode, player: UInt64(game.utf8.count),
                            points: Int32(day) * 10))
                }
            }
        }
    }
}

/// Each leading part of a key, with and without a range behind it, gives the rows that a look at every row gives.
@Suite struct PrefixTests {
    private typealias Scores = GameScore.Handle

    private func reading(_ body: (Scores) throws -> Void) throws {
        let db = try Database.open(.inMemory, module: GameScores.self)
        try db.call(GameScores.fill)
        try db.read { try body($0.gameScore) }
    }

    private func expect(
        _ found: Rows<GameScore>, _ count: Int, _ table: Scores, _ isMeant: (GameScore) -> Bool,
        at place: SourceLocation = #_sourceLocation
    ) {
        let meant = table.rows.filter(isMeant)
        #expect(found.sorted { $0.id < $1.id } == meant.sorted { $0.id < $1.id }, sourceLocation: place)
        #expect(count == meant.count && count > 0, sourceLocation: place)
    }

    @Test func partsOfThreeColumnsFindTheirRows() throws {
        try reading { table in
            let index = table.byGameModeDay
            expect(index.filter("chess"), index.count("chess"), table) { $0.game == "chess" }
            expect(index.filter("chess"..<"d"), index.count("chess"..<"d"), table) { $0.game.hasPrefix("chess") }
            expect(index.filter("go", 1...), index.count("go", 1...), table) { $0.game == "go" && $0.mode >= 1 }
            expect(index.filter("go", 2), index.count("go", 2), table) { $0.game == "go" && $0.mode == 2 }
            expect(index.filter("go", 2, -1...1), index.count("go", 2, -1...1), table) {
                $0.game == "go" && $0.mode == 2 && (-1...1).contains($0.day)
            }
            expect(index.filter("go", 2, ..<0), index.count("go", 2, ..<0), table) {
                $0.game == "go" && $0.mode == 2 && $0.day < 0
            }
            expect(index.filter("go", 2, 1), index.count("go", 2, 1), table) {
                $0.game == "go" && $0.mode == 2 && $0.day == 1
            }
            #expect(index.contains("go", 2, 1) && !index.contains("go", 2, 7))
            #expect(index.filter("go", 2).map(\.day) == [-2, -1, 0, 1, 2])
            #expect(index.filter("go", 1...).map(\.mode) == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
        }
    }

    @Test func partsOfLongerKeysFindTheirRows() throws {
        try reading { table in
            expect(table.byFour.filter(1, "go", 2), table.byFour.count(1, "go", 2), table) {
                $0.day == 1 && $0.game == "go"
            }
            expect(table.byFour.filter(1, "go", 2, 1...), table.byFour.count(1, "go", 2, 1...), table) {
                $0.day == 1 && $0.game == "go" && $0.mode >= 1
            }
            expect(table.byFour.filter(1, "go", 2, 1), table.byFour.count(1, "go", 2, 1), table) {
                $0.day == 1 && $0.game == "go" && $0.mode == 1
            }
            expect(table.bySix.filter("go", 1, 1, 2), table.bySix.count("go", 1, 1, 2), table) {
                $0.day == 1 && $0.game == "go" && $0.mode == 1
            }
            expect(table.bySix.filter("go", 1, 1, 2, 0...), table.bySix.count("go", 1, 1, 2, 0...), table) {
                $0.day == 1 && $0.game == "go" && $0.mode == 1
            }
            #expect(table.bySix.count("go", 1, 1, 2, 11...) == 0)
            let one = try #require(table.bySix.filter("go", 1, 1).first)
            #expect(table.bySix.filter("go", 1, 1, 2, 10, one.id).map(\.id) == [one.id])
        }
    }

    @Test func uniqueIndexesKnowPartsOfTheirKeysToo() throws {
        try reading { table in
            let index = table.onePerDay
            expect(index.filter(8), index.count(8), table) { $0.game == "chess960" }
            expect(index.filter(6...), index.count(6...), table) { $0.player >= 6 }
            expect(index.filter(5, 1), index.count(5, 1), table) { $0.player == 5 && $0.mode == 1 }
            expect(index.filter(5, 1, ...0), index.count(5, 1, ...0), table) {
                $0.player == 5 && $0.mode == 1 && $0.day <= 0
            }
            #expect(index.find(5, 1, 0)?.game == "chess")
            #expect(index.find(5, 1, 0, select: { $0.game }) == "chess")
            #expect(index.contains(2, 0, -2) && !index.contains(2, 0, 3))
        }
    }

    @Test func deletingByPartsTakesWhatFilteringFinds() throws {
        let db = try openScores { table throws in
            #expect(try table.byGameModeDay.delete("go", 0, ..<0) == 2)
            #expect(try table.byGameModeDay.delete("go", 0, 1) == 1)
            #expect(try table.byGameModeDay.delete("go", 0) == 2)
            #expect(try table.byGameModeDay.delete("go", 1...) == 10)
            #expect(try table.byGameModeDay.delete("go") == 0)
            #expect(try table.onePerDay.delete(8, 0, 0...) == 3)
            #expect(try table.onePerDay.delete(8, 0, -1))
            #expect(try table.onePerDay.delete(8, 0) == 1)
            #expect(try table.onePerDay.delete(8) == 10)
            #expect(try table.byFour.delete(0, "chess", 5) == 3)
            #expect(try table.byFour.delete(1, "chess", 5, ...1) == 2)
            #expect(try table.bySix.delete("chess", 2, 1, 5) == 1)
            #expect(try table.bySix.delete("chess", 2, 2, 5, 99...) == 0)
            #expect(try table.byGameModeDay.delete(..."chess") == 9)
        }
        #expect(try db.read { $0.table(GameScore.self).count } == 0)
    }

    private func openScores(
        _ body: @escaping @Sendable (GameScore.Handle) throws -> Void
    ) throws -> Database<DynamicModule> {
        let module = Module("scores") {
            Table(GameScore.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                let table = context.table(GameScore.self)
                for game in ["chess", "chess960", "go"] {
                    for mode in 0...2 as ClosedRange<UInt8> {
                        for day in -2...2 as ClosedRange<Int16> {
                            try table.insert(
                                GameScore(
                                    id: 0, day: day, game: game, mode: mode, player: UInt64(game.utf8.count),
                                    points: Int32(day) * 10))
                        }
                    }
                }
                try body(table)
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("run", arguments: [])
        return db
    }
}
