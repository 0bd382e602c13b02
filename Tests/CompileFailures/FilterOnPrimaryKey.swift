import SpacetimeKit

// One row at most has a key. expect: at most one row has the key: use find
// expect: many rows can have the key: use filter
// expect: ask an index, as in db.message.id.find(1)
// expect: delete by the key through its index
// expect: use where
// errors: 5

@Table struct Note {
    @PrimaryKey var id: UInt64
    @Indexed var topic: String
}

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func touch(_ context: borrowing Context) throws {
        for note in context.db.note.id.filter(3) { print(note) }
        if let note = context.db.note.topic.find("a") { print(note) }
        if let note = context.db.note.find(3) { print(note) }
        _ = try context.db.note.delete(3)
        for note in context.db.note.filter({ $0.id == 3 }) { print(note) }
    }
}
