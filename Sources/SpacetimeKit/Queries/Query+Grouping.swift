import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// Groups of rows that are equal in one column. Closures take the column's value and the group:
/// `{ room, messages in (room, messages.count()) }`.
public enum Grouped<Base: SourceScope, A: SpacetimeType>: QueryScope {
    public typealias Columns = (GroupValue<Grouped, A>, GroupRows<Grouped, Base>)

    public static func _columns(_ context: _QueryContext) -> Columns { (.key(0), GroupRows(context)) }
}

/// Groups of rows that are equal in two columns. Closures take the columns' values and the group.
public enum Grouped2<Base: SourceScope, A: SpacetimeType, B: SpacetimeType>: QueryScope {
    public typealias Columns = (GroupValue<Grouped2, A>, GroupValue<Grouped2, B>, GroupRows<Grouped2, Base>)

    public static func _columns(_ context: _QueryContext) -> Columns { (.key(0), .key(1), GroupRows(context)) }
}

/// Groups of rows that are equal in three columns. Closures take the columns' values and the group.
public enum Grouped3<Base: SourceScope, A: SpacetimeType, B: SpacetimeType, C: SpacetimeType>: QueryScope {
    public typealias Columns = (
        GroupValue<Grouped3, A>, GroupValue<Grouped3, B>, GroupValue<Grouped3, C>, GroupRows<Grouped3, Base>
    )

    public static func _columns(_ context: _QueryContext) -> Columns {
        (.key(0), .key(1), .key(2), GroupRows(context))
    }
}

/// What a group has: a value of what its rows are grouped by, or an aggregate of them. Compared, ordered and selected as a
/// column is.
public struct GroupValue<Row, Value: SpacetimeType>: ColumnExpression {
    let place: GroupPlace

    static func key(_ position: Int) -> GroupValue { GroupValue(place: .key(position)) }

    public var _place: _ColumnPlace {
        _ColumnPlace(path: FieldPath(place.column), isUnwrapped: Value.self is any _OptionalColumnValue.Type)
    }
}

/// Where a condition on groups finds a value: keys have the numbers from zero on, aggregates those from 2^15 on.
enum GroupPlace: Hashable, Sendable {
    case key(Int)
    case aggregate(Int)

    private static let firstAggregate = 1 << 15

    var column: ColumnID {
        switch self {
        case .key(let position): ColumnID(position)
        case .aggregate(let position): ColumnID(Self.firstAggregate + position)
        }
    }

    init(_ column: ColumnID) {
        let number = Int(column.rawValue)
        self = number < Self.firstAggregate ? .key(number) : .aggregate(number - Self.firstAggregate)
    }
}

extension Query where Scope: SourceScope {
    /// The rows in groups, one for each value that a column has among them.
    ///
    /// ```swift
    /// let busy = Message.all.groupBy { $0.room }
    ///     .where { _, messages in messages.count() > 100 }
    ///     .select { room, messages in (room, messages.count(), messages.max { $0.sent }) }
    /// ```
    ///
    /// All rows that are nil there are one group. `where` before `groupBy` is about rows, behind it about groups.
    public func groupBy<A: ColumnExpression>(
        _ key: (Scope.Columns) -> A
    ) -> Query<Grouped<Scope, A.Value>> where A.Row == Scope {
        let key = key(Scope._columns(_QueryContext([])))
        return Query<Grouped<Scope, A.Value>>(draft.grouped(by: [key._keyPlace]))
    }

    /// The rows in groups, one for each pair of values that two columns have among them.
    public func groupBy<A: ColumnExpression, B: ColumnExpression>(
        _ keys: (Scope.Columns) -> (A, B)
    ) -> Query<Grouped2<Scope, A.Value, B.Value>> where A.Row == Scope, B.Row == Scope {
        let (a, b) = keys(Scope._columns(_QueryContext([])))
        return Query<Grouped2<Scope, A.Value, B.Value>>(draft.grouped(by: [a._keyPlace, b._keyPlace]))
    }

    /// The rows in groups, one for each three values that three columns have among them.
    public func groupBy<A: ColumnExpression, B: ColumnExpression, C: ColumnExpression>(
        _ keys: (Scope.Columns) -> (A, B, C)
    ) -> Query<Grouped3<Scope, A.Value, B.Value, C.Value>> where A.Row == Scope, B.Row == Scope, C.Row == Scope {
        let (a, b, c) = keys(Scope._columns(_QueryContext([])))
        return Query<Grouped3<Scope, A.Value, B.Value, C.Value>>(
            draft.grouped(by: [a._keyPlace, b._keyPlace, c._keyPlace]))
    }
}

extension ColumnExpression {
    /// The place of a value that rows are grouped by, or that is counted: inside of an optional, which is then missing instead
    /// of nil.
    var _keyPlace: _ColumnPlace {
        Value.self is any _OptionalColumnValue.Type ? _ColumnPlace(path: _place.unwrapped, isUnwrapped: true) : _place
    }
}

extension _QueryDraft {
    fileprivate func grouped(by keys: [_ColumnPlace]) -> _QueryDraft {
        var draft = self
        draft.keys = keys
        return draft
    }
}
