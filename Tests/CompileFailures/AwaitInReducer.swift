import SpacetimeKit

// A reducer that suspends. expect: async

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func wait(_ context: borrowing Context) async throws {
        await Task.yield()
    }
}
