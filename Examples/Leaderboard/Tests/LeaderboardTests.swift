import LeaderboardModule
import SpacetimeKit
import SpacetimeTesting
import Testing

@Suite struct LeaderboardTests {
    private func players(_ test: TestDatabase<Leaderboard>, _ names: [String]) throws -> [TestClient<Leaderboard>] {
        try names.map { name in
            let client = try test.connect(as: name)
            try client.call(Leaderboard.join, name)
            return client
        }
    }

    @Test func theTopTenFollowsTheGames() throws {
        let test = try TestDatabase(Leaderboard.self)
        let clients = try players(test, (1...12).map { "player \($0)" })
        let best = try clients[0].subscribe(Leaderboard.best)
        for (number, client) in clients.enumerated() { try client.call(Leaderboard.finish, UInt32(number * 10)) }
        #expect(Set(best.rows.map(\.score)) == Set((2...11).map { UInt32($0 * 10) }))

        _ = best.takeChanges()
        try clients[0].call(Leaderboard.finish, 115)
        let changes = best.takeChanges()
        #expect(changes.count == 1)
        #expect(changes.first?.inserted.map(\.score) == [115])
        #expect(changes.first?.deleted.map(\.score) == [20])

        // A game that is not among the best is no news.
        try clients[1].call(Leaderboard.finish, 15)
        #expect(best.takeChanges().isEmpty)
    }

    @Test func everybodySeesHisOwnGames() throws {
        let test = try TestDatabase(Leaderboard.self)
        let clients = try players(test, ["ada", "bob"])
        let games = try clients.map { try $0.subscribe(Leaderboard.games) }
        try clients[0].call(Leaderboard.finish, 7)
        try clients[0].call(Leaderboard.finish, 5)
        try clients[1].call(Leaderboard.finish, 9)
        #expect(games[0].rows.map(\.score) == [7, 5])
        #expect(games[1].rows.map(\.score) == [9])
        // The table behind the view is private.
        #expect(throws: DatabaseError.self) { try clients[0].subscribe(Game.all) }
    }

    @Test func aPlayerSeesThoseAroundAScore() throws {
        let test = try TestDatabase(Leaderboard.self)
        let clients = try players(test, ["ada", "bob", "cat"])
        for (client, score) in zip(clients, [10, 20, 40] as [UInt32]) { try client.call(Leaderboard.finish, score) }
        let near = try clients[0].subscribe(Leaderboard.around(15, 6))
        #expect(Set(near.rows.map(\.name)) == ["ada", "bob"])
        try clients[0].call(Leaderboard.finish, 21)
        #expect(near.rows.map(\.name).sorted() == ["ada", "bob"])
        try clients[1].call(Leaderboard.finish, 22)
        #expect(near.rows.map(\.name) == ["ada"])
    }

    @Test func theBestPlayerGetsThePrize() async throws {
        let test = try TestDatabase(Leaderboard.self, http: StubHTTP { HTTP.Response(text: "sent to \($0.text)") })
        let clients = try players(test, ["ada", "bob"])
        try clients[1].call(Leaderboard.finish, 9)
        let receipt = try await test.call(Leaderboard.award)
        #expect(receipt == "sent to \(clients[1].identity)")
        #expect(try test.rows(of: Prize.self).map(\.player) == [clients[1].identity])
    }
}
