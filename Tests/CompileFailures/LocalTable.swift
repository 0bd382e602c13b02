import SpacetimeKit

// A table in a function, where Swift has no extensions. expect: @Table does not work inside a function
// errors: 2

func run() {
    @Table struct Note { @PrimaryKey var id: UInt64 }
}
