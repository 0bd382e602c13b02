import SpacetimeKit

// A row without a primary key cannot be found again. expect: upsert needs a primary key

@Table struct Line { var text: String }

@Module enum Lines {
    static let tables = Tables(Line.self)

    @Reducer static func write(_ context: borrowing Context, text: String) throws {
        try context.db.line.upsert(Line(text: text))
    }
}
