import SpacetimeKit

// The steps of a query in an order that has another meaning. expect: conditions come before orderBy, limit and offset
// expect: groupBy comes before orderBy, limit and offset
// expect: rows are counted without orderBy, limit and offset
// expect: orderBy comes before select
// expect: conditions come before select
// errors: 5

@Table struct User {
    @PrimaryKey var id: UInt64
    var name: String
}

let some = User.all.limit(3).where { $0.id > 3 }
let groups = User.all.orderBy { $0.id }.groupBy { $0.name }
let count = User.all.limit(3).count()
let named = User.all.select { $0.name }.orderBy { $0 }
let few = User.all.select { $0.name }.where { $0 == "ann" }
