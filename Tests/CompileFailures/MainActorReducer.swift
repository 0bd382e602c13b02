import SpacetimeKit

// A reducer runs on the thread of its caller. expect: it cannot belong to an actor. Remove '@MainActor'
// errors: 1

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer @MainActor static func touch(_ context: borrowing Context) throws {}
}
