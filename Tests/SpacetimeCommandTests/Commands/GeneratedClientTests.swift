import GeneratedCode
import SpacetimeClient
import SpacetimeClientNIO
import SpacetimeKit
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeCommand

/// Generated code against a server.
@Suite(.timeLimit(.minutes(10))) struct GeneratedClientTests {
    private func withGame(_ body: @escaping @Sendable (Game) async throws -> Void) async throws {
        try await withServer(hosting: Arcade.self, as: "game") { server in
            let game = try await Game.connect(
                to: server.address.replacing("http:", with: "ws:"), database: "game", over: NIOTransport())
            try await body(game)
            await game.client.disconnect()
        }
    }

    @Test func rowsAreFoundByUniqueColumnsAndIndexes() async throws {
        try await withGame { game in
            try await game.subscribe(game.db.player.where { $0.name == "Ann" }, game.db.scoreEntry.all)
            #expect(game.db.player.count == 1)
            let ann = try #require(try game.db.player.name.find("Ann"))
            #expect(try game.db.player.id.find(ann.id) == ann)
            #expect(try game.db.player.name.find("Bo") == nil)

            let inserted = Mutex<[Game.ScoreEntry]>([])
            game.db.scoreEntry.onInsert { row in inserted.withLock { $0.append(row) } }
            try await game.reducers.submitMove(playerId: ann.id, move: .place(Game.Cell(x: 3, y: 4)))
            let entries = try game.db.scoreEntry.byPlayer.filter(ann.id)
            #expect(entries.map(\.points) == [7])
            #expect(entries.map(\.lastMove) == [.place(Game.Cell(x: 3, y: 4))])
            #expect(inserted.withLock { $0 } == entries)
        }
    }

    @Test func reducersThrowWhatTheModuleSaysAndProceduresReturn() async throws {
        try await withGame { game in
            let error = await #expect(throws: ClientError.self) {
                try await game.reducers.submitMove(playerId: 99, move: .pass)
            }
            #expect(error?.code == .rejected)
            #expect(error?.message == "there is no player 99")
            try await game.reducers.submitMove(playerId: 1, move: .say("gg"))
            try await game.reducers.submitMove(playerId: 2, move: .place(Game.Cell(x: 5, y: 0)))
            let scores = try await game.procedures.topScores(limit: 1)
            #expect(scores.map(\.points) == [5])
            #expect(scores.map(\.playerId) == [2])
            let outcomes = AsyncStream.makeStream(of: Bool.self)
            try game.reducers.submitMove(playerId: 1, move: .pass) { outcome in
                outcomes.continuation.yield((try? outcome.get()) != nil)
            }
            for await isDone in outcomes.stream {
                #expect(isDone)
                break
            }
        }
    }

    @Test func queriesAreSaidInSQL() async throws {
        try await withGame { game in
            try await game.reducers.submitMove(playerId: 1, move: .pass)
            try await game.reducers.submitMove(playerId: 1, move: .pass)
            let players = game.db.player
            #expect(
                try await game.query(players.where { $0.id > 1 && $0.name != "x'y" || $0.name < "A" }).map(\.name) == [
                    "Bo"
                ])
            let active = players.all.semijoin(game.db.scoreEntry.where { $0.points == 0 }) { $0.id == $1.playerId }
            #expect(try await game.query(active).map(\.name) == ["Ann"], "once, however many entries there are")
            #expect(
                active.sql
                    == #"SELECT "player".* FROM "score_entry" JOIN "player" ON "player"."id" = "score_entry"."player_id" "#
                    + #"WHERE "score_entry"."points" = 0"#)
            try await game.subscribe(game.db.myPlayer.all)
            #expect(try game.db.myPlayer.id.find(1)?.name == "Ann")
            let past = Timestamp(microsecondsSinceUnixEpoch: 1_000_000)
            #expect(
                try await game.query(players.where { $0.joinedAt > past }.where { $0.id <= 1 }).map(\.name) == ["Ann"])
        }
    }

    @Test func viewsAreAskedForTheRowsOfTheirArguments() async throws {
        try await withGame { game in
            let above = game.db.scoresAbove
            #expect(above(points: 3, playerId: nil).sql == #"SELECT * FROM "scores_above"(3, NULL)"#)
            try await game.subscribe(above(points: 3, playerId: nil).where { $0.points < 100 })
            try await game.reducers.submitMove(playerId: 1, move: .place(Game.Cell(x: 3, y: 0)))
            try await game.reducers.submitMove(playerId: 1, move: .place(Game.Cell(x: 4, y: 0)))
            try await game.reducers.submitMove(playerId: 2, move: .place(Game.Cell(x: 99, y: 1)))
            #expect(try above.rows().map(\.points) == [4])
            #expect(try await game.query(above(points: 0, playerId: 2)).map(\.points) == [100])
            let joined = above(points: 0, playerId: nil).semijoin(game.db.player.where { $0.name == "Ann" }) {
                $0.playerId == $1.id
            }
            #expect(try await game.query(joined).map(\.points).sorted() == [3, 4])
            let error = await #expect(throws: ClientError.self) { try await game.subscribe(above.all) }
            #expect(error?.code == .subscription)
        }
    }

    @Test func aTextWithAnyCharacterIsOneValue() async throws {
        try await withGame { game in
            // A quote and an accent are one character in Swift, and a quote all the same in SQL.
            for text in ["'", "'\u{301}", "a'\u{301} OR 1=1 --", "''", "\r\n'\u{200D}", "\\'", "\u{0}'"] {
                let found = try await game.query(game.db.player.where { $0.name == text })
                #expect(found.isEmpty, "\(text.debugDescription)")
            }
        }
    }

    @Test func changesOfAQueryAreASequence() async throws {
        try await withGame { game in
            let changes = game.changes(of: game.db.scoreEntry.where { $0.playerId == 2 })
            try await game.reducers.submitMove(playerId: 1, move: .pass)
            try await game.reducers.submitMove(playerId: 2, move: .pass)
            for try await change in changes {
                #expect(change.inserted.map(\.playerId) == [2])
                break
            }
        }
    }

    @Test func valuesOfEveryTypeComeBackAsTheyWere() throws {
        let tree = Everything.ShapesTree(value: 1, children: [.init(value: 2, children: [])])
        #expect(try Everything.ShapesTree(bsatn: tree.bsatn()) == tree)
        let expression = Everything.Expr.sum([.leaf(1), .`default`, .sum([])])
        #expect(try Everything.Expr(bsatn: expression.bsatn()) == expression)
        #expect(Everything.Color.allCases.map { $0.bsatn() } == [[0], [1], [2]])
        #expect(Everything.Color.bsatnFixedSize == 1)
        #expect(Everything.Blip.bsatnFixedSize == 8)
        #expect(Everything.Empty.bsatnFixedSize == 0)
        #expect(throws: BSATNError.self) { try Everything.Color(bsatn: [3]) }
        // Deeper than any stack: refused, and nothing is overrun.
        var deep: [UInt8] = []
        for _ in 0..<100_000 { deep += [1, 1, 0, 0, 0] }
        deep.append(2)
        #expect(throws: BSATNError.self) { try Everything.Expr(bsatn: deep) }
    }
}
