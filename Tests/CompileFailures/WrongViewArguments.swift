import SpacetimeKit

// A view is called with what it takes. expect: cannot convert value of type 'String' to expected argument type 'UInt64'

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @View static func above(_ context: borrowing AnonymousViewContext, id: UInt64) -> Query<Note> {
        Note.where { $0.id > id }
    }
}

func watch(_ db: Database<Notes>) throws { _ = try db.subscribe(Notes.above("7")) }
