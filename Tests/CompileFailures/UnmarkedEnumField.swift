import SpacetimeKit

// A field and a payload of types without @SpacetimeType. expect: add @SpacetimeType to its struct or enum
// errors: 4

enum Mood { case good, bad }

@SpacetimeType struct Place { var moods: [Mood] }
@SpacetimeType enum Shape { case square(mood: Mood?, Int32) }
