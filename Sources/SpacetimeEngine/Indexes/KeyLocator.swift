package import SpacetimeSchema

// Memory safety. Valid images: rows come from the datastore.

/// Cuts the primary key out of row images of one table, as bytes that are equal exactly where an index finds equal keys:
/// by them a deleted and an inserted row are told to be one that was updated.
package struct KeyLocator: Sendable {
    private let layout: RowLayout
    private let spec: KeySpec
    private let firstColumn: Int

    /// Nil if the table has no primary key.
    package init?(_ table: TableSchema) {
        let types = table.columns.map(\.type)
        guard !table.primaryKey.isEmpty, let layout = try? RowLayout(types),
            let spec = try? KeySpec(columns: table.primaryKey.map(\.index), types: types, layout: layout)
        else { return nil }
        self.layout = layout
        self.spec = spec
        firstColumn = table.primaryKey[0].index
    }

    /// The key of a row. The image must be valid, as everything from the datastore is.
    package func key(of row: UnsafeRawBufferPointer) -> [UInt8] {
        guard let start = row.baseAddress else { return [] }
        var key = KeyBuffer()
        unsafe spec.appendIdentity(row: start, layout: layout, to: &key)
        return unsafe Array(key.bytes)
    }

    /// The bytes of the key's first column as they are in the row, which is what a key of one column is looked up by.
    package func value(of row: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let start = row.baseAddress else { return unsafe row }
        return unsafe layout.bytes(of: firstColumn, in: start)
    }
}
