import SpacetimeEngine
public import SpacetimeHost
public import SpacetimeSATS

extension UniqueIndex {
    /// One column of the row with that key: `db.item.id.find(key) { $0.name }`. The others are not decoded.
    @inlinable
    public func find<A>(_ key: Key, select column: (Row.Columns) -> Column<Row, A>) -> A? {
        find(key, _Select1(column(Row._spacetimeColumns), reference))
    }

    /// Two columns of the row with that key, as a tuple.
    @inlinable
    public func find<A, B>(
        _ key: Key, select columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>)
    ) -> (A, B)? {
        find(key, _Select2(columns(Row._spacetimeColumns), reference))
    }

    /// Three columns of the row with that key, as a tuple.
    @inlinable
    public func find<A, B, C>(
        _ key: Key, select columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>, Column<Row, C>)
    ) -> (A, B, C)? {
        find(key, _Select3(columns(Row._spacetimeColumns), reference))
    }

    /// Four columns of the row with that key, as a tuple.
    @inlinable
    public func find<A, B, C, D>(
        _ key: Key, select columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>, Column<Row, C>, Column<Row, D>)
    ) -> (A, B, C, D)? {
        find(key, _Select4(columns(Row._spacetimeColumns), reference))
    }

    @inlinable @inline(__always)
    func find<Selection: ColumnSelection<Row>>(_ key: Key, _ selection: Selection) -> Selection.Values? {
        guard let image = reference.find(key, index) else { return nil }
        return selection._values(in: image)
    }
}

extension UniqueCompositeIndex {
    /// One column of the row with these values. The others are not decoded.
    @inlinable
    public func find<First: SpacetimeType, Second: SpacetimeType, each Rest: SpacetimeType, A>(
        _ first: First, _ second: Second, _ rest: repeat each Rest, select column: (Row.Columns) -> Column<Row, A>
    ) -> A? where Key.Values == (First, Second, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        return read(_Select1(column(Row._spacetimeColumns), reference))
    }

    /// Two columns of the row with these values, as a tuple.
    @inlinable
    public func find<First: SpacetimeType, Second: SpacetimeType, each Rest: SpacetimeType, A, B>(
        _ first: First, _ second: Second, _ rest: repeat each Rest,
        select columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>)
    ) -> (A, B)? where Key.Values == (First, Second, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        return read(_Select2(columns(Row._spacetimeColumns), reference))
    }

    /// Three columns of the row with these values, as a tuple.
    @inlinable
    public func find<First: SpacetimeType, Second: SpacetimeType, each Rest: SpacetimeType, A, B, C>(
        _ first: First, _ second: Second, _ rest: repeat each Rest,
        select columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>, Column<Row, C>)
    ) -> (A, B, C)? where Key.Values == (First, Second, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        return read(_Select3(columns(Row._spacetimeColumns), reference))
    }

    /// Four columns of the row with these values, as a tuple.
    @inlinable
    public func find<First: SpacetimeType, Second: SpacetimeType, each Rest: SpacetimeType, A, B, C, D>(
        _ first: First, _ second: Second, _ rest: repeat each Rest,
        select columns: (Row.Columns) -> (Column<Row, A>, Column<Row, B>, Column<Row, C>, Column<Row, D>)
    ) -> (A, B, C, D)? where Key.Values == (First, Second, repeat each Rest) {
        _filter.encode(first, second, repeat each rest)
        return read(_Select4(columns(Row._spacetimeColumns), reference))
    }

    @inlinable @inline(__always)
    func read<Selection: ColumnSelection<Row>>(_ selection: Selection) -> Selection.Values? {
        guard let image = reference.transaction.findScratchKey(index) else { return nil }
        return selection._values(in: image)
    }
}
