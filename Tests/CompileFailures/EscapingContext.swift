import SpacetimeKit

// A context that outlives its call. expect: cannot be captured by an escaping closure since it is a borrowed parameter

@Table struct Note { @PrimaryKey var id: UInt64 }

nonisolated(unsafe) var kept: (() -> Int)?

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func keep(_ context: borrowing Context) throws {
        kept = { context.db.note.count }
    }
}
