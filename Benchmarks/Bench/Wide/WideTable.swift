/// One table of the wide module, and the reducers that work on it.
struct WideTable {
    /// What games keep, by name, with the columns that are not in every table: name, type and a value.
    static let kinds: [(name: String, columns: [(name: String, type: String, value: String)])] = [
        ("Actor", [name, position, ("health", "Float", "100"), ("isOnline", "Bool", "true")]),
        ("Item", [name, rarity, ("stack", "[UInt32]", "[1, 2]"), ("weight", "Float", "0.5")]),
        ("Slot", [("item", "UInt64?", "nil"), ("locked", "Bool", "false")]),
        (
            "Recipe",
            [name, rarity, cost, ("seconds", "Float", "4"), ("skills", "[UInt32]", "[]"), ("tier", "Int32", "1")]
        ),
        ("Building", [name, position, ("rotation", "UInt8", "0"), ("built", "Timestamp", "context.timestamp")]),
        (
            "Claim",
            [name, position, ("members", "[UInt64]", "[owner]"), ("supplies", "Float", "1"), ("tier", "Int32", "1")]
        ),
        ("Skill", [("kind", "UInt32", "3"), ("experience", "UInt64", "0"), ("level", "UInt8", "1")]),
        ("Effect", [("kind", "UInt32", "3"), ("ends", "Timestamp", "context.timestamp"), ("strength", "Double", "1")]),
        ("Quest", [name, ("stage", "UInt32", "0"), cost, ("rewards", "[UInt32]", "[7]"), ("done", "Bool", "false")]),
        ("Trade", [("partner", "UInt64", "owner"), cost, ("opened", "Timestamp", "context.timestamp")]),
        ("Route", [position, ("stops", "[Position#]", "[]"), ("speed", "Float", "1.5")]),
        ("Deposit", [position, rarity, ("resource", "UInt32", "12"), ("respawns", "Timestamp?", "nil")]),
        (
            "Letter",
            [("recipient", "Identity", "context.sender"), ("text", "String", "\"hello\""), ("read", "Bool", "false")]
        ),
        (
            "Stat",
            [("kills", "UInt32", "0"), ("deaths", "UInt32", "0"), ("walked", "Double", "0"), ("mined", "UInt64", "0")]
        ),
        (
            "Setting",
            [
                name, ("volume", "Float", "1"), ("language", "String", "\"en\""), ("chat", "Bool", "true"),
                ("scale", "Float", "1"), ("colors", "[UInt32]", "[]"), ("hints", "Bool", "true"),
                ("zoom", "Double", "1"),
            ]
        ),
    ]

    private static let name = ("name", "String", "\"a name\"")
    private static let position = ("position", "Position#", "Position#(x: amount, z: 0, dimension: 1)")
    private static let rarity = ("rarity", "Rarity#", ".rare")
    private static let cost = ("cost", "Cost#", ".coins(amount: 5, currency: 1)")

    /// What a reducer does.
    enum Action: CaseIterable { case create, change, remove }

    let kind: Int
    let area: String

    var type: String { Self.kinds[kind].name + area }
    private var property: String { Self.kinds[kind].name.lowercased() + area }
    private var columns: [(name: String, type: String, value: String)] {
        Self.kinds[kind].columns.map {
            ($0.name, $0.type.replacing("#", with: area), $0.value.replacing("#", with: area))
        }
    }

    var declaration: String {
        // Half of the tables have an index over two columns.
        let options = kind % 2 == 0 ? "(.public, .index(\"byOwnerAmount\", \\.owner, \\.amount))" : "(.public)"
        return """
            @Table\(options) struct \(type) {
                @PrimaryKey @AutoIncrement var id: UInt64
                @Indexed var owner: UInt64
                var amount: Int32
            \(columns.map { "    var \($0.name): \($0.type)" }.joined(separator: "\n"))
            }

            """
    }

    /// - Parameters:
    ///   - next: another table of the area, which the reducer changes, too.
    ///   - round: a number that tells reducers of the same table and action apart.
    func reducer(_ action: Action, next: WideTable, round: Int) -> String {
        let end = type + (round == 0 ? "" : "n\(round)")
        switch action {
        case .create:
            let values = columns.map { ", \($0.name): \($0.value)" }.joined()
            return """
                    @Reducer static func create\(end)(_ context: borrowing Context, owner: UInt64, amount: Int32) throws {
                        guard amount > 0 else { throw SenderError("the amount must be positive") }
                        if context.db.\(property).owner.filter(owner).count > 100 { throw SenderError("too many") }
                        try context.db.\(property).insert(
                            \(type)(id: 0, owner: owner, amount: amount\(values)))
                    }

                """
        case .change:
            return """
                    @Reducer static func change\(end)(
                        _ context: borrowing Context, id: UInt64, by amount: Int32, other: UInt64
                    ) throws {
                        guard var row = context.db.\(property).id.find(id) else { throw SenderError("there is no \\(id)") }
                        row.amount &+= amount
                        try context.db.\(property).update(row)
                        if var partner = context.db.\(next.property).id.find(other) {
                            partner.amount &-= amount
                            try context.db.\(next.property).update(partner)
                        }
                    }

                """
        case .remove:
            return """
                    @Reducer static func remove\(end)(_ context: borrowing Context, owner: UInt64, below limit: Int32) throws {
                        for row in context.db.\(property).owner.filter(owner) where row.amount < limit {
                            try context.db.\(property).id.delete(row.id)
                        }
                    }

                """
        }
    }
}
