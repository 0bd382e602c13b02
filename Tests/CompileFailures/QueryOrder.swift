import SpacetimeKit

// Structs have no order and texts no sum. expect: requires that 'Place' conform to 'OrderedColumnValue'
// expect: requires that 'String' conform to 'SummableColumnValue'
// errors: 4

@SpacetimeType struct Place { var x: Float }

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
    var place: Place
}

let ordered = User.all.orderBy { $0.place }
let turned = User.all.orderBy { $0.place.descending }
let sum = User.all.sum { $0.name }
