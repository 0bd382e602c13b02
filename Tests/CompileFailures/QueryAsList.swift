import SpacetimeKit

// A query is no list of rows. expect: use where { $0.room == 1 }
// expect: name the columns with select
// expect: use orderBy { $0.sent }
// expect: use limit
// expect: select takes columns
// errors: 5

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
}

let filtered = User.all.filter { (user: User) in user.id > 3 }
let names = User.all.map { (user: User) in user.name }
let sorted = User.all.sorted { (left: User, right: User) in left.id < right.id }
let first = User.all.prefix(3)
let greeting = User.all.select { _ in "hello" }
