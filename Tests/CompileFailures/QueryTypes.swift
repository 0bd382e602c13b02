import SpacetimeKit

// Columns of two types do not belong together. expect: cannot be applied to operands of type
// expect: 'Column<Joined<User, Pet>, UInt64>'
// errors: 1

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
}

@Table struct Pet {
    @PrimaryKey var id: UInt64
    var owner: UInt64
}

let pairs = User.all.join(Pet.self) { $0.name == $1.owner }
