import SpacetimeEngine

/// What a typed query asks, before the tables of a database are looked up.
///
/// Columns are places in the rows of the query's scope: of its table, of its joined tables (``QuerySlot``), or of groups
/// (``GroupPlace``).
public struct _QueryDraft: Sendable {
    enum JoinKind: Hashable, Sendable {
        /// The table becomes part of the scope.
        case inner, outer
        /// It only matters whether there is a row.
        case semi
    }

    struct Join: Hashable, Sendable {
        let kind: JoinKind
        /// A table with its own conditions and semijoins.
        let right: _QueryDraft
        /// In terms of the scope with the table; for a semijoin, of the two tables.
        let condition: RowPredicate
    }

    struct Aggregate: Hashable, Sendable {
        let function: QueryAggregate.Function
        /// In the rows that are grouped. Nil counts rows.
        var argument: _ColumnPlace?
        var isDistinct = false
    }

    enum OutputColumn: Hashable, Sendable {
        case value(_ColumnPlace)
        /// All columns of one of the scope's tables.
        case row(slot: Int)
    }

    struct Order: Hashable, Sendable {
        let place: _ColumnPlace
        let isDescending: Bool
    }

    /// Of the rows of the first table.
    let row: any TableRow.Type
    /// Nil for the row type's own table.
    var table: String?
    /// The view whose rows they are, if they are those of no table, and what it is called with.
    var view: ViewCall?
    /// On the rows that are grouped, if any are.
    var condition: RowPredicate
    var joins: [Join] = []
    /// How many tables there are, those of semijoins among them.
    var tableCount = 1
    /// What rows are grouped by; nil if they are not.
    var keys: [_ColumnPlace]?
    var aggregates: [Aggregate] = []
    var groupCondition = RowPredicate.all
    /// Nil for the scope's rows.
    var output: [OutputColumn]?
    var isDistinct = false
    var order: [Order] = []
    var limit: Int?
    var offset: Int?

    init(_ row: any TableRow.Type, _ condition: RowPredicate = .all) {
        self.row = row
        self.condition = condition
    }

    init(_ row: any TableRow.Type, of view: ViewCall) {
        self.init(row)
        self.view = view
    }

    /// Whether rows of views are read.
    var readsViews: Bool { view != nil || joins.contains { $0.right.readsViews } }

    /// Whether it compares with whoever looks, which is known in rules only.
    var asksForSender: Bool {
        condition.hasParameters || joins.contains { $0.condition.hasParameters || $0.right.asksForSender }
    }

    /// The condition, if the query is about one table and asks for nothing else: then it needs no plan.
    var plainCondition: RowPredicate? {
        let isPlain =
            joins.isEmpty && keys == nil && output == nil && !isDistinct && order.isEmpty && limit == nil
            && offset == nil
        return isPlain ? condition : nil
    }

    /// Adds a condition that must hold as well.
    mutating func add(_ predicate: RowPredicate) {
        if keys == nil {
            condition = condition == .all ? predicate : .and(condition, predicate)
        } else {
            groupCondition = groupCondition == .all ? predicate : .and(groupCondition, predicate)
        }
    }

    mutating func add(_ join: Join) {
        joins.append(join)
        tableCount += join.right.tableCount
    }
}

extension _QueryDraft: Hashable {
    public static func == (left: _QueryDraft, right: _QueryDraft) -> Bool {
        left.row == right.row && left.table == right.table && left.view == right.view
            && left.condition == right.condition
            && left.joins == right.joins && left.keys == right.keys && left.aggregates == right.aggregates
            && left.groupCondition == right.groupCondition && left.output == right.output
            && left.isDistinct == right.isDistinct && left.order == right.order && left.limit == right.limit
            && left.offset == right.offset
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(row))
        hasher.combine(table)
        hasher.combine(view)
        hasher.combine(condition)
        hasher.combine(joins)
        hasher.combine(keys)
        hasher.combine(aggregates)
        hasher.combine(groupCondition)
        hasher.combine(output)
        hasher.combine(isDistinct)
        hasher.combine(order)
        hasher.combine(limit)
        hasher.combine(offset)
    }
}
