import SpacetimeKit

// The lifecycle event as SpacetimeDB spells it. expect: init(writeInitializeInstead:)

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Reducer(.init) static func setUp(_ context: borrowing Context) throws {}
}
