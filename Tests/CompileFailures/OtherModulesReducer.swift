import SpacetimeKit

// A reducer of one module called on a database of another. expect: Reducer<

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)
    @Reducer static func touch(_ context: borrowing Context) throws {}
}

@Module enum Others {
    static let tables = Tables(Note.self)
}

func misuse(_ db: Database<Others>) throws {
    try db.call(Notes.touch)
}
