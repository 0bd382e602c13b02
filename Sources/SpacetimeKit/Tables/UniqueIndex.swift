public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

/// An index over one column whose values do not repeat: `context.db.user.name`.
///
/// ```swift
/// guard let ann = context.db.user.name.find("ann") else { throw SenderError("there is no ann") }
/// try context.db.user.name.update("ann") { $0.visits += 1 }
/// ```
///
/// In an optional column that is not the primary key, `nil` is no value: any number of rows may have it, and `find(nil)`
/// finds none of them.
public struct UniqueIndex<Row: TableRow, Key: SpacetimeType> {
    @usableFromInline let reference: TableReference
    @usableFromInline let index: IndexID

    /// An index by its place among those of the table. For generated code.
    @inlinable
    public init(_ reference: TableReference, index: Int) {
        self.reference = reference
        self.index = reference.index(index)
    }

    /// The row with that key. One look-up.
    @inlinable
    public func find(_ key: Key) -> Row? {
        guard let image = reference.find(key, index) else { return nil }
        return _decode(image, as: Row.self)
    }

    /// Whether there is a row with that key. Decodes nothing.
    @inlinable
    public func contains(_ key: Key) -> Bool {
        reference.find(key, index) != nil
    }

    /// Replaces the row that has the same key. A row that equals the present one changes nothing.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchRow` if there is none, or `uniqueViolation` if another unique value
    ///   collides. Nothing is written then.
    @inlinable
    public func update(_ row: Row) throws {
        try reference.encode(row: row)
        try reference.transaction.updateScratchRow(index)
    }

    /// Changes the row with that key: `db.user.name.update("ann") { $0.visits += 1 }`.
    ///
    /// The key may be changed, too; if it is the primary key, subscribers see another row then. Costs two look-ups.
    ///
    /// - Returns: the row as it is stored.
    /// - Throws: what `change` throws, and ``DatabaseError`` with code `noSuchRow` if there is no row with that key, or
    ///   `uniqueViolation`. Nothing is written then.
    @inlinable @discardableResult
    public func update(_ key: Key, change: (inout Row) throws -> Void) throws -> Row {
        try reference.transaction.requireWritable()
        guard var row = find(key) else { throw reference.transaction.noSuchRow(index) }
        try change(&row)
        try reference.encode(row: row)
        reference.encode(key: key)
        try reference.transaction.updateScratchKey(index)
        return Row._spacetimeHasGeneratedColumns ? reference.decodeScratch() : row
    }

    /// Deletes the row with that key.
    ///
    /// - Returns: whether there was one.
    @inlinable @discardableResult
    public func delete(_ key: Key) throws -> Bool {
        try reference.transaction.requireWritable()
        reference.encode(key: key)
        return try reference.transaction.deleteScratchKey(index) > 0
    }

    /// The rows whose keys lie in a range, in key order: `filter(10..<20)`, `filter(...5)`.
    ///
    /// A hash index has no order: there the whole table is looked at and sorted. Declare the column `@Indexed(.btree)` for ranges.
    @inlinable
    public func filter<Range: KeyRange>(_ range: Range) -> Rows<Row> where Range.Bound == Key {
        Rows(reference, _KeyFilter(reference, index).source(range.bounds(reference)))
    }

    /// How many rows have keys in a range.
    @inlinable
    public func count<Range: KeyRange>(_ range: Range) -> Int where Range.Bound == Key { filter(range).count }

    /// Deletes the rows whose keys lie in a range.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func delete<Range: KeyRange>(_ range: Range) throws -> Int where Range.Bound == Key {
        try reference.transaction.requireWritable()
        return try _KeyFilter(reference, index).delete(range.bounds(reference))
    }
}

extension UniqueIndex where Row: KeyedTableRow, Row.PrimaryKey == Key {
    /// Replaces the row that has the same primary key, or adds the row if there is none.
    ///
    /// - Returns: the row as it is stored.
    @inlinable @discardableResult
    public func upsert(_ row: Row) throws -> Row { try reference.upsert(row) }
}

extension UniqueIndex {
    @available(*, unavailable, message: "at most one row has the key: use find")
    public func filter(_ key: Key) -> Rows<Row> { fatalError() }

    @available(*, unavailable, message: "upsert needs a primary key: mark a column of the row with @PrimaryKey")
    public func upsert(_ row: Row) throws -> Row { fatalError() }
}
