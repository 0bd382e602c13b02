import SpacetimeKit
import Testing

@SpacetimeType enum Mood: Equatable { case happy, sad(reason: String), tired(UInt8) }

@Table(.public, .index("byKindScore", \.kind, \.score), .unique("oneName", \.kind, \.name))
struct Pet: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var kind: String
    var name: String
    @Indexed var score: Int32
    var mood: Mood
    var owner: Identity?
}

@Module enum Zoo {
    static let tables = Tables(Pet.self)

    @Reducer static func adopt(_ context: borrowing Context, kind: String, name: String) throws {
        try context.db.pet.insert(
            Pet(id: 0, kind: kind, name: name, score: 0, mood: .happy, owner: context.sender))
    }

    @Reducer static func feel(_ context: borrowing Context, _ id: UInt64, mood: Mood) throws {
        guard var pet = context.db.pet.id.find(id) else { throw SenderError("no such pet") }
        pet.mood = mood
        pet.score += 1
        try context.db.pet.id.update(pet)
    }

    @Reducer(.clientConnected) static func welcome(_ context: borrowing Context) throws {
        try context.db.pet.insert(
            Pet(id: 0, kind: "guide", name: "\(context.sender)", score: 9, mood: .sad(reason: "work"), owner: nil))
    }
}

@Module enum Conditional {
    static let tables = Tables(Pet.self)

    @Reducer static func always(_ context: borrowing Context) throws { try add(context, "always") }
    #if NEVER_DEFINED
    @Reducer static func absent(_ context: borrowing Context) throws { try add(context, "absent") }
    #elseif swift(>=6)
    @Reducer static func here(_ context: borrowing Context) throws { try add(context, "here") }
    #if !NEVER_DEFINED
    @Reducer static func inner(_ context: borrowing Context) throws { try add(context, "inner") }
    #endif
    #else
    @Reducer static func here(_ context: borrowing Context) throws { try add(context, "elsewhere") }
    #endif

    private static func add(_ context: borrowing Context, _ name: String) throws {
        try context.db.pet.insert(Pet(id: 0, kind: "if", name: name, score: 0, mood: .happy, owner: nil))
    }
}

/// What the macros generate runs on the real engine.
@Suite struct MacroModuleTests {
    @Test func aModuleOfMacrosRuns() throws {
        let db = try Database.open(.inMemory, module: Zoo.self)
        let seen = try db.subscribe(Pet.where { $0.kind == "cat" })
        try db.call(Zoo.adopt, "cat", "Tom")
        try db.call(Zoo.adopt, "dog", "Rex")
        try db.call(Zoo.feel, 1, .tired(3))
        let error = #expect(throws: DatabaseError.self) { try db.call(Zoo.adopt, "cat", "Tom") }
        #expect(error?.code == .uniqueViolation)
        #expect(seen.nextAvailable()?.inserted == [])
        #expect(seen.nextAvailable()?.inserted.map(\.name) == ["Tom"])
        #expect(seen.nextAvailable()?.updated.map(\.new.mood) == [.tired(3)])
        #expect(try db.read { $0.pet.oneName.find("dog", "Rex")?.id } == 2)
        #expect(try db.read { $0.pet.byKindScore.filter("cat", 1...).map(\.name) } == ["Tom"])
        #expect(try db.read { $0.pet.score.filter(0).map(\.name) } == ["Rex"])
    }

    @Test func reducersInAnIfAreThereWhenTheyAreCompiled() throws {
        let db = try Database.open(.inMemory, module: Conditional.self)
        try db.call(Conditional.always)
        try db.call(Conditional.here)
        try db.call("inner", arguments: [])
        let error = #expect(throws: DatabaseError.self) { try db.call("absent", arguments: []) }
        #expect(error?.code == .noSuchReducer)
        let names = try db.read { $0.pet.rows.map(\.name) }
        #expect(names.sorted() == ["always", "here", "inner"])
    }

    @Test func lifecycleReducersOfMacrosRun() throws {
        let db = try Database.open(.inMemory, module: Zoo.self)
        _ = try db.connect(as: "alice")
        #expect(try db.read { $0.pet.first?.mood } == .sad(reason: "work"))
    }
}
