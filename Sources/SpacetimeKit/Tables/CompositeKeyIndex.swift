public import SpacetimeHost
import SpacetimeSATS

/// What indexes over several columns find beside complete keys: rows by the values of the leading columns, or by those
/// and a range of the next one.
///
/// ```swift
/// let lobby = db.message.byRoomSent.filter("lobby")
/// let recent = db.message.byRoomSent.filter("lobby", yesterday...)
/// try db.score.byGameModeDay.delete(game, mode, ..<day)
/// ```
///
/// There may be up to four leading values, of indexes of any length. Rows come in the order of the columns that were not
/// given one. A hash index finds complete keys only; for anything else the whole table is looked at and
/// sorted.
public protocol CompositeKeyIndex {
    /// The rows that it finds.
    associatedtype Row: TableRow
    /// The columns' types.
    associatedtype Key: KeyColumns
    var _filter: _KeyFilter { get }
}

extension CompositeKeyIndex {
    /// The rows whose first column lies in a range.
    @inlinable
    public func filter<Range: KeyRange>(_ range: Range) -> Rows<Row> where Range.Bound == Key.First {
        Rows(_filter.reference, _filter.source(range.bounds(_filter.reference)))
    }

    /// How many rows have a first column that lies in a range. Decodes none.
    @inlinable
    public func count<Range: KeyRange>(_ range: Range) -> Int where Range.Bound == Key.First { filter(range).count }

    /// Deletes the rows whose first column lies in a range.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete<Range: KeyRange>(_ range: Range) throws -> Int where Range.Bound == Key.First {
        try _filter.reference.transaction.requireWritable()
        return try _filter.delete(range.bounds(_filter.reference))
    }
}

// MARK: By the first column

extension CompositeKeyIndex {
    /// The rows with this value in the first column, ordered by the others.
    @inlinable
    public func filter(_ first: Key.First) -> Rows<Row> {
        _filter.encode(first)
        return Rows(_filter.reference, _filter.scratchPrefix(1))
    }

    /// The rows with this value in the first column, and a second column within a range.
    @inlinable
    public func filter<Range: KeyRange>(
        _ first: Key.First, _ range: Range
    ) -> Rows<Row> where Range.Bound == Key.Second {
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first)
        return Rows(_filter.reference, _filter.scratchPrefix(1, bounds))
    }

    /// How many rows have this value in the first column. Decodes none.
    @inlinable
    public func count(_ first: Key.First) -> Int { filter(first).count }

    /// How many rows have this value in the first column, and a second column within a range. Decodes none.
    @inlinable
    public func count<Range: KeyRange>(
        _ first: Key.First, _ range: Range
    ) -> Int where Range.Bound == Key.Second {
        filter(first, range).count
    }

    /// Deletes the rows with this value in the first column.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete(_ first: Key.First) throws -> Int {
        try _filter.reference.transaction.requireWritable()
        _filter.encode(first)
        return try _filter.deleteScratchPrefix(1)
    }

    /// Deletes the rows with this value in the first column, and a second column within a range.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete<Range: KeyRange>(
        _ first: Key.First, _ range: Range
    ) throws -> Int where Range.Bound == Key.Second {
        try _filter.reference.transaction.requireWritable()
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first)
        return try _filter.deleteScratchPrefix(1, bounds)
    }
}

// MARK: By two of at least three columns

extension CompositeKeyIndex where Key: _KeyColumns3 {
    /// The rows with these values in the first two columns, ordered by the others.
    @inlinable
    public func filter(_ first: Key.First, _ second: Key.Second) -> Rows<Row> {
        _filter.encode(first, second)
        return Rows(_filter.reference, _filter.scratchPrefix(2))
    }

    /// The rows with these values in the first two columns, and a third column within a range.
    @inlinable
    public func filter<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ range: Range
    ) -> Rows<Row> where Range.Bound == Key.Third {
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first, second)
        return Rows(_filter.reference, _filter.scratchPrefix(2, bounds))
    }

    /// How many rows have these values in the first two columns. Decodes none.
    @inlinable
    public func count(_ first: Key.First, _ second: Key.Second) -> Int { filter(first, second).count }

    /// How many rows have these values in the first two columns, and a third column within a range. Decodes none.
    @inlinable
    public func count<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ range: Range
    ) -> Int where Range.Bound == Key.Third {
        filter(first, second, range).count
    }

    /// Deletes the rows with these values in the first two columns.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete(_ first: Key.First, _ second: Key.Second) throws -> Int {
        try _filter.reference.transaction.requireWritable()
        _filter.encode(first, second)
        return try _filter.deleteScratchPrefix(2)
    }

    /// Deletes the rows with these values in the first two columns, and a third column within a range.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ range: Range
    ) throws -> Int where Range.Bound == Key.Third {
        try _filter.reference.transaction.requireWritable()
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first, second)
        return try _filter.deleteScratchPrefix(2, bounds)
    }
}

// MARK: By three of at least four columns

extension CompositeKeyIndex where Key: _KeyColumns4 {
    /// The rows with these values in the first three columns, ordered by the others.
    @inlinable
    public func filter(_ first: Key.First, _ second: Key.Second, _ third: Key.Third) -> Rows<Row> {
        _filter.encode(first, second, third)
        return Rows(_filter.reference, _filter.scratchPrefix(3))
    }

    /// The rows with these values in the first three columns, and a fourth column within a range.
    @inlinable
    public func filter<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ range: Range
    ) -> Rows<Row> where Range.Bound == Key.Fourth {
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first, second, third)
        return Rows(_filter.reference, _filter.scratchPrefix(3, bounds))
    }

    /// How many rows have these values in the first three columns. Decodes none.
    @inlinable
    public func count(_ first: Key.First, _ second: Key.Second, _ third: Key.Third) -> Int {
        filter(first, second, third).count
    }

    /// How many rows have these values in the first three columns, and a fourth column within a range. Decodes none.
    @inlinable
    public func count<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ range: Range
    ) -> Int where Range.Bound == Key.Fourth {
        filter(first, second, third, range).count
    }

    /// Deletes the rows with these values in the first three columns.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete(_ first: Key.First, _ second: Key.Second, _ third: Key.Third) throws -> Int {
        try _filter.reference.transaction.requireWritable()
        _filter.encode(first, second, third)
        return try _filter.deleteScratchPrefix(3)
    }

    /// Deletes the rows with these values in the first three columns, and a fourth column within a range.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ range: Range
    ) throws -> Int where Range.Bound == Key.Fourth {
        try _filter.reference.transaction.requireWritable()
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first, second, third)
        return try _filter.deleteScratchPrefix(3, bounds)
    }
}

// MARK: By four of at least five columns

extension CompositeKeyIndex where Key: _KeyColumns5 {
    /// The rows with these values in the first four columns, ordered by the others.
    @inlinable
    public func filter(_ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ fourth: Key.Fourth) -> Rows<Row>
    {
        _filter.encode(first, second, third, fourth)
        return Rows(_filter.reference, _filter.scratchPrefix(4))
    }

    /// The rows with these values in the first four columns, and a fifth column within a range.
    @inlinable
    public func filter<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ fourth: Key.Fourth, _ range: Range
    ) -> Rows<Row> where Range.Bound == Key.Fifth {
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first, second, third, fourth)
        return Rows(_filter.reference, _filter.scratchPrefix(4, bounds))
    }

    /// How many rows have these values in the first four columns. Decodes none.
    @inlinable
    public func count(_ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ fourth: Key.Fourth) -> Int {
        filter(first, second, third, fourth).count
    }

    /// How many rows have these values in the first four columns, and a fifth column within a range. Decodes none.
    @inlinable
    public func count<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ fourth: Key.Fourth, _ range: Range
    ) -> Int where Range.Bound == Key.Fifth {
        filter(first, second, third, fourth, range).count
    }

    /// Deletes the rows with these values in the first four columns.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete(_ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ fourth: Key.Fourth) throws -> Int
    {
        try _filter.reference.transaction.requireWritable()
        _filter.encode(first, second, third, fourth)
        return try _filter.deleteScratchPrefix(4)
    }

    /// Deletes the rows with these values in the first four columns, and a fifth column within a range.
    ///
    /// - Returns: how many there were.
    @inlinable @discardableResult
    public func delete<Range: KeyRange>(
        _ first: Key.First, _ second: Key.Second, _ third: Key.Third, _ fourth: Key.Fourth, _ range: Range
    ) throws -> Int where Range.Bound == Key.Fifth {
        try _filter.reference.transaction.requireWritable()
        let bounds = range.bounds(_filter.reference)
        _filter.encode(first, second, third, fourth)
        return try _filter.deleteScratchPrefix(4, bounds)
    }
}
