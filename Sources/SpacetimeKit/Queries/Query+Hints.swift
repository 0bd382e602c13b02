// What people ask of a query as if it were a list. None of it compiles; each says what does.

extension Query {
    @available(
        *, unavailable, message: "use where { $0.room == 1 }, or filter the rows in Swift when they have been found"
    )
    public func filter<Row>(_ condition: (Row) throws -> Bool) -> [Row] { fatalError() }

    @available(*, unavailable, message: "name the columns with select, as in select { $0.text }")
    public func map<Row, Value>(_ transform: (Row) throws -> Value) -> [Value] { fatalError() }

    @available(
        *, unavailable, message: "use orderBy { $0.sent }, and orderBy { $0.sent.descending } for the other way round"
    )
    public func sorted<Row>(by areInIncreasingOrder: (Row, Row) throws -> Bool) -> [Row] { fatalError() }

    @available(*, unavailable, message: "use limit")
    public func prefix(_ maxLength: Int) -> QueryWindow<Scope> { fatalError() }

    @available(*, unavailable, message: "use offset")
    public func dropFirst(_ count: Int) -> QueryWindow<Scope> { fatalError() }
}

extension Query {
    @available(
        *, unavailable, message: "select takes columns, as in ($0.id, $0.text); compute in Swift from what was found"
    )
    public func select<Value>(_ values: (Scope.Columns) -> Value) -> ResultQuery<Never> { fatalError() }
}

extension QueryWindow {
    @available(*, unavailable, message: "conditions come before orderBy, limit and offset")
    public func `where`(_ condition: (Scope.Columns) -> some ConditionConvertible<Scope>) -> QueryWindow {
        fatalError()
    }

    @available(
        *, unavailable, message: "groupBy comes before orderBy, limit and offset, which are then about the groups"
    )
    public func groupBy<Key>(_ key: (Scope.Columns) -> Key) -> QueryWindow { fatalError() }

    @available(
        *, unavailable,
        message: "rows are counted without orderBy, limit and offset; for so many at most count what was found"
    )
    public func count() -> ValueQuery<UInt64> { fatalError() }

    @available(*, unavailable, message: "tables are joined before orderBy, limit and offset")
    public func join<Other: TableRow>(_ other: Other.Type, on condition: (Scope.Columns) -> Bool) -> QueryWindow {
        fatalError()
    }
}

extension ResultQuery {
    @available(*, unavailable, message: "orderBy comes before select")
    public func orderBy<Term>(_ terms: (Output) -> Term) -> ResultQuery { fatalError() }

    @available(*, unavailable, message: "conditions come before select")
    public func `where`<Condition>(_ condition: (Output) -> Condition) -> ResultQuery { fatalError() }
}
