import SpacetimeKit

@Table(.public)
struct Seller {
    @PrimaryKey var id: UInt64
    var level: Int32
}

/// Items and who sells them.
@Module
enum Market {
    static let tables = Tables(Item.self, Seller.self)

    @Reducer static func fill(_ context: borrowing Context) throws {
        guard let items = ItemSource.items else { return }
        for row in 0..<items.rows {
            try context.db.item.insert(
                Item(id: UInt64(row), owner: items.owner[row], x: items.x[row], y: items.y[row], name: items.name[row]))
        }
        for owner in 0..<items.owners {
            try context.db.seller.insert(Seller(id: UInt64(owner), level: Seller.level(owner)))
        }
    }
}

extension Seller {
    static func level(_ owner: Int) -> Int32 { Int32(owner % 97) }
}
