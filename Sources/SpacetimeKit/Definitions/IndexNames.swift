import SpacetimeSchema

/// The names under which the definition of a module lists its indexes.
///
/// Nobody writes them, and generated code finds indexes by position; but a definition needs names that differ. They look
/// as other module libraries make them, unless that is taken.
struct IndexNames {
    /// What the database is to call those indexes whose names were written.
    private(set) var explicit: [RawExplicitName] = []
    private var names = FreshNames()

    init(_ tables: [TableDescription]) {
        for table in tables {
            names.reserve(table.definition.name)
            names.reserve(CaseConversion.snake(table.definition.name))
            for case let name? in table.definition.indexes.map(\.name) { names.reserve(name) }
        }
    }

    mutating func sourceName(of index: IndexDefinition, in table: TableDefinition) -> String {
        let columns = index.columns.map { table.columns[$0].name }
        let name = names.take(
            GeneratedName.index(table: table.name, columns: columns, algorithm: .init(index.algorithm)))
        if let written = index.name {
            explicit.append(RawExplicitName(.index, sourceName: name, canonicalName: written))
        }
        return name
    }
}
