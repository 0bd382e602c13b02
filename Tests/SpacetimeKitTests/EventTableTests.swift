import SpacetimeKit
import Synchronization
import Testing

@Table(.public, .event)
struct Shot: Equatable {
    @PrimaryKey var id: UInt32
    var by: Identity
    var power: UInt8
}

@Table(.public)
struct Score: Equatable {
    @PrimaryKey var player: Identity
    var shots: UInt32
}

/// Without a key: what happened, as often as it did.
@Table(.public, .event)
struct Hit: Equatable {
    var damage: UInt8
}

/// What a hit of some damage breaks.
@Table(.public)
struct Armour: Equatable {
    @Indexed var damage: UInt8
    var name: String
}

@Module enum Arena {
    static let tables = Tables(Shot.self, Score.self, Hit.self, Armour.self)

    @Reducer static func arm(_ context: borrowing Context, damages: [UInt8], name: String) throws {
        for damage in damages { try context.db.armour.insert(Armour(damage: damage, name: name)) }
    }

    @Reducer static func hit(_ context: borrowing Context, damages: [UInt8], missing: UInt8) throws {
        for damage in damages { try context.db.hit.insert(Hit(damage: damage)) }
        try context.db.hit.delete(Hit(damage: missing))
    }

    @Reducer static func shoot(_ context: borrowing Context, ids: [UInt32], power: UInt8) throws {
        for id in ids { try context.db.shot.insert(Shot(id: id, by: context.sender, power: power)) }
        let before = context.db.score.player.find(context.sender)?.shots ?? 0
        try context.db.score.upsert(Score(player: context.sender, shots: before + UInt32(ids.count)))
        if power == 0 { throw SenderError("no power") }
    }

    /// A shot that does not count.
    @Reducer static func practise(_ context: borrowing Context, id: UInt32) throws {
        try context.db.shot.insert(Shot(id: id, by: context.sender, power: 1))
    }
}

@Suite struct EventTableTests {
    @Test func eventsAreSentOncePerCommitAndNeverKept() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        let alice = try db.connect(as: "alice")
        let seen = try alice.subscribe(Shot.all)
        try alice.call(Arena.shoot, [1, 2], 5)
        // The key was used in an earlier transaction, which is forgotten.
        try alice.call(Arena.shoot, [1], 6)
        #expect(seen.nextAvailable()?.inserted == [])
        #expect(seen.nextAvailable()?.inserted.map(\.id).sorted() == [1, 2])
        let last = try #require(seen.nextAvailable())
        #expect(last.inserted == [Shot(id: 1, by: alice.identity, power: 6)])
        #expect(last.deleted.isEmpty && last.updated.isEmpty)
        #expect(try db.read { $0.shot.isEmpty && $0.shot.id.find(1) == nil })
        #expect(try db.snapshot().rows(Shot.all).isEmpty)
        #expect(try db.read { $0.score.player.find(alice.identity)?.shots } == 3)
    }

    @Test func anEventComesWithWhatThereIsBesideItAfterTheCommit() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        let alice = try db.connect(as: "alice")
        let seen = try alice.subscribe(
            Shot.all.leftJoin(Score.self) { $0.by == $1.player }.select { ($0.id, $1.shots) })
        #expect(seen.nextAvailable()?.inserted.isEmpty == true)
        try alice.call(Arena.practise, 1)
        var change = try #require(seen.nextAvailable())
        #expect(change.inserted.map { $0.0 } == [1] && change.inserted.map { $0.1 } == [nil] && change.deleted.isEmpty)
        try alice.call(Arena.shoot, [2, 3], 5)
        change = try #require(seen.nextAvailable())
        #expect(change.inserted.map { $0.0 }.sorted() == [2, 3] && change.deleted.isEmpty)
        #expect(change.inserted.allSatisfy { $0.1 == 2 })
        #expect(throws: DatabaseError.self) {
            try alice.subscribe(Score.all.leftJoin(Shot.self) { $0.player == $1.by }.select { ($0.shots, $1.id) })
        }
    }

    @Test func aSemijoinTellsEachEventOnceAndKeepsNothingOfIt() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        for name in ["helmet", "shield", "boots"] { try db.call(Arena.arm, [3, 5], name) }
        // Three pieces fit each hit.
        let hits = try db.subscribe(Hit.all.leftSemijoin(Armour.self) { $0.damage == $1.damage })
        let broken = try db.subscribe(
            Hit.all.join(Armour.self) { $0.damage == $1.damage }.select { $1.name }.distinct())
        let damages = try db.subscribe(Hit.where { $0.damage > 2 }.select { $0.damage }.distinct())
        #expect(hits.nextAvailable()?.inserted == [] && broken.nextAvailable()?.inserted == [])
        #expect(damages.nextAvailable()?.inserted == [])
        for _ in 0..<3 {
            try db.call(Arena.hit, [5, 1, 5, 3], 0)
            #expect(hits.nextAvailable()?.inserted.map(\.damage) == [5, 5, 3])
            #expect(broken.nextAvailable()?.inserted.sorted() == ["boots", "helmet", "shield"])
            #expect(damages.nextAvailable()?.inserted.sorted() == [3, 5])
        }
        #expect(hits.nextAvailable() == nil && broken.nextAvailable() == nil && damages.nextAvailable() == nil)
    }

    @Test func eventsAreNeitherCountedNorLimitedAsTheyCome() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        for error in [
            #expect(throws: DatabaseError.self) { try db.subscribe(Hit.all.count()) },
            #expect(throws: DatabaseError.self) {
                try db.subscribe(Shot.all.groupBy { $0.by }.select { by, shots in (by, shots.count()) })
            },
            #expect(throws: DatabaseError.self) { try db.subscribe(Shot.all.orderBy { $0.power }.limit(3)) },
            #expect(throws: DatabaseError.self) {
                try db.subscribe(Shot.all.join(Score.self) { $0.by == $1.player }.count())
            },
        ] { #expect(error?.code == .invalidQuery && error?.message.contains("event table") == true) }
    }

    @Test func equalEventsAreAllDeliveredInOrder() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        let seen = try db.subscribe(Hit.all)
        let strong = try db.subscribe(Hit.where { $0.damage > 4 })
        try db.call(Arena.hit, [5, 3, 5, 5], 0)
        try db.call(Arena.hit, [5, 3, 5], 5)
        for subscription in [seen, strong] { _ = subscription.nextAvailable() }
        #expect(seen.nextAvailable()?.inserted.map(\.damage) == [5, 3, 5, 5])
        #expect(seen.nextAvailable()?.inserted.map(\.damage) == [5, 3])
        #expect(strong.nextAvailable()?.inserted.map(\.damage) == [5, 5, 5])
        #expect(strong.nextAvailable()?.inserted.map(\.damage) == [5])
        #expect(try db.read { $0.hit.isEmpty })
    }

    @Test func aSubscriptionStartsWithoutEarlierEvents() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        try db.call(Arena.shoot, [1], 5)
        let seen = try db.subscribe(Shot.all)
        #expect(seen.nextAvailable()?.inserted == [])
        #expect(seen.nextAvailable() == nil)
    }

    @Test func eventsOfAFailedCallAreNotSent() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        let seen = try db.subscribe(Shot.all)
        #expect(throws: SenderError("no power")) { try db.call(Arena.shoot, [1], 0) }
        // Equal rows are one if there is a key, as in any table.
        try db.call(Arena.shoot, [2, 2], 1)
        _ = seen.nextAvailable()
        #expect(seen.nextAvailable()?.inserted.map(\.id) == [2])
        #expect(seen.nextAvailable() == nil)
    }

    @Test func callbacksGetTheEventsThatMeetTheirCondition() throws {
        let db = try Database.open(.inMemory, module: Arena.self)
        let powers = Mutex<[UInt8]>([])
        let observation = try db.subscribe(Shot.where { $0.power > 3 }) { change in
            powers.withLock { $0 += change.inserted.map(\.power) }
        }
        for power in 1...6 as ClosedRange<UInt8> { try db.call(Arena.shoot, [UInt32(power)], power) }
        observation.cancel()
        try db.call(Arena.shoot, [9], 9)
        #expect(powers.withLock { $0 } == [4, 5, 6])
    }
}
