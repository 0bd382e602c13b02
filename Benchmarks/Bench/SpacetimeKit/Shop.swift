import SpacetimeKit

@Table(.public)
struct Item {
    @PrimaryKey var id: UInt64
    @Indexed var owner: UInt64
    var x: Int32
    var y: Int32
    var name: String
}

/// An item without a name: all rows have one size, and decoding one allocates nothing.
@Table(.public)
struct FixedItem {
    @PrimaryKey var id: UInt64
    @Indexed var owner: UInt64
    var x: Int32
    var y: Int32
}

/// The item tables.
@Module
enum Shop {
    static let tables = Tables(Item.self, FixedItem.self)

    @Reducer static func addRange(_ context: borrowing Context, first: UInt64, count: UInt64) throws {
        guard let items = ItemSource.items else { return }
        let table = context.db.item
        for row in Int(first)..<Int(first + count) {
            try table.insert(
                Item(id: UInt64(row), owner: items.owner[row], x: items.x[row], y: items.y[row], name: items.name[row]))
        }
    }

    @Reducer static func addFixedRange(_ context: borrowing Context, first: UInt64, count: UInt64) throws {
        guard let items = ItemSource.items else { return }
        let table = context.db.fixedItem
        for row in Int(first)..<Int(first + count) {
            try table.insert(FixedItem(id: UInt64(row), owner: items.owner[row], x: items.x[row], y: items.y[row]))
        }
    }

    @Reducer static func add(
        _ context: borrowing Context, id: UInt64, owner: UInt64, x: Int32, y: Int32, name: String
    ) throws {
        try context.db.item.insert(Item(id: id, owner: owner, x: x, y: y, name: name))
    }
}

/// Where the reducers that add many rows get them, so that no system is charged for moving a million rows as arguments.
enum ItemSource {
    // Set before the first call, by the one thread there is.
    nonisolated(unsafe) static var items: ItemWorkload?
}
