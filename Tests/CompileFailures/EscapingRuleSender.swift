import SpacetimeKit

// Who looks is known in rules only. expect: cannot be captured by an escaping closure since it is a borrowed parameter

@Table(.public) struct Letter {
    @PrimaryKey var id: UInt64
    var recipient: Identity
}

nonisolated(unsafe) var kept: (() -> Query<Letter>)?

let rules = RowRules { (sender: borrowing RuleSender) -> [RowRule] in
    kept = { Letter.where { $0.recipient == sender } }
    return []
}
