import SpacetimeKit
import Testing

/// Modules whose reducers stand in several enums.
@Suite struct SplitModuleTests {
    private func coins(_ db: Database<Game>) throws -> UInt32? { try db.read { $0.purse.hero.find(1)?.coins } }

    @Test func reducersOfGroupsAreCalledByValueAndWorkOnTheModulesTables() throws {
        let db = try Database.open(.inMemory, module: Game.self)
        try db.call(Game.join, "Ada")
        try db.call(Combat.appear, 15, 7)
        try db.call(Combat.attack, 1, 1)
        #expect(try db.read { $0.monster.id.find(1)?.health } == 5)
        try db.call(Combat.attack, 1, 1)
        #expect(try db.read { $0.monster.isEmpty })
        #expect(try coins(db) == 17)
    }

    @Test func clientsCallThemByTheirNamesAlone() throws {
        let db = try Database.open(.inMemory, module: Game.self)
        let ada = try db.connect(as: "ada")
        try ada.call(Game.join, "Ada")
        try ada.call("appear", arguments: Int32(10).bsatn() + UInt32(5).bsatn())
        try ada.call(Combat.attack, 1, 1)
        #expect(try coins(db) == 15)
    }

    @Test func whatIsPrivateInAGroupIsPrivate() throws {
        let db = try Database.open(.inMemory, module: Game.self)
        let ada = try db.connect(as: "ada")
        try ada.call(Game.join, "Ada")
        let error = #expect(throws: DatabaseError.self) { try ada.call(Trade.pay, 1, 5) }
        #expect(error?.code == .noSuchReducer)
        try db.call(Trade.pay, 1, 5)
        #expect(try coins(db) == 15)
    }

    @Test func aScheduledReducerMayStandInAGroup() throws {
        let db = try Database.open(.inMemory, module: Game.self)
        try db.call(Game.join, "Ada")
        try db.call(Trade.refill, Refill(id: 1, due: .interval(.seconds(1)), hero: 1))
        #expect(try coins(db) == 11)
    }

    #if DEBUG
    @Test func reducersInAnIfAreThereInTheBuildsThatHaveThem() throws {
        let db = try Database.open(.inMemory, module: Game.self)
        try db.call(Game.join, "Ada")
        try db.call("cheat", arguments: UInt64(1).bsatn())
        #expect(try coins(db) == 1_010)
    }
    #endif

    @Test func twoReducersOfOneNameInTwoGroupsAreRefused() {
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: Twins.self) }
        #expect(error?.code == .invalidModule)
        #expect(error?.message.contains("same") == true)
    }
}

@Module private enum Twins {
    static let tables = Tables(Hero.self)
    static let reducers = Reducers(FirstTwin.self, SecondTwin.self)
}

@Reducers(of: Twins.self) private enum FirstTwin {
    @Reducer static func same(_ context: borrowing Context) {}
}

@Reducers(of: Twins.self) private enum SecondTwin {
    @Reducer static func same(_ context: borrowing Context) {}
}
