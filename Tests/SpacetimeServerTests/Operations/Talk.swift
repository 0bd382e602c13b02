import SpacetimeKit

/// A module for tests of what is around modules.
@Table(.public) struct Line: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
}

@Module enum Talk {
    static let tables = Tables(Line.self)

    @Reducer static func say(_ context: borrowing Context, text: String) throws {
        if text == "no" { throw SenderError("it said no") }
        try context.db.line.insert(Line(id: 0, text: text))
    }

    @Procedure static func nap(_ context: ProcedureContext) async throws {
        try await context.sleep(for: .seconds(3_600))
    }

    @Reducer(.clientDisconnected) static func left(_ context: borrowing Context) throws {
        try context.db.line.insert(Line(id: 0, text: "left"))
    }
}

extension Database where Definition == Talk {
    /// The texts, in the order in which they were said.
    func lines() throws -> [String] { try read { $0.line.rows.sorted { $0.id < $1.id }.map(\.text) } }
}
