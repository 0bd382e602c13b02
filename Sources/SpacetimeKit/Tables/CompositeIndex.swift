public import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

/// An index over several columns: `context.db.message.byRoomSent`.
///
/// It finds rows by all columns, by the leading ones, or by leading ones and a range of the next:
///
/// ```swift
/// db.message.byRoomSent.filter("lobby")
/// db.message.byRoomSent.filter("lobby", yesterday...)
/// ```
///
/// A hash index finds complete keys only; for anything else the whole table is looked at.
public struct CompositeIndex<Row: TableRow, First: SpacetimeType, Second: SpacetimeType, each Rest: SpacetimeType> {
    @usableFromInline let filter: _KeyFilter

    @inlinable
    public init(_ reference: TableReference, index: Int) {
        filter = _KeyFilter(reference, reference.index(index))
    }

    /// The rows with these values in all columns.
    @inlinable
    public func filter(_ first: First, _ second: Second, _ rest: repeat each Rest) -> Rows<Row> {
        filter.reference.encode(key: first)
        let scratch = filter.reference.transaction.state.pointee.keyScratch
        second.encode(to: &scratch.pointee)
        repeat (each rest).encode(to: &scratch.pointee)
        return Rows(filter.reference, filter.scratchKey())
    }

    /// How many rows have these values in all columns.
    public func count(_ first: First, _ second: Second, _ rest: repeat each Rest) -> Int {
        filter(first, second, repeat each rest).count
    }

    /// Deletes the rows with these values in all columns.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func delete(
        _ first: First, _ second: Second, _ rest: repeat each Rest
    ) throws -> Int {
        try filter.reference.transaction.requireWritable()
        filter.reference.encode(key: first)
        let scratch = filter.reference.transaction.state.pointee.keyScratch
        second.encode(to: &scratch.pointee)
        repeat (each rest).encode(to: &scratch.pointee)
        return try filter.deleteScratchKey()
    }

    /// The rows with this value in the first column, ordered by the others.
    public func filter(_ first: First) -> Rows<Row> {
        Rows(filter.reference, filter.source(nil, prefix: filter.reference.encoded(key: first)))
    }

    /// The rows whose first column lies in a range.
    public func filter<Range: KeyRange>(_ range: Range) -> Rows<Row> where Range.Bound == First {
        Rows(filter.reference, filter.source(range.bounds(filter.reference)))
    }

    /// The rows with this value in the first column, and a second column within a range.
    public func filter<Range: KeyRange>(_ first: First, _ range: Range) -> Rows<Row> where Range.Bound == Second {
        let prefix = filter.reference.encoded(key: first)
        return Rows(filter.reference, filter.source(range.bounds(filter.reference), prefix: prefix))
    }

    /// How many rows have this value in the first column.
    public func count(_ first: First) -> Int { filter(first).count }

    /// How many rows have this value in the first column, and a second column within a range.
    public func count<Range: KeyRange>(_ first: First, _ range: Range) -> Int where Range.Bound == Second {
        filter(first, range).count
    }

    /// Deletes the rows with this value in the first column.
    @discardableResult
    public func delete(_ first: First) throws -> Int {
        try filter.reference.transaction.requireWritable()
        return try filter.delete(nil, prefix: filter.reference.encoded(key: first))
    }

    /// Deletes the rows with this value in the first column, and a second column within a range.
    @discardableResult
    public func delete<Range: KeyRange>(
        _ first: First, _ range: Range
    ) throws -> Int where Range.Bound == Second {
        try filter.reference.transaction.requireWritable()
        let prefix = filter.reference.encoded(key: first)
        return try filter.delete(range.bounds(filter.reference), prefix: prefix)
    }
}

/// An index over several columns that together do not repeat.
public struct UniqueCompositeIndex<
    Row: TableRow, First: SpacetimeType, Second: SpacetimeType, each Rest: SpacetimeType
> {
    @usableFromInline let reference: TableReference
    @usableFromInline let index: IndexID

    @inlinable
    public init(_ reference: TableReference, index: Int) {
        self.reference = reference
        self.index = reference.index(index)
    }

    /// The same index, as one that finds several rows: by leading columns and ranges.
    public var all: CompositeIndex<Row, First, Second, repeat each Rest> {
        CompositeIndex(_KeyFilter(reference, index))
    }

    /// The row with these values.
    @inlinable
    public func find(_ first: First, _ second: Second, _ rest: repeat each Rest) -> Row? {
        encode(first, second, repeat each rest)
        guard let image = reference.transaction.findScratchKey(index) else { return nil }
        return _decode(image, as: Row.self)
    }

    /// Whether there is a row with these values.
    @inlinable
    public func contains(_ first: First, _ second: Second, _ rest: repeat each Rest) -> Bool {
        encode(first, second, repeat each rest)
        return reference.transaction.findScratchKey(index) != nil
    }

    /// Replaces the row that has the same values in these columns.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchRow` if there is none.
    @inlinable
    public func update(_ row: Row) throws {
        try reference.encode(row: row)
        try reference.transaction.updateScratchRow(index)
    }

    /// Deletes the row with these values.
    ///
    /// - Returns: whether there was one.
    @inlinable @discardableResult
    public func delete(
        _ first: First, _ second: Second, _ rest: repeat each Rest
    ) throws -> Bool {
        try reference.transaction.requireWritable()
        encode(first, second, repeat each rest)
        return try reference.transaction.deleteScratchKey(index) > 0
    }

    /// The rows with this value in the first column.
    public func filter(_ first: First) -> Rows<Row> { all.filter(first) }

    /// The rows with this value in the first column, and a second column within a range.
    public func filter<Range: KeyRange>(_ first: First, _ range: Range) -> Rows<Row> where Range.Bound == Second {
        all.filter(first, range)
    }

    @inlinable
    func encode(_ first: First, _ second: Second, _ rest: repeat each Rest) {
        reference.encode(key: first)
        let scratch = reference.transaction.state.pointee.keyScratch
        second.encode(to: &scratch.pointee)
        repeat (each rest).encode(to: &scratch.pointee)
    }
}

extension CompositeIndex {
    init(_ filter: _KeyFilter) { self.filter = filter }
}
