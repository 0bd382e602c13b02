import SpacetimeKit

// A group of reducers that the module does not list. expect: the module does not list this group of reducers; add it
// errors: 1

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)
}

@Reducers(of: Notes.self) enum Writing {
    @Reducer static func add(_ context: borrowing Context, id: UInt64) throws {
        try context.db.note.insert(Note(id: id))
    }
}
