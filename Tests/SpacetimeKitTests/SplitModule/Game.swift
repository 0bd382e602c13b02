import SpacetimeKit

/// A module whose tables and reducers stand in files of their own, as in the article on splitting a module.
@Module enum Game {
    static let tables = Tables(Hero.self, Monster.self, Purse.self, Refill.self)
    static let reducers = Reducers(Combat.self, Trade.self)

    @Reducer static func join(_ context: borrowing Context, name: String) throws {
        let hero = try context.db.hero.insert(Hero(id: 0, name: name, health: 100))
        try context.db.purse.insert(Purse(hero: hero.id, coins: 10))
    }
}
