public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

/// An index over several columns: `context.db.message.byRoomSent`. `Key` lists the columns' types.
///
/// It finds rows by all columns, by the leading ones, or by leading ones and a range of the next; see
/// ``CompositeKeyIndex``.
public struct CompositeIndex<Row: TableRow, Key: KeyColumns>: CompositeKeyIndex {
    public let _filter: _KeyFilter

    /// An index by its place among those of the table. For generated code.
    @inlinable
    public init(_ reference: TableReference, index: Int) {
        _filter = _KeyFilter(reference, reference.index(index))
    }

    @usableFromInline
    init(_ filter: _KeyFilter) { _filter = filter }

    /// The rows with these values in all columns.
    @inlinable
    public func filter<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) -> Rows<Row> where Key.Values == (A, B, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        return Rows(_filter.reference, _filter.scratchKey())
    }

    /// Whether there is a row with these values in all columns.
    public func contains<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) -> Bool where Key.Values == (A, B, repeat each Rest) {
        filter(first, second, repeat each rest).count > 0
    }

    /// How many rows have these values in all columns. Decodes none.
    public func count<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) -> Int where Key.Values == (A, B, repeat each Rest) {
        filter(first, second, repeat each rest).count
    }

    /// Deletes the rows with these values in all columns.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func delete<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) throws -> Int where Key.Values == (A, B, repeat each Rest) {
        try _filter.reference.transaction.requireWritable()
        _filter.encode(first, second, repeat each rest)
        return try _filter.deleteScratchKey()
    }
}

/// An index over several columns that together do not repeat. `Key` lists the columns' types.
///
/// It finds the row by all columns, and rows by the leading ones or by leading ones and a range of the next; see
/// ``CompositeKeyIndex``.
public struct UniqueCompositeIndex<Row: TableRow, Key: KeyColumns>: CompositeKeyIndex {
    @usableFromInline let reference: TableReference
    @usableFromInline let index: IndexID

    /// An index by its place among those of the table. For generated code.
    @inlinable
    public init(_ reference: TableReference, index: Int) {
        self.reference = reference
        self.index = reference.index(index)
    }

    @inlinable public var _filter: _KeyFilter { _KeyFilter(reference, index) }

    /// The row with these values.
    @inlinable
    public func find<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) -> Row? where Key.Values == (A, B, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        guard let image = reference.transaction.findScratchKey(index) else { return nil }
        return _decode(image, as: Row.self)
    }

    /// Whether there is a row with these values.
    @inlinable
    public func contains<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) -> Bool where Key.Values == (A, B, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        return reference.transaction.findScratchKey(index) != nil
    }

    /// Replaces the row that has the same values in these columns.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchRow` if there is none, or `uniqueViolation` if another unique value
    ///   collides. Nothing is written then.
    @inlinable
    public func update(_ row: Row) throws {
        try reference.encode(row: row)
        try reference.transaction.updateScratchRow(index)
    }

    /// Changes the row with these values: `db.seat.byPlace.update(row, number) { $0.guest = guest }`.
    ///
    /// The key may be changed, too.
    ///
    /// - Returns: the row as it is stored.
    /// - Throws: what `change` throws, and as ``update(_:)``. Nothing is written then.
    @inlinable @discardableResult
    public func update<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest, change: (inout Row) throws -> Void
    ) throws -> Row where Key.Values == (A, B, repeat each Rest) {
        try reference.transaction.requireWritable()
        guard var row = find(first, second, repeat each rest) else { throw reference.transaction.noSuchRow(index) }
        try change(&row)
        try reference.encode(row: row)
        _filter.encode(first, second, repeat each rest)
        try reference.transaction.updateScratchKey(index)
        return Row._spacetimeHasGeneratedColumns ? reference.decodeScratch() : row
    }

    /// Deletes the row with these values.
    ///
    /// - Returns: whether there was one.
    @inlinable @discardableResult
    public func delete<A: SpacetimeType, B: SpacetimeType, each Rest: SpacetimeType>(
        _ first: A, _ second: B, _ rest: repeat each Rest
    ) throws -> Bool where Key.Values == (A, B, repeat each Rest) {
        try reference.transaction.requireWritable()
        _filter.encode(first, second, repeat each rest)
        return try reference.transaction.deleteScratchKey(index) > 0
    }
}

extension UniqueCompositeIndex where Row: KeyedTableRow, Row.PrimaryKey == Key {
    /// Replaces the row that has the same primary key, or adds the row if there is none.
    ///
    /// - Returns: the row as it is stored.
    @inlinable @discardableResult
    public func upsert(_ row: Row) throws -> Row { try reference.upsert(row) }
}

extension UniqueCompositeIndex {
    @available(*, unavailable, message: "upsert needs a primary key: add .primaryKey(\\.a, \\.b) to @Table")
    public func upsert(_ row: Row) throws -> Row { fatalError() }
}
