import SpacetimeKit

// What may be missing is no row, and a group is none either. expect: requires that 'Pet?' conform to 'TableRow'
// expect: conform to 'RowScope'
// errors: 3

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
}

@Table struct Pet {
    @PrimaryKey var id: UInt64
    var owner: UInt64
}

func run<Output>(_ query: some QueryConvertible<Output>) -> [Output] { [] }

let pairs = run(User.all.leftJoin(Pet.self) { $0.id == $1.owner })
let groups = run(User.all.groupBy { $0.name })
