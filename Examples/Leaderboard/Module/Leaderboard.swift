public import SpacetimeKit

/// A player, with the best score so far.
@Table(.public)
public struct Player: Equatable {
    @PrimaryKey public var id: Identity
    public var name: String
    @Indexed public var score: UInt32
}

/// Every game that was played. Nobody but the module reads it.
@Table
public struct Game {
    @PrimaryKey @AutoIncrement public var id: UInt64
    @Indexed public var player: Identity
    public var score: UInt32
    public var played: Timestamp
}

/// A prize that was sent to a player.
@Table
public struct Prize {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var player: Identity
    public var receipt: String
}

/// A live top ten, the caller's own games, and prizes that are sent exactly once.
@Module
public enum Leaderboard {
    public static let tables = Tables(Player.self, Game.self, Prize.self)

    /// The ten best, which are the same for all.
    @View public static func best(_ context: borrowing AnonymousViewContext) -> QueryWindow<Player> {
        Player.all.orderBy { $0.score.descending }.limit(10)
    }

    /// The games of whoever looks.
    @View public static func games(_ context: borrowing ViewContext) -> Query<Game> {
        Game.where { $0.player == context.sender }
    }

    /// The players around a score, for those who are not among the best.
    @View public static func around(
        _ context: borrowing AnonymousViewContext, score: UInt32, width: UInt32
    ) -> Query<Player> {
        let (low, high) = (score - min(score, width), score + min(UInt32.max - score, width))
        return Player.where { $0.score >= low && $0.score <= high }
    }

    @Reducer public static func join(_ context: borrowing Context, name: String) throws {
        guard !name.isEmpty else { throw SenderError("a player needs a name") }
        try context.db.player.insert(Player(id: context.sender, name: name, score: 0))
    }

    @Reducer public static func finish(_ context: borrowing Context, score: UInt32) throws {
        guard var player = context.db.player.id.find(context.sender) else { throw SenderError("join first") }
        try context.db.game.insert(Game(id: 0, player: player.id, score: score, played: context.timestamp))
        guard score > player.score else { return }
        player.score = score
        try context.db.player.update(player)
    }

    /// Sends the best player a prize. A crash in between neither forgets it nor sends it twice: the shop gets a key by which it
    /// knows a repetition, and the row is written together with the note that it was.
    @Procedure(.durable) public static func award(_ context: ProcedureContext) async throws -> String {
        let winner = try await context.transactionStep("choose") { context in
            try context.db.first(Player.all.orderBy { $0.score.descending })?.id
        }
        guard let winner else { throw SenderError("nobody has played") }
        let receipt = try await context.step("send") {
            let headers: HTTP.Headers = ["idempotency-key": "\(winner) \(context.timestamp)"]
            return try await context.send(
                HTTP.Request(.post, "https://shop.example.com/prizes", headers: headers, text: "\(winner)")
            ).text
        }
        try await context.transactionStep("note") { context in
            try context.db.prize.insert(Prize(id: 0, player: winner, receipt: receipt))
        }
        return receipt
    }
}
