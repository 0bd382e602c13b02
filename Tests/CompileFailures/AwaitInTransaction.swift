import SpacetimeKit

// A transaction of a procedure that suspends. expect: to parameter expecting synchronous function type

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Procedure static func wait(_ context: ProcedureContext) async throws {
        try await context.withTransaction { transaction in
            await Task.yield()
            _ = transaction.db.note.count
        }
    }
}
