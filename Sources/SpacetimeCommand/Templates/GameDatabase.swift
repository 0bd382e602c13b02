public import SpacetimeKit

/// Somebody on the field.
@Table(.public)
public struct Player {
    @PrimaryKey public var identity: Identity
    public var x: Int32
    public var y: Int32
    public var score: UInt32
    public var isOnline: Bool
}

/// Something to be picked up. No two are at one place.
@Table(.public, .unique("onePerPlace", \.x, \.y))
public struct Coin {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var x: Int32
    public var y: Int32
}

/// When the next coin falls.
@Table
public struct CoinTimer {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var when: ScheduleAt
}

@SpacetimeType
public enum Direction: Sendable {
    case up, down, left, right
}

/// A field on which players pick up coins.
@Module
public enum Game {
    public static let tables = Tables(Player.self, Coin.self, CoinTimer.self)

    /// How many places the field has each way.
    public static let size: Int32 = 20
    /// How many coins there are at most.
    public static let coinLimit = 15

    @Reducer(.initialize)
    public static func setUp(_ context: borrowing Context) throws {
        try context.db.coinTimer.insert(CoinTimer(id: 0, when: .interval(.seconds(2))))
    }

    @Reducer(.clientConnected)
    public static func connected(_ context: borrowing Context) throws {
        var player =
            context.db.player.identity.find(context.sender)
            ?? Player(
                identity: context.sender, x: .random(in: 0..<size, using: &context.random),
                y: .random(in: 0..<size, using: &context.random), score: 0, isOnline: false)
        player.isOnline = true
        try context.db.player.upsert(player)
    }

    @Reducer(.clientDisconnected)
    public static func disconnected(_ context: borrowing Context) throws {
        guard var player = context.db.player.identity.find(context.sender) else { return }
        player.isOnline = false
        try context.db.player.update(player)
    }

    /// Goes one step, and picks up what lies there.
    @Reducer
    public static func move(_ context: borrowing Context, direction: Direction) throws {
        guard var player = context.db.player.identity.find(context.sender) else {
            throw SenderError("you are not on the field")
        }
        switch direction {
        case .up: player.y -= 1
        case .down: player.y += 1
        case .left: player.x -= 1
        case .right: player.x += 1
        }
        guard 0..<size ~= player.x, 0..<size ~= player.y else { throw SenderError("the field ends here") }
        if let coin = context.db.coin.first(where: { $0.x == player.x && $0.y == player.y }) {
            try context.db.coin.id.delete(coin.id)
            player.score += 1
        }
        try context.db.player.update(player)
    }

    /// Lets a coin fall, while there are players to pick it up.
    @Reducer(.scheduled)
    public static func dropCoin(_ context: borrowing Context, timer: CoinTimer) throws {
        guard context.db.coin.count < coinLimit, context.db.player.first(where: { $0.isOnline }) != nil else { return }
        let x = Int32.random(in: 0..<size, using: &context.random)
        let y = Int32.random(in: 0..<size, using: &context.random)
        guard context.db.coin.first(where: { $0.x == x && $0.y == y }) == nil else { return }
        try context.db.coin.insert(Coin(id: 0, x: x, y: y))
    }
}
