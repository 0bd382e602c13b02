import SpacetimeKit
import SpacetimeTesting

/// The item table alone, for databases that are opened by the thousand.
@Module
enum Shelf {
    static let tables = Tables(Item.self)

    @Reducer static func add(
        _ context: borrowing Context, id: UInt64, owner: UInt64, x: Int32, y: Int32, name: String
    ) throws {
        try context.db.item.insert(Item(id: id, owner: owner, x: x, y: y, name: name))
    }
}

/// A test database opened, used and dropped, per operation.
final class KitTestDatabases: Contestant {
    let system = "spacetimekit"
    private let databases: Int

    init(databases: Int) { self.databases = databases }

    func run(pass: Int) throws -> PassResult {
        var digest = Digest()
        for number in 0..<databases {
            let test = try TestDatabase(Shelf.self)
            try test.call(Shelf.add, UInt64(number), 1, 2, 3, "a name")
            digest.add(try test.read { db in db.item.rows.reduce(0) { $0 + Int($1.id) + Int($1.x) } })
        }
        return PassResult(operations: databases, digest: digest.value)
    }
}
