import SpacetimeHost
import SpacetimeSATS

/// What rows are ordered by: a column whose values have an order, or its ``ColumnExpression/descending``.
public protocol OrderConvertible<Row> {
    /// The rows that are ordered.
    associatedtype Row
    var _order: _QueryOrder { get }
}

/// A column, and whether its greatest value comes first.
public struct _QueryOrder {
    let order: _QueryDraft.Order

    init<Expression: ColumnExpression>(
        _ column: Expression, isDescending: Bool
    ) where Expression.Value: OrderedColumnValue {
        order = _QueryDraft.Order(place: column._comparedPlace, isDescending: isDescending)
    }
}

extension ColumnExpression where Value: OrderedColumnValue {
    public var _order: _QueryOrder { _QueryOrder(self, isDescending: false) }

    /// The order of the column turned round: the greatest value comes first, and before it what is nil.
    public var descending: DescendingColumn<Self> { DescendingColumn(column: self) }

    /// The place of what has the order, inside of all optionals.
    var _comparedPlace: _ColumnPlace {
        _ColumnPlace(path: _compared, isUnwrapped: _place.isUnwrapped || Value._optionalDepth > 0)
    }
}

extension Column: OrderConvertible where Value: OrderedColumnValue {}
extension OptionalColumn: OrderConvertible where Wrapped: OrderedColumnValue {}
extension GroupValue: OrderConvertible where Value: OrderedColumnValue {}

/// A column from its greatest value to its least: `orderBy { $0.score.descending }`.
public struct DescendingColumn<Expression: ColumnExpression>: OrderConvertible
where Expression.Value: OrderedColumnValue {
    public typealias Row = Expression.Row

    let column: Expression

    public var _order: _QueryOrder { _QueryOrder(column, isDescending: true) }
}

/// The rows of a query in an order, or some of them.
///
/// A window over one table can be subscribed to: the rows that come into it are inserted and those that leave it are deleted,
/// at a cost that does not grow with the table. Its changes say nothing of places; sort what you hold.
public struct QueryWindow<Scope: QueryScope>: Hashable, Sendable {
    var draft: _QueryDraft

    init(_ draft: _QueryDraft) { self.draft = draft }

    /// The rows in this order where they are equal in the orders before.
    public func orderBy<Term: OrderConvertible>(_ term: (Scope.Columns) -> Term) -> QueryWindow {
        QueryWindow(draft.ordered(Scope.self, term))
    }

    /// The rows in this order where they are equal in the orders before.
    public func orderBy<First: OrderConvertible, Second: OrderConvertible, each Rest: OrderConvertible>(
        _ terms: (Scope.Columns) -> (First, Second, repeat each Rest)
    ) -> QueryWindow { QueryWindow(draft.ordered(Scope.self, terms)) }

    /// At most so many rows, the first ones behind those that ``offset(_:)`` leaves out, whichever is written first. The last
    /// limit that is written counts.
    ///
    /// - Parameter count: 0 or more; with less, whoever runs the query throws `invalidQuery`.
    public func limit(_ count: Int) -> QueryWindow { QueryWindow(draft.limited(to: count)) }

    /// Without the first rows, so many of them. The last offset that is written counts.
    ///
    /// - Parameter count: 0 or more; with less, whoever runs the query throws `invalidQuery`.
    public func offset(_ count: Int) -> QueryWindow { QueryWindow(draft.starting(at: count)) }
}

extension QueryWindow: QueryConvertible where Scope: RowScope {
    public typealias Output = Scope._Rows
    public var _draft: _QueryDraft { draft }
    public var _decode: @Sendable (UnsafeRawBufferPointer) -> Output { { Scope._rows(in: $0) } }
}

extension Query {
    /// The rows in the order of a column, in which an index over it has its keys: `orderBy { $0.score.descending }`.
    ///
    /// Nil, and what a row does not have, comes last. Rows that are equal there are in no particular order: to make sure which
    /// of them a limit keeps, order them by their key as well. With an index over the columns no more rows are read than a
    /// limit asks for; otherwise the rows of the query are sorted.
    public func orderBy<Term: OrderConvertible>(_ term: (Scope.Columns) -> Term) -> QueryWindow<Scope> {
        QueryWindow(draft.ordered(Scope.self, term))
    }

    /// The rows in the order of several columns: by the second where they are equal in the first, and so on.
    public func orderBy<First: OrderConvertible, Second: OrderConvertible, each Rest: OrderConvertible>(
        _ terms: (Scope.Columns) -> (First, Second, repeat each Rest)
    ) -> QueryWindow<Scope> { QueryWindow(draft.ordered(Scope.self, terms)) }

    /// Some of the rows, at most so many.
    ///
    /// - Parameter count: 0 or more; with less, whoever runs the query throws `invalidQuery`.
    public func limit(_ count: Int) -> QueryWindow<Scope> { QueryWindow(draft.limited(to: count)) }

    /// Without the first rows, so many of them.
    ///
    /// - Parameter count: 0 or more; with less, whoever runs the query throws `invalidQuery`.
    public func offset(_ count: Int) -> QueryWindow<Scope> { QueryWindow(draft.starting(at: count)) }
}

extension _QueryDraft {
    fileprivate func ordered<Scope: QueryScope, each Term: OrderConvertible>(
        _ scope: Scope.Type, _ terms: (Scope.Columns) -> (repeat each Term)
    ) -> _QueryDraft {
        var draft = self
        let terms = draft.inScope { terms(Scope._columns($0)) }
        for term in repeat each terms { draft.order.append(term._order.order) }
        return draft
    }

    func limited(to count: Int) -> _QueryDraft {
        var draft = self
        draft.limit = count
        return draft
    }

    func starting(at count: Int) -> _QueryDraft {
        var draft = self
        draft.offset = count
        return draft
    }
}
