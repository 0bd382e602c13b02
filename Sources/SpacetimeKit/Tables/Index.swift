public import SpacetimeHost
public import SpacetimeSATS

/// An index over one column whose values may repeat: `context.db.message.room`.
///
/// ```swift
/// for message in context.db.message.room.filter("lobby") { print(message.text) }
/// let count = context.db.message.room.count("lobby")
/// ```
public struct Index<Row: TableRow, Key: SpacetimeType> {
    @usableFromInline let filter: _KeyFilter

    /// An index by its place among those of the table. For generated code.
    @inlinable
    public init(_ reference: TableReference, index: Int) {
        filter = _KeyFilter(reference, reference.index(index))
    }

    /// The rows with that key.
    @inlinable
    public func filter(_ key: Key) -> Rows<Row> {
        filter.reference.encode(key: key)
        return Rows(filter.reference, filter.scratchKey())
    }

    /// The rows whose keys lie in a range, in key order: `filter(10..<20)`, `filter(...5)`.
    ///
    /// A hash index has no order: there the whole table is looked at and sorted.
    @inlinable
    public func filter<Range: KeyRange>(_ range: Range) -> Rows<Row> where Range.Bound == Key {
        Rows(filter.reference, filter.source(range.bounds(filter.reference)))
    }

    /// Whether there is a row with that key.
    @inlinable
    public func contains(_ key: Key) -> Bool { count(key) > 0 }

    /// How many rows have that key. Decodes none.
    @inlinable
    public func count(_ key: Key) -> Int { filter(key).count }

    /// How many rows have keys in a range.
    @inlinable
    public func count<Range: KeyRange>(_ range: Range) -> Int where Range.Bound == Key { filter(range).count }

    /// Deletes the rows with that key.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete(_ key: Key) throws -> Int {
        try filter.reference.transaction.requireWritable()
        filter.reference.encode(key: key)
        return try filter.reference.transaction.deleteScratchKey(filter.index)
    }

    /// Deletes the rows whose keys lie in a range.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func delete<Range: KeyRange>(_ range: Range) throws -> Int where Range.Bound == Key {
        try filter.reference.transaction.requireWritable()
        return try filter.delete(range.bounds(filter.reference))
    }
}

extension Index {
    @available(*, unavailable, message: "many rows can have the key: use filter, or mark the column @Unique if one has")
    public func find(_ key: Key) -> Row? { fatalError() }
}
