import SpacetimeKit
import SpacetimeSATS

@Table(.public) struct Player: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var name: String
    var joinedAt: Timestamp
    var motto: String?
}

@Table(.public, .index("byPlayer", \.playerId)) struct ScoreEntry {
    @PrimaryKey @AutoIncrement var id: UInt64
    var playerId: UInt64
    var points: Int32
    var lastMove: Move
}

@SpacetimeType struct Cell {
    var x: Int32
    var y: Int32
}

@SpacetimeType enum Move {
    case pass
    case place(Cell)
    case say(String)
}

/// What the code in `GeneratedCode` was written for, as `Game`.
@Module enum Arcade {
    static let tables = Tables(Player.self, ScoreEntry.self)

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws {
        for name in ["Ann", "Bo"] {
            try context.db.player.insert(Player(id: 0, name: name, joinedAt: context.timestamp, motto: nil))
        }
    }

    @Reducer static func submitMove(_ context: borrowing Context, playerId: UInt64, move: Move) throws {
        guard context.db.player.id.find(playerId) != nil else { throw SenderError("there is no player \(playerId)") }
        let points: Int32 =
            switch move {
            case .pass: 0
            case .place(let cell): cell.x + cell.y
            case .say(let text): -Int32(text.utf8.count)
            }
        try context.db.scoreEntry.insert(ScoreEntry(id: 0, playerId: playerId, points: points, lastMove: move))
    }

    @Procedure static func topScores(_ context: ProcedureContext, limit: UInt32) async throws -> [ScoreEntry] {
        try await context.withTransaction { transaction in
            Array(transaction.db.scoreEntry.rows.sorted { $0.points > $1.points }.prefix(Int(limit)))
        }
    }

    /// The players that were there first.
    @View static func myPlayer(_ context: borrowing ViewContext) -> [Player] {
        context.db.player.id.find(1).map { [$0] } ?? []
    }

    /// What was better than somebody says, by all or by one.
    @View static func scoresAbove(
        _ context: borrowing ViewContext, points: Int32, playerId: UInt64?
    ) -> [ScoreEntry] {
        context.db.scoreEntry.rows.filter { $0.points > points && $0.playerId == (playerId ?? $0.playerId) }
    }
}
