public import SpacetimeClient
import SpacetimeHost
public import SpacetimeKit
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// What databases call the tables of row types and their columns. Found out once for each type.
enum RowSchemas {
    private struct Key: Hashable {
        let type: ObjectIdentifier
        let name: String?
    }

    private static let known = Mutex<[Key: TableSchema]>([:])

    static func schema<Row: TableRow>(of row: Row.Type, named name: String?) -> TableSchema {
        let key = Key(type: ObjectIdentifier(row), name: name)
        if let schema = known.withLock({ $0[key] }) { return schema }
        let schema: TableSchema
        do throws(DatabaseError) { schema = try Row._spacetimeSchema(named: name) } catch {
            // No database could be opened with such a type: it is a mistake in the program.
            preconditionFailure("\(row) cannot be the row of a table: \(error)")
        }
        known.withLock { $0[key] = schema }
        return schema
    }
}

extension TableDescription where Row: TableRow {
    /// The table of a row type that a module declares: with the names that clients know, its primary key and its indexes.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several, or the view that returns such rows; by default the type's own.
    public init(_ row: Row.Type, in name: String? = nil) {
        let schema = RowSchemas.schema(of: row, named: name)
        self.init(row, layout: TableLayout(schema))
    }
}

extension TableLayout {
    init(_ schema: TableSchema) {
        var indexes = schema.uniqueConstraints.map { $0.columns.map(\.index) }
        indexes += schema.indexes.map { $0.columns.map(\.index) }
        self.init(
            name: schema.name, columns: schema.columns.map { Column(name: $0.name, type: $0.type) },
            primaryKey: schema.primaryKey.map(\.index), indexes: indexes)
    }
}

/// A name of the module as clients write it.
func wireName(_ name: StaticString) -> String {
    let text = name.description
    // Most names are one word.
    if text.utf8.allSatisfy({ $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }) { return text }
    return CaseConversion.snake(text)
}
