import SpacetimeKit
import Testing

// This target is built as a new app is: everything belongs to the main actor unless it says otherwise, and memory safety
// is strict. What the macros generate must compile here and run on any thread.

@SpacetimeType enum Mood: Equatable { case happy, sad(reason: String) }

@Table(.public)
struct Pet: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var kind: String
    var mood: Mood
    var tag: Tag

    @SpacetimeType struct Tag: Equatable { var number: UInt32 }
}

@Module
enum Zoo {
    static let tables = Tables(Pet.self)

    @Reducer static func adopt(_ context: borrowing Context, kind: String) throws {
        try context.db.pet.insert(Pet(id: 0, kind: kind, mood: .happy, tag: Pet.Tag(number: number(of: kind))))
    }

    @Reducer(.clientConnected) static func welcome(_ context: borrowing Context) throws {
        try context.db.pet.insert(Pet(id: 0, kind: "guide", mood: .sad(reason: "work"), tag: Pet.Tag(number: 0)))
    }

    private static func number(of kind: String) -> UInt32 { UInt32(kind.utf8.count) }
}

@Suite struct MainActorModuleTests {
    @Test func aModuleRunsOnTheMainActor() throws {
        let db = try Database.open(.inMemory, module: Zoo.self)
        try db.call(Zoo.adopt, "cat")
        #expect(try db.read { $0.pet.kind.filter("cat").map(\.tag.number) } == [3])
    }

    @Test func aModuleRunsOnOtherThreads() async throws {
        let db = try await Database.open(.inMemory, module: Zoo.self)
        let seen = try await db.subscribe(Pet.where { $0.kind == "dog" })
        try await Task.detached {
            try await db.call(Zoo.adopt, "dog")
            let connection = try await db.connect(as: "ada")
            try await connection.call(Zoo.adopt, "dog")
            try await connection.disconnect()
        }.value
        #expect(seen.nextAvailable()?.inserted == [])
        #expect(seen.nextAvailable()?.inserted.map(\.mood) == [.happy])
        #expect(seen.nextAvailable()?.inserted.map(\.id) == [3])
    }
}
