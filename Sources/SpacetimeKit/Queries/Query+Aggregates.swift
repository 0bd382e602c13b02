import SpacetimeEngine
import SpacetimeHost
public import SpacetimeSATS

/// The rows of a group, of which aggregates are computed: `{ room, messages in (room, messages.count()) }`.
///
/// Nil takes no part in an aggregate. Sums are exact and do not overflow: they have the types of ``SummableColumnValue/Sum``.
public struct GroupRows<Row, Base: SourceScope> {
    private let context: _QueryContext

    init(_ context: _QueryContext) { self.context = context }

    /// How many rows the group has.
    public func count() -> GroupValue<Row, UInt64> { value(_QueryDraft.Aggregate(function: .count)) }

    /// In how many of the rows the column is not nil.
    public func count<A: ColumnExpression>(_ column: (Base.Columns) -> A) -> GroupValue<Row, UInt64>
    where A.Row == Base { value(.count(column(Base._columns(context)))) }

    /// How many different values the column has; nil is none of them.
    public func countDistinct<A: ColumnExpression>(_ column: (Base.Columns) -> A) -> GroupValue<Row, UInt64>
    where A.Row == Base { value(.count(column(Base._columns(context)), isDistinct: true)) }

    /// The sum of the column. Of a column of optionals it is nil if all are; see ``SummableColumnValue``.
    public func sum<A: ColumnExpression>(_ column: (Base.Columns) -> A) -> GroupValue<Row, A.Value.Sum>
    where A.Row == Base, A.Value: SummableColumnValue { value(.of(.sum, column(Base._columns(context)))) }

    /// The average of the column, rounded once. Of a column of optionals it is nil if all are.
    public func average<A: ColumnExpression>(_ column: (Base.Columns) -> A) -> GroupValue<Row, A.Value.Average>
    where A.Row == Base, A.Value: SummableColumnValue { value(.of(.average, column(Base._columns(context)))) }

    /// The least value of the column, in the order of the database. Of a column of optionals it is nil if all are.
    public func min<A: ColumnExpression>(_ column: (Base.Columns) -> A) -> GroupValue<Row, A.Value>
    where A.Row == Base, A.Value: OrderedColumnValue { value(.of(.min, column(Base._columns(context)))) }

    /// The greatest value of the column, in the order of the database. Of a column of optionals it is nil if all are.
    public func max<A: ColumnExpression>(_ column: (Base.Columns) -> A) -> GroupValue<Row, A.Value>
    where A.Row == Base, A.Value: OrderedColumnValue { value(.of(.max, column(Base._columns(context)))) }

    private func value<Value>(_ aggregate: _QueryDraft.Aggregate) -> GroupValue<Row, Value> {
        GroupValue(place: .aggregate(context.position(of: aggregate)))
    }
}

extension _QueryDraft.Aggregate {
    fileprivate static func count<A: ColumnExpression>(_ column: A, isDistinct: Bool = false) -> Self {
        Self(function: .count, argument: column._keyPlace, isDistinct: isDistinct)
    }

    fileprivate static func of<A: ColumnExpression>(_ function: QueryAggregate.Function, _ column: A) -> Self
    where A.Value: OrderedColumnValue { Self(function: function, argument: column._comparedPlace) }
}

/// A query for one value: an aggregate of all rows. Its result is one row, also if there is nothing to aggregate.
public struct ValueQuery<Value: SpacetimeType>: QueryConvertible, Hashable {
    public typealias Output = Value

    public let _draft: _QueryDraft
    public var _decode: @Sendable (UnsafeRawBufferPointer) -> Value { { SpacetimeKit._decode($0, as: Value.self) } }

    fileprivate init(_ draft: _QueryDraft, _ aggregate: _QueryDraft.Aggregate) {
        var draft = draft
        draft.keys = []
        draft.aggregates = [aggregate]
        draft.output = [.value(GroupValue<Never, Value>(place: .aggregate(0))._place)]
        _draft = draft
    }
}

extension Query where Scope: SourceScope {
    /// How many rows there are.
    public func count() -> ValueQuery<UInt64> { ValueQuery(draft, _QueryDraft.Aggregate(function: .count)) }

    /// In how many of the rows the column is not nil.
    public func count<A: ColumnExpression>(_ column: (Scope.Columns) -> A) -> ValueQuery<UInt64> where A.Row == Scope {
        ValueQuery(draft, .count(argument(column)))
    }

    /// How many different values the column has; nil is none of them.
    public func countDistinct<A: ColumnExpression>(_ column: (Scope.Columns) -> A) -> ValueQuery<UInt64>
    where A.Row == Scope { ValueQuery(draft, .count(argument(column), isDistinct: true)) }

    /// The sum of the column, exact; nil if there is nothing to add up. See ``SummableColumnValue``.
    public func sum<A: ColumnExpression>(_ column: (Scope.Columns) -> A) -> ValueQuery<A.Value.OptionalSum>
    where A.Row == Scope, A.Value: SummableColumnValue { ValueQuery(draft, .of(.sum, argument(column))) }

    /// The average of the column, rounded once; nil if there is nothing to take it of.
    public func average<A: ColumnExpression>(_ column: (Scope.Columns) -> A) -> ValueQuery<Double?>
    where A.Row == Scope, A.Value: SummableColumnValue { ValueQuery(draft, .of(.average, argument(column))) }

    /// The least value of the column, in the order of the database; nil if there is none.
    public func min<A: ColumnExpression>(_ column: (Scope.Columns) -> A) -> ValueQuery<A.Value.Compared?>
    where A.Row == Scope, A.Value: OrderedColumnValue { ValueQuery(draft, .of(.min, argument(column))) }

    /// The greatest value of the column, in the order of the database; nil if there is none.
    public func max<A: ColumnExpression>(_ column: (Scope.Columns) -> A) -> ValueQuery<A.Value.Compared?>
    where A.Row == Scope, A.Value: OrderedColumnValue { ValueQuery(draft, .of(.max, argument(column))) }

    private func argument<A>(_ column: (Scope.Columns) -> A) -> A { column(Scope._columns(_QueryContext([]))) }
}
