import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS

// MARK: Equality

extension ColumnExpression {
    /// The rows with this value, bit for bit but for the floats: all NaNs are equal, and -0.0 equals 0.0.
    public static func == (column: Self, value: Value) -> Condition<Row> { column._place.equals(value) }
    /// The rows with another value; those with none are among them, unless `value` is nil.
    public static func != (column: Self, value: Value) -> Condition<Row> { !column._place.equals(value) }
    /// The rows with this value, as the other way round.
    public static func == (value: Value, column: Self) -> Condition<Row> { column._place.equals(value) }
    /// The rows with another value, as the other way round.
    public static func != (value: Value, column: Self) -> Condition<Row> { !column._place.equals(value) }

    /// Two missing values are equal.
    public static func == <Other: ColumnExpression<Row, Value>>(column: Self, other: Other) -> Condition<Row> {
        column._place.compare(.equal, other._place)
    }

    /// Two missing values are equal.
    public static func != <Other: ColumnExpression<Row, Value>>(column: Self, other: Other) -> Condition<Row> {
        column._place.compare(.notEqual, other._place)
    }

    /// The rows where the other column has a value, and it is this one's.
    public static func == <Other: ColumnExpression<Row, Value?>>(column: Self, other: Other) -> Condition<Row> {
        column._place.compare(.equal, beside: other._place)
    }

    /// The rows where the other column has another value, or none.
    public static func != <Other: ColumnExpression<Row, Value?>>(column: Self, other: Other) -> Condition<Row> {
        column._place.compare(.notEqual, beside: other._place)
    }

    /// The rows where this column has a value, and it is the other one's.
    public static func == <Other: ColumnExpression>(column: Self, other: Other) -> Condition<Row>
    where Other.Row == Row, Value == Other.Value? {
        other._place.compare(.equal, beside: column._place)
    }

    /// The rows where this column has another value than the other, or none.
    public static func != <Other: ColumnExpression>(column: Self, other: Other) -> Condition<Row>
    where Other.Row == Row, Value == Other.Value? {
        other._place.compare(.notEqual, beside: column._place)
    }
}

extension _ColumnPlace {
    fileprivate func equals<Row, Value: SpacetimeType>(_ value: Value) -> Condition<Row> {
        let bytes = value.bsatn()
        guard isUnwrapped else { return Condition(RowPredicate(.compare(path, .equal, bytes))) }
        // The value is an optional: a tag, then what it wraps.
        if bytes.first == 0 { return Condition(RowPredicate(.compare(path, .equal, Array(bytes.dropFirst())))) }
        return Condition(.not(RowPredicate(.isPresent(path))))
    }

    fileprivate func compare<Row>(
        _ comparison: RowPredicate.Comparison, _ other: _ColumnPlace
    ) -> Condition<Row> {
        // Stored optionals can be compared whole; beside something unwrapped they have to be unwrapped, too.
        let areWhole = !isUnwrapped && !other.isUnwrapped
        return Condition(
            RowPredicate(
                .compareFields(areWhole ? path : unwrapped, comparison, areWhole ? other.path : other.unwrapped)))
    }

    /// Against a column that has one optional more around its values.
    fileprivate func compare<Row>(
        _ comparison: RowPredicate.Comparison, beside optional: _ColumnPlace
    ) -> Condition<Row> { Condition(RowPredicate(.compareFields(path, comparison, optional.unwrapped))) }
}

// MARK: Order

extension ColumnExpression where Value: OrderedColumnValue {
    /// The rows whose value is less than this one, in the order of the database. Rows without a value are left out.
    public static func < (column: Self, value: Value.Compared) -> Condition<Row> { column.compare(.less, value) }
    /// The rows whose value is at most this one, in the order of the database. Rows without a value are left out.
    public static func <= (column: Self, value: Value.Compared) -> Condition<Row> {
        column.compare(.lessOrEqual, value)
    }
    /// The rows whose value is greater than this one, in the order of the database. Rows without a value are left out.
    public static func > (column: Self, value: Value.Compared) -> Condition<Row> { column.compare(.greater, value) }
    /// The rows whose value is at least this one, in the order of the database. Rows without a value are left out.
    public static func >= (column: Self, value: Value.Compared) -> Condition<Row> {
        column.compare(.greaterOrEqual, value)
    }

    /// The rows whose value is greater than this one, in the order of the database. Rows without a value are left out.
    public static func < (value: Value.Compared, column: Self) -> Condition<Row> { column.compare(.greater, value) }
    /// The rows whose value is at least this one, in the order of the database. Rows without a value are left out.
    public static func <= (value: Value.Compared, column: Self) -> Condition<Row> {
        column.compare(.greaterOrEqual, value)
    }
    /// The rows whose value is less than this one, in the order of the database. Rows without a value are left out.
    public static func > (value: Value.Compared, column: Self) -> Condition<Row> { column.compare(.less, value) }
    /// The rows whose value is at most this one, in the order of the database. Rows without a value are left out.
    public static func >= (value: Value.Compared, column: Self) -> Condition<Row> {
        column.compare(.lessOrEqual, value)
    }

    /// The rows whose value is less than that of another column. Rows where one is missing are left out.
    public static func < <Other: ColumnExpression>(column: Self, other: Other) -> Condition<Row>
    where Other.Row == Row, Other.Value: OrderedColumnValue, Other.Value.Compared == Value.Compared {
        column.compare(.less, other)
    }
    /// The rows whose value is at most that of another column. Rows where one is missing are left out.
    public static func <= <Other: ColumnExpression>(column: Self, other: Other) -> Condition<Row>
    where Other.Row == Row, Other.Value: OrderedColumnValue, Other.Value.Compared == Value.Compared {
        column.compare(.lessOrEqual, other)
    }
    /// The rows whose value is greater than that of another column. Rows where one is missing are left out.
    public static func > <Other: ColumnExpression>(column: Self, other: Other) -> Condition<Row>
    where Other.Row == Row, Other.Value: OrderedColumnValue, Other.Value.Compared == Value.Compared {
        column.compare(.greater, other)
    }
    /// The rows whose value is at least that of another column. Rows where one is missing are left out.
    public static func >= <Other: ColumnExpression>(column: Self, other: Other) -> Condition<Row>
    where Other.Row == Row, Other.Value: OrderedColumnValue, Other.Value.Compared == Value.Compared {
        column.compare(.greaterOrEqual, other)
    }

    fileprivate func compare(_ comparison: RowPredicate.Comparison, _ value: Value.Compared) -> Condition<Row> {
        Condition(RowPredicate(.compare(_compared, comparison, value.bsatn())))
    }

    private func compare<Other: ColumnExpression>(
        _ comparison: RowPredicate.Comparison, _ other: Other
    ) -> Condition<Row> where Other.Value: OrderedColumnValue {
        Condition(RowPredicate(.compareFields(_compared, comparison, other._compared)))
    }

    /// The place of what has the order, inside of all optionals.
    var _compared: FieldPath {
        let depth = Value._optionalDepth - (_place.isUnwrapped ? 1 : 0)
        return FieldPath(
            _place.path.column, _place.path.steps + [FieldPath.Step](repeating: .payload(0), count: depth))
    }
}

// MARK: Texts

extension ColumnExpression where Value == String {
    /// The rows whose text begins with these UTF-8 bytes. An ordered index finds them as a range.
    ///
    /// Unlike Swift's own `hasPrefix` it knows nothing of characters that are written in several ways, or that consist
    /// of several scalars.
    public func hasPrefix(_ prefix: String) -> Condition<Row> {
        Condition(RowPredicate(.hasPrefix(_place.path, Array(prefix.utf8))))
    }
}

extension ColumnExpression where Value == String? {
    /// The rows that have a text which begins with these UTF-8 bytes. An ordered index finds them as a range.
    public func hasPrefix(_ prefix: String) -> Condition<Row> {
        Condition(RowPredicate(.hasPrefix(_place.unwrapped, Array(prefix.utf8))))
    }
}

// MARK: Many values

extension Sequence where Element: SpacetimeType {
    /// The rows whose column has one of these values: `ids.contains($0.id)`.
    ///
    /// A list that is small beside its table is looked up value by value in an index, if one fits; otherwise each row
    /// costs one search in the sorted values.
    public func contains<Expression: ColumnExpression>(_ column: Expression) -> Condition<Expression.Row>
    where Expression.Value == Element {
        let place = column._place
        var count = 0
        var hasNil = false
        var writer = BSATNWriter()
        for value in self {
            guard place.isUnwrapped else {
                count += 1
                value.encode(to: &writer)
                continue
            }
            let bytes = value.bsatn()
            if bytes.first == 0 {
                count += 1
                for byte in bytes.dropFirst() { writer.write(byte) }
            } else {
                hasNil = true
            }
        }
        let values = ValueList(count: count, bytes: writer.toArray())
        let isIn = Condition<Expression.Row>(RowPredicate(.isIn(place.path, values)))
        return hasNil ? isIn || Condition(.not(RowPredicate(.isPresent(place.path)))) : isIn
    }

    /// The rows whose column has one of these values. A missing value is none of them.
    public func contains<Expression: ColumnExpression>(_ column: Expression) -> Condition<Expression.Row>
    where Expression.Value == Element? {
        var count = 0
        var writer = BSATNWriter()
        for value in self {
            count += 1
            value.encode(to: &writer)
        }
        let values = ValueList(count: count, bytes: writer.toArray())
        return Condition(RowPredicate(.isIn(column._place.unwrapped, values)))
    }
}

extension Range where Bound: OrderedColumnValue {
    /// The rows whose column lies in the range: `(1..<9).contains($0.level)`.
    public func contains<Expression: ColumnExpression>(_ column: Expression) -> Condition<Expression.Row>
    where Expression.Value: OrderedColumnValue, Expression.Value.Compared == Bound, Bound.Compared == Bound {
        column.compare(.greaterOrEqual, lowerBound) && column.compare(.less, upperBound)
    }
}

extension ClosedRange where Bound: OrderedColumnValue {
    /// The rows whose column lies in the range: `(1...9).contains($0.level)`.
    public func contains<Expression: ColumnExpression>(_ column: Expression) -> Condition<Expression.Row>
    where Expression.Value: OrderedColumnValue, Expression.Value.Compared == Bound, Bound.Compared == Bound {
        column.compare(.greaterOrEqual, lowerBound) && column.compare(.lessOrEqual, upperBound)
    }
}
