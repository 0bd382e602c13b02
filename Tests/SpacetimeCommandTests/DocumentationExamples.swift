import GeneratedCode
import SpacetimeClient
import SpacetimeClientNIO
import SpacetimeKit
import SpacetimeSATS

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

// The code of the article on generated code, and of the comments about it. Compiled, and not run: nothing listens there.

private func connect() async throws {
    let game = try await Game.connect(to: "ws://localhost:3000", database: "game", over: NIOTransport())
    try await game.subscribe(game.db.player.where { $0.name == "Ann" }, game.db.scoreEntry.all)
    let ann = try game.db.player.name.find("Ann")  // a unique column
    let entries = try game.db.scoreEntry.byPlayer.filter(7)  // an index
    game.db.player.onUpdate { old, new in print("\(old.name) is \(new.name) now") }
    try await game.reducers.submitMove(playerId: 7, move: .pass)
    let best = try await game.procedures.topScores(limit: 3)
    print(ann as Any, entries, best)
}

private func followPlayers() async throws {
    let game = try await Game.connect(to: "ws://localhost:3000", database: "game", over: NIOTransport())
    try await game.subscribe(game.db.player.where { $0.name == "Ann" }, game.db.scoreEntry.all)
    game.db.player.onInsert { print($0.name) }
    try await game.reducers.submitMove(playerId: 7, move: .pass)
}

private func findPlayers(_ game: Game, since yesterday: Timestamp) async throws {
    game.db.player.onUpdate { old, new in print("\(old.name) is \(new.name) now") }
    let ann = try game.db.player.name.find("Ann")
    try await game.subscribe(game.db.player.where { $0.joinedAt > yesterday })
    print(ann as Any)
}

private func goodPlayers(_ game: Game) -> TableQuery<Game.PlayerTable> {
    game.db.player.all.semijoin(game.db.scoreEntry.where { $0.points > 10 }) { $0.id == $1.playerId }
}

private enum Program {
    typealias Chat = Arcade

    static func extractSchema() throws {
        if CommandLine.arguments.dropFirst().first == "extract-schema" {
            print(try Chat.definitionJSON())
            exit(0)
        }
    }
}
