import SpacetimeKit

@Table struct Purse {
    @PrimaryKey var hero: UInt64
    var coins: UInt32
}

@Table struct Refill {
    @PrimaryKey @AutoIncrement var id: UInt64
    var due: ScheduleAt
    var hero: UInt64
}

@Reducers(of: Game.self) enum Trade {
    @Reducer(.private) static func pay(_ context: borrowing Context, hero: UInt64, coins: UInt32) throws {
        guard var purse = context.db.purse.hero.find(hero) else { throw SenderError("there is no such hero") }
        purse.coins += coins
        try context.db.purse.update(purse)
    }

    @Reducer(.scheduled) static func refill(_ context: borrowing Context, refill: Refill) throws {
        try pay(context, hero: refill.hero, coins: 1)
    }

    #if DEBUG
    @Reducer static func cheat(_ context: borrowing Context, hero: UInt64) throws {
        try pay(context, hero: hero, coins: 1_000)
    }
    #endif
}
