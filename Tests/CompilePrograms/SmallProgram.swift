import SpacetimeKit

// A whole program of a user, as it must compile under settings that are not this package's.
// compiles-with: -D NOTHING
// compiles-with: -default-isolation MainActor
// compiles-with: -strict-memory-safety
// compiles-with: -default-isolation MainActor -strict-memory-safety -enable-upcoming-feature NonisolatedNonsendingByDefault
// compiles-with: -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
// compiles-with: -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature InferIsolatedConformances
// compiles-with: -default-isolation MainActor -enable-upcoming-feature InferIsolatedConformances

@SpacetimeType enum Mood: Hashable { case happy, sad(reason: String), tired(UInt8, since: Timestamp) }

@SpacetimeType struct Place: Hashable {
    var x, y: Float
    var name: String?
}

@Table(.public, .index("byKindAge", \.kind, \.age), .unique("oneName", \.kind, \.name))
struct Pet: Identifiable, Hashable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var kind: String
    var name: String
    var age: UInt8 = 0
    var mood: Mood
    var place: Place
    @Default(nil) var owner: Identity?
    @Default([]) var toys: [String]

    var isYoung: Bool { age < 2 }

    enum Limits {
        static let age: UInt8 = 30
    }
}

@Table struct Feeding {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
    var pet: UInt64
}

@Table(.event) struct Noise { var text: String }

@Module
enum Zoo {
    static let tables = Tables(Pet.self, Feeding.self, Noise.self)

    @Reducer static func adopt(_ context: borrowing Context, kind: String, name: String) throws {
        let place = Place(x: 0, y: 0, name: nil)
        let pet = Pet(id: 0, kind: kind, name: tidy(name), mood: .happy, place: place, owner: nil, toys: [])
        let stored = try context.db.pet.insert(pet)
        try context.db.feeding.insert(Feeding(id: 0, when: .interval(.hours(8)), pet: stored.id))
    }

    @Reducer static func age(_ context: borrowing Context, kind: String) throws {
        for var pet in context.db.pet.kind.filter(kind) where pet.age < Pet.Limits.age {
            pet.age += 1
            try context.db.pet.update(pet)
        }
    }

    @Reducer(.scheduled) static func feed(_ context: borrowing Context, feeding: Feeding) throws {
        guard let pet = context.db.pet.id.find(feeding.pet) else { return }
        try context.db.noise.insert(Noise(text: "\(pet.name) eats"))
    }

    private static func tidy(_ name: String) -> String { name.lowercased() }
}

func run() async throws {
    let db = try await Database.open(.inMemory, module: Zoo.self)
    try await db.call(Zoo.adopt, "cat", "Tom")
    try await db.call(Zoo.age, "cat")
    let names = try await db.read { db in db.pet.byKindAge.filter("cat", 1...).map(\.name) }
    print(names)
    let connection = try await db.connect(as: "ada")
    for try await change in try await connection.subscribe(Pet.where { $0.kind == "cat" && $0.age > 0 }) {
        for pet in change.inserted where pet.isYoung { print(pet.name, pet.mood) }
    }
}
