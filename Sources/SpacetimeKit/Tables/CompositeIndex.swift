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
    public func filter(_ first: First, _ second: Second, _ rest: repeat each Rest) -> Rows<Row> {
        filter.rows(prefix: Self.key(first, second, repeat each rest))
    }

    /// How many rows have these values in all columns.
    public func count(_ first: First, _ second: Second, _ rest: repeat each Rest) -> Int {
        filter.count(prefix: Self.key(first, second, repeat each rest))
    }

    /// Deletes the rows with these values in all columns.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func delete(
        _ first: First, _ second: Second, _ rest: repeat each Rest
    ) throws(DatabaseError) -> Int {
        try filter.delete(prefix: Self.key(first, second, repeat each rest))
    }

    /// The rows with this value in the first column, ordered by the others.
    public func filter(_ first: First) -> Rows<Row> { filter.rows(prefix: [first.bsatn()]) }

    /// The rows whose first column lies in a range.
    public func filter<Range: KeyRange>(_ range: Range) -> Rows<Row> where Range.Bound == First {
        filter.rows(range.bounds())
    }

    /// The rows with this value in the first column, and a second column within a range.
    public func filter<Range: KeyRange>(_ first: First, _ range: Range) -> Rows<Row> where Range.Bound == Second {
        filter.rows(range.bounds(), prefix: [first.bsatn()])
    }

    /// How many rows have this value in the first column.
    public func count(_ first: First) -> Int { filter.count(prefix: [first.bsatn()]) }

    /// How many rows have this value in the first column, and a second column within a range.
    public func count<Range: KeyRange>(_ first: First, _ range: Range) -> Int where Range.Bound == Second {
        filter.count(range.bounds(), prefix: [first.bsatn()])
    }

    /// Deletes the rows with this value in the first column.
    @discardableResult
    public func delete(_ first: First) throws(DatabaseError) -> Int { try filter.delete(prefix: [first.bsatn()]) }

    /// Deletes the rows with this value in the first column, and a second column within a range.
    @discardableResult
    public func delete<Range: KeyRange>(
        _ first: First, _ range: Range
    ) throws(DatabaseError) -> Int where Range.Bound == Second {
        try filter.delete(range.bounds(), prefix: [first.bsatn()])
    }

    static func key(_ first: First, _ second: Second, _ rest: repeat each Rest) -> [[UInt8]] {
        var parts = [first.bsatn(), second.bsatn()]
        repeat parts.append((each rest).bsatn())
        return parts
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
    public func update(_ row: Row) throws(DatabaseError) {
        try reference.encode(row: row)
        try reference.transaction.updateScratchRow(index)
    }

    /// Deletes the row with these values.
    ///
    /// - Returns: whether there was one.
    @inlinable @discardableResult
    public func delete(
        _ first: First, _ second: Second, _ rest: repeat each Rest
    ) throws(DatabaseError) -> Bool {
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
        let scratch = reference.transaction.core.keyScratch
        second.encode(to: &scratch.pointee)
        repeat (each rest).encode(to: &scratch.pointee)
    }
}

extension CompositeIndex {
    init(_ filter: _KeyFilter) { self.filter = filter }
}
