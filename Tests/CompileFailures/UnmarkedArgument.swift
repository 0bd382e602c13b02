import SpacetimeKit

// An argument of a type without @SpacetimeType. expect: type 'Place' does not conform to protocol 'SpacetimeType'
// expect: add @SpacetimeType to their structs and enums
// errors: 2

struct Place { var x: Float }

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func move(_ context: borrowing Context, id: UInt64, to place: Place) throws {}
}
