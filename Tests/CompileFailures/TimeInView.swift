import SpacetimeKit

// Nothing calls a view again because time has passed. expect: has no member 'timestamp'
// errors: 1

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @View static func recent(_ context: borrowing ViewContext) -> [Note] {
        context.db.note.rows.filter { $0.id > UInt64(context.timestamp.microsecondsSinceUnixEpoch) }
    }
}
