public import SpacetimeKit

/// Somebody who fights.
@Table(.public)
public struct Fighter {
    @PrimaryKey public var identity: Identity
    @Unique public var name: String
    public var wins: UInt32
}

/// A fight that is over and paid for.
@Table(.public)
public struct Duel {
    @PrimaryKey @AutoIncrement public var id: UInt64
    @Indexed public var winner: Identity
    public var loser: Identity
    public var stake: UInt64
}

/// The half of the game that is written in Swift: who fights, and who has won.
@Module
public enum Arena {
    public static let tables = Tables(Fighter.self, Duel.self)

    @Reducer public static func enter(_ context: borrowing Context, name: String) throws {
        guard context.db.fighter.identity.find(context.sender) == nil else { throw SenderError("you are here already") }
        guard context.db.fighter.name.find(name) == nil else { throw SenderError("the name \(name) is taken") }
        try context.db.fighter.insert(Fighter(identity: context.sender, name: name, wins: 0))
    }

    /// Notes that the caller has lost, and paid.
    @Reducer public static func lose(_ context: borrowing Context, to winner: Identity, stake: UInt64) throws {
        guard winner != context.sender, var fighter = context.db.fighter.identity.find(winner),
            context.db.fighter.identity.find(context.sender) != nil
        else { throw SenderError("both must have entered, and be two") }
        fighter.wins += 1
        try context.db.fighter.update(fighter)
        try context.db.duel.insert(Duel(id: 0, winner: winner, loser: context.sender, stake: stake))
    }
}
