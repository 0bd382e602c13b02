import SpacetimeKit

// A table that is taken for its rows. expect: db.message.rows.map { $0.text }
// expect: for message in db.message.rows
// expect: or db.message.rows.sorted
// errors: 3

@Table struct Note {
    @PrimaryKey var id: UInt64
    var text: String
}

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func list(_ context: borrowing Context) throws {
        _ = context.db.note.map(\.text)
        context.db.note.forEach { print($0) }
        _ = context.db.note.sorted { $0.text < $1.text }
    }
}
