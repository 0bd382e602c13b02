import SpacetimeKit

// A column of a type without @SpacetimeType. expect: add @SpacetimeType to its struct or enum
// expect: type 'Place' does not conform to protocol 'SpacetimeType'
// errors: 5

struct Place { var x: Float }

@Table struct Note {
    @PrimaryKey var id: UInt64
    var place: Place
}
