import SpacetimeKit

// A payload of a type without @SpacetimeType, and nothing else that is wrong: the compiler must get no further.
// expect: the payload of a case needs a type that can be stored: add @SpacetimeType to its struct or enum
// errors: 3

enum Reason { case rain }
struct Place { var x: Float }

@SpacetimeType enum Weather { case good, bad(Reason) }
@SpacetimeType enum Spot { case here, there(place: Place?, UInt8) }
@SpacetimeType enum Spots { case several([Place]) }
