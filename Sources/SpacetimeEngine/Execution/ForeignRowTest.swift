package import SpacetimeSchema

// Memory safety. Each row is checked before the condition, which trusts rows, looks at it.

/// A condition for bytes that come from elsewhere, as from a server: what is no row of the table does not meet it.
package struct ForeignRowTest: Sendable {
    private let layout: RowLayout
    private let predicate: CompiledPredicate

    /// - Throws: as `CompiledPredicate.init(_:for:parameters:)`.
    package init(_ predicate: RowPredicate, for schema: TableSchema) throws(EngineError) {
        self.predicate = try CompiledPredicate(predicate, for: schema)
        do { layout = try RowLayout(schema.columns.map(\.type)) } catch {
            throw .unsupportedSchema(table: schema.name, reason: error.reason)
        }
    }

    /// Whether the bytes are a row that meets the condition. Costs a walk over the row, and the condition.
    package func matches(_ row: UnsafeRawBufferPointer) -> Bool {
        guard (try? unsafe layout.validate(row)) != nil else { return false }
        return unsafe predicate.matches(row)
    }
}
