/// What validation allows beyond, and how far it goes within, the rules of SpacetimeDB.
///
/// The limits keep a small definition from costing much time or memory. Reaching one is an error of the definition,
/// reported like any other.
package struct ValidationOptions: Hashable, Sendable {
    /// Whether a primary key may have several columns. They need a unique constraint on exactly the same columns.
    package var allowsCompositePrimaryKey = true
    /// Whether unique columns may hold floats, as stored definitions of older versions do. The engine can: it takes 0 and
    /// -0 for one key, and all NaNs.
    package var allowsFloatKeys = false
    /// Columns per table and per view.
    package var columnLimit = 1_024
    /// Indexes, and likewise unique constraints, per table.
    package var indexLimit = 256
    /// Bytes of a name, whether written or generated.
    package var nameByteLimit = 1_024
    /// Bytes of the namespace of a submodule.
    package var namespaceByteLimit = 63
    /// How deep a column's or parameter's type may nest once it is written without references.
    package var typeDepthLimit = 128
    /// Parts of one column's or parameter's type written without references, which can repeat a declared type any
    /// number of times.
    package var typeSizeLimit = 65_536
    /// The same, summed over all columns and parameters of a module.
    package var totalTypeSizeLimit = 1_048_576

    package init(allowsCompositePrimaryKey: Bool = true) {
        self.allowsCompositePrimaryKey = allowsCompositePrimaryKey
    }

    /// For definitions that were accepted once.
    package static var stored: ValidationOptions {
        var options = ValidationOptions()
        options.allowsFloatKeys = true
        return options
    }
}
