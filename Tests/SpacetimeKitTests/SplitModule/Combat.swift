import SpacetimeKit

@Table(.public) struct Hero {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var name: String
    var health: Int32
}

@Table(.public) struct Monster {
    @PrimaryKey @AutoIncrement var id: UInt64
    var health: Int32
    var treasure: UInt32
}

@Reducers(of: Game.self) enum Combat {
    @Reducer static func appear(_ context: borrowing Context, health: Int32, treasure: UInt32) throws {
        try context.db.monster.insert(Monster(id: 0, health: health, treasure: treasure))
    }

    @Reducer static func attack(_ context: borrowing Context, hero: UInt64, monster: UInt64) throws {
        guard var target = context.db.monster.id.find(monster) else { throw SenderError("there is no such monster") }
        target.health -= 10
        if target.health > 0 {
            try context.db.monster.update(target)
        } else {
            try context.db.monster.id.delete(monster)
            // A reducer of another group is a function like any other.
            try Trade.pay(context, hero: hero, coins: target.treasure)
        }
    }
}
