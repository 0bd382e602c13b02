import BenchHarness
import SpacetimeKit

/// A row of a table that all clients get, and nobody changes.
@Table(.public) struct StaticRow {
    @PrimaryKey var id: UInt32
    var name: String
    var value: UInt32
}

/// Something of one player.
@Table(.public) struct Item {
    @PrimaryKey var id: UInt64
    var owner: UInt32
    var text: String
}

/// The process that serves a game's tables to clients who log in.
enum LoginChild {
    /// - Parameter words: the number of static tables, the rows of each, the clients, and the small queries of each.
    static func run(_ words: [String]) throws {
        let numbers = words.compactMap { Int($0) }
        guard numbers.count == 4 else { throw BenchFailure("logins need four numbers") }
        let (tables, rows, clients, queries) = (numbers[0], numbers[1], numbers[2], numbers[3])
        let names = (0..<tables).map { name(ofTable: $0) }
        let module = Module("login") {
            Table(Item.self)
            for name in names { Table(StaticRow.self, name: name) }
            Reducer("fill_static", parameters: ["name", "rows"]) {
                (context: borrowing ReducerContext, name: String, rows: UInt32) in
                var random = SplitMix64(seed: UInt64(rows))
                let table = context.table(StaticRow.self, name: name)
                for id in 0..<rows {
                    let words = (0..<6).map { _ in Self.words[random.next(below: Self.words.count)] }
                    try table.insert(
                        StaticRow(id: id, name: words.joined(separator: " "), value: UInt32(random.next(below: 1_000))))
                }
            }
            Reducer("fill_items", parameters: ["owner", "count"]) {
                (context: borrowing ReducerContext, owner: UInt32, count: UInt32) in
                for number in 0..<count {
                    let id = UInt64(owner) * UInt64(count) + UInt64(number)
                    try context.table(Item.self).insert(Item(id: id, owner: owner, text: "item \(id)"))
                }
            }
        }
        let database = try Database.open(.inMemory, module: module)
        for name in names { try database.call("fill_static", arguments: name.bsatn() + UInt32(rows).bsatn()) }
        for owner in 0..<clients {
            try database.call("fill_items", arguments: UInt32(owner).bsatn() + UInt32(queries).bsatn())
        }
        try ServerChild.serve(database)
    }

    static func name(ofTable number: Int) -> String { "static_\(number)" }

    private static let words = [
        "sword", "shield", "stone", "golden", "ancient", "river", "of", "the", "north", "fire", "healing", "potion",
        "small", "large", "broken", "silver", "ring", "boots", "leather", "iron", "helmet", "scroll", "wisdom", "ore",
    ]
}
