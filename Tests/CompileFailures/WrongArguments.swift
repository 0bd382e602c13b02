import SpacetimeKit

// Arguments of other types than the reducer's. expect: cannot convert value of type 'String' to expected argument type

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func add(_ context: borrowing Context, id: UInt64) throws {
        try context.db.note.insert(Note(id: id))
    }
}

func misuse(_ db: Database<Notes>) throws {
    try db.call(Notes.add, "one")
}
