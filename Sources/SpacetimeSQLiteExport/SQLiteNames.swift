import SpacetimeHost
import SpacetimeSchema

/// What the parts of a database are called in an SQLite file.
///
/// SQLite takes ASCII letters of either case for the same in names, gives tables and indexes one namespace, and keeps
/// names that begin with `sqlite_` to itself.
struct SQLiteNames {
    struct Table {
        var name: String
        var columns: [String]
        /// In the order of the schema's.
        var indexes: [String]
    }

    /// Says which commit the file shows.
    static let export = "spacetimekit_export"
    /// Lists the tables and columns that could not keep their name.
    static let renamed = "spacetimekit_renamed"

    /// In the order of the schemas.
    let tables: [Table]
    let renamings: [SQLiteExportReport.Renaming]

    init(_ schemas: [TableSchema]) {
        var distinct = DistinctNames(reserved: [Self.export, Self.renamed], reservedPrefix: "sqlite_")
        let tableNames = distinct.assign(schemas.map(\.name))
        // Nobody asks for an index by its name, so these give way to the tables.
        var indexNames = distinct.assign(schemas.flatMap { $0.indexes.map(\.name) })[...]
        var tables: [Table] = []
        var renamings: [SQLiteExportReport.Renaming] = []
        for (schema, name) in zip(schemas, tableNames) {
            var inTable = DistinctNames()
            let columns = inTable.assign(schema.columns.map(\.name))
            tables.append(
                Table(name: name, columns: columns, indexes: Array(indexNames.prefix(schema.indexes.count))))
            indexNames = indexNames.dropFirst(schema.indexes.count)
            if name != schema.name { renamings.append(.init(table: schema.name, column: nil, name: name)) }
            for (column, name) in zip(schema.columns, columns) where name != column.name {
                renamings.append(.init(table: schema.name, column: column.name, name: name))
            }
        }
        self.tables = tables
        self.renamings = renamings
    }
}
