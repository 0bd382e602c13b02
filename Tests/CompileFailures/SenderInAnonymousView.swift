import SpacetimeKit

// A view that is the same for all does not know who looks. expect: has no member 'sender'
// errors: 1

@Table struct Note { @PrimaryKey var id: UInt64; @Indexed var owner: Identity }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @View static func own(_ context: borrowing AnonymousViewContext) -> [Note] {
        Array(context.db.note.owner.filter(context.sender))
    }
}
