// What people ask of a text or a list, and conditions do not know. None of it compiles; each says what does. Fields of
// structs may have these names, so the hints are for texts and lists alone.

extension ColumnExpression where Value: RangeReplaceableCollection {
    @available(
        *, unavailable, message: "conditions know no lengths: filter in Swift, as in rows.filter { $0.text.count > 3 }"
    )
    public var count: Column<Row, UInt64> { fatalError() }

    @available(*, unavailable, message: "compare with the empty value, as in $0.text == \"\"")
    public var isEmpty: Condition<Row> { fatalError() }

    @available(
        *, unavailable,
        message:
            "conditions do not look inside: filter in Swift, as in rows.filter { $0.text.contains(\"a\") }, or use hasPrefix"
    )
    public func contains<Part>(_ part: Part) -> Condition<Row> { fatalError() }

    @available(
        *, unavailable,
        message:
            "conditions know beginnings of texts only: filter in Swift, as in rows.filter { $0.text.hasSuffix(\"a\") }"
    )
    public func hasSuffix(_ suffix: String) -> Condition<Row> { fatalError() }

    @available(
        *, unavailable,
        message:
            "conditions compare bytes: keep the text in lower case in a column of its own, or filter the rows in Swift"
    )
    public func lowercased() -> Column<Row, String> { fatalError() }

    @available(
        *, unavailable,
        message:
            "conditions compare bytes: keep the text in upper case in a column of its own, or filter the rows in Swift"
    )
    public func uppercased() -> Column<Row, String> { fatalError() }
}
