import SpacetimeKit

// A column whose size depends on the machine. expect: Int64

@Table struct Note {
    @PrimaryKey var id: UInt64
    var length: Int
}
