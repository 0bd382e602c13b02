import SpacetimeKit

// A result that cannot be stored. expect: add @SpacetimeType to their structs and enums

struct Receipt { var text: String }

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Procedure static func pay(_ context: ProcedureContext) async throws -> Receipt { Receipt(text: "") }
}
