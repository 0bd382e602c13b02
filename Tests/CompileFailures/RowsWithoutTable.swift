import SpacetimeKit

// The rows of a view need a row type. expect: add @SpacetimeType to their structs and enums, and @Table to the rows of a view

@SpacetimeType struct Count { var number: UInt64 }

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @View static func counts(_ context: borrowing AnonymousViewContext) -> [Count] { [] }
}
