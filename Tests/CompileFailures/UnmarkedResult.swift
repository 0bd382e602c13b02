import SpacetimeKit

// A result that cannot be stored. expect: type 'Receipt' does not conform to protocol 'SpacetimeType'

struct Receipt { var text: String }

@Table struct Note { @PrimaryKey var id: UInt64 }

@Module enum Notes {
    static let tables = Tables(Note.self)

    @Procedure static func pay(_ context: ProcedureContext) async throws -> Receipt { Receipt(text: "") }
}
