import SpacetimeKit
import SpacetimeTesting

@Table(name: "item") struct Item: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Unique var code: String
    @Indexed var price: Int32
}

@Table(name: "note") struct Note: Equatable {
    var text: String
}

@Table(.event, name: "visit") struct Visit {
    var who: String
}

/// What the tests of storage use.
@Module enum Shop {
    static let tables = Tables(Item.self, Note.self, Visit.self)

    @Reducer(.initialize) static func start(_ context: borrowing Context) throws {
        try context.db.note.insert(Note(text: "created"))
    }

    @Reducer static func add(_ context: borrowing Context, code: String, price: Int32) throws {
        try context.db.item.insert(Item(id: 0, code: code, price: price))
        try context.db.visit.insert(Visit(who: code))
    }

    @Reducer static func put(_ context: borrowing Context, item: Item) throws { try context.db.item.insert(item) }

    @Reducer static func reprice(_ context: borrowing Context, id: UInt64, price: Int32) throws {
        guard var item = context.db.item.id.find(id) else { throw SenderError("no such item") }
        item.price = price
        try context.db.item.id.update(item)
    }

    @Reducer static func remove(_ context: borrowing Context, id: UInt64) throws {
        try context.db.item.id.delete(id)
    }

    @Reducer static func stamp(_ context: borrowing Context) throws {
        try context.db.note.insert(
            Note(text: "\(context.timestamp.microsecondsSinceUnixEpoch) \(context.random.next() % 1_000)"))
    }

    @Reducer static func fail(_ context: borrowing Context) throws {
        try context.db.item.insert(Item(id: 0, code: "lost", price: 0))
        throw SenderError("no")
    }

    @Reducer(.clientDisconnected) static func left(_ context: borrowing Context) throws {
        try context.db.note.insert(Note(text: "left: \(context.sender)"))
    }
}

extension Database where Definition == Shop {
    static func open(_ disk: SimulatedDisk, _ change: (inout StorageOptions) -> Void = { _ in }) throws -> Database {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = VirtualClock()
        var storage = StorageOptions.simulated(disk)
        change(&storage)
        return try open(.directory("shop", storage), module: Shop.self, options: options)
    }

    func items() throws -> [Item] { try read { Array($0.item.rows).sorted { $0.id < $1.id } } }
    func notes() throws -> [String] { try read { $0.note.rows.map(\.text).sorted() } }
}
