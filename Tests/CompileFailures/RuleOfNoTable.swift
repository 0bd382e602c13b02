import SpacetimeKit

// Rules return whole rows of a table. expect: a rule is about each row by itself: it has conditions, and no order and no limit
// expect: a rule returns whole rows of the table that it guards; narrow that by leftSemijoin
// expect: a rule returns whole rows of the table that it guards, not columns or values of them
// errors: 3

@Table(.public) struct Letter {
    @PrimaryKey var id: UInt64
    var recipient: Identity
}

@Table struct Helper {
    @PrimaryKey var identity: Identity
    var of: Identity
}

let ordered = RowRules { sender in Letter.where { $0.recipient == sender }.orderBy { $0.id }.limit(3) }
let joined = RowRules { _ in Letter.all.join(Helper.self) { $0.recipient == $1.of } }
let columns = RowRules { _ in Letter.all.select { $0.id } }
