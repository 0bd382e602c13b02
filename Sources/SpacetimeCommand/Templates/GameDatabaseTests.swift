import SpacetimeKit
import SpacetimeTesting
import TemplateDatabase
import Testing

@Suite struct GameTests {
    @Test func aPlayerStaysOnTheField() throws {
        let test = try TestDatabase(Game.self)
        let ada = try test.connect(as: "ada")
        let players = try ada.subscribe(Player.all)
        for _ in 0..<Game.size { try? ada.call(Game.move, .left) }
        #expect(players.rows.first?.x == 0)
        #expect(throws: SenderError.self) { try ada.call(Game.move, .left) }
    }

    @Test func coinsFallWhileSomebodyPlays() throws {
        let test = try TestDatabase(Game.self)
        let ada = try test.connect(as: "ada")
        let coins = try ada.subscribe(Coin.all)
        test.clock.advance(by: .seconds(600))
        #expect(coins.rows.count == Game.coinLimit)
    }
}
