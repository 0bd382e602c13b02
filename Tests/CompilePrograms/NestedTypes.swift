import SpacetimeKit

// Types in namespaces, as versions of a schema are laid out: each finds its siblings as any Swift type does.
// compiles-with: -D NOTHING
// compiles-with: -default-isolation MainActor -strict-memory-safety

/// Of the same names as types further inside, and of no use to any column.
enum Mood {}
struct Place {}

enum V1 {
    @SpacetimeType enum Mood { case good, bad }
    @SpacetimeType struct Place {
        var x: Float
        var mood: Mood
    }

    @Table(.public, .index("byMoodPlace", \.mood, \.number), .unique("one", \.number, \.word))
    struct Entry {
        @PrimaryKey var key: Key
        @Indexed var mood: Mood
        var number: UInt32
        var word: Word
        var place: Place?
        @Default([Mood]()) var moods: [Mood]
        var inner: Inner

        @SpacetimeType enum Inner { case one(Mood), two(Place, mood: Mood) }
    }

    @SpacetimeType enum Key { case a, b }
    typealias Word = String

    enum Deep {
        @SpacetimeType indirect enum Mood { case good, worse(V1.Mood, Mood?) }

        enum Deeper {
            @SpacetimeType struct Pair { var mine: Mood, theirs: V1.Mood, place: Place }
            @Table fileprivate struct Hidden {
                @PrimaryKey var id: UInt64
                var mood: Mood
                var pair: Pair
            }
        }
    }
}

extension V1.Deep {
    @SpacetimeType struct Late { var mood: Mood, pair: Deeper.Pair }
}

@Module enum Diary {
    static let tables = Tables(Page.self, V1.Entry.self)

    @SpacetimeType enum Weather { case rain, sun(hours: UInt8) }

    @Table(.public) struct Page {
        @PrimaryKey @AutoIncrement var id: UInt64
        var weather: Weather
        var mood: V1.Mood
    }

    @Reducer static func write(_ context: borrowing Context, weather: Weather, mood: V1.Mood) throws {
        try context.db.page.insert(Page(id: 0, weather: weather, mood: mood))
        try context.db.entry.insert(
            V1.Entry(
                key: .a, mood: mood, number: 1, word: "w", place: V1.Place(x: 1, mood: .bad), moods: [],
                inner: .one(.bad)))
    }
}

func run(_ db: Database<Diary>) throws {
    try db.call(Diary.write, .sun(hours: 3), .good)
    _ = try db.subscribe(Diary.Page.where { $0.mood == .good })
    _ = try db.subscribe(V1.Entry.where { $0.place == nil })
}
