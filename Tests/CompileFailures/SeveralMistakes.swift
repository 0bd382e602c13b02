import SpacetimeKit

// Each mistake is reported, whatever else is wrong. expect: An enum without cases has no values to store
// expect: 'Int' cannot be stored
// expect: 'Void' cannot be stored
// expect: @Module reads the list from the source
// expect: A table needs at least one column
// errors: 6

@SpacetimeType enum Empty {}
@SpacetimeType enum Wide { case number(Int) }
@SpacetimeType struct Narrow { var nothing: Void }
@Table struct Bare {}
@Module enum Notes { static let tables = [Bare.self] }
