import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

/// A condition on the rows of a table, of a join, or on groups, as data: it is evaluated inside the engine on encoded rows.
///
/// Made by comparing columns (``ColumnExpression``) and joined by `&&`, `||` and `!`, in any number and any shape. To look
/// for many values of one column write `ids.contains($0.id)`; equalities of one column that are joined by `||` are turned
/// into that.
///
/// A condition of more than a million terms (comparisons and operators), or of more than 256 MiB of values, is refused with
/// ``DatabaseError/Code/limitReached``: `subscribe`, `delete` and the reads of snapshots throw it; a read inside a reducer
/// or a `read` closure that cannot throw finds nothing, and the call or read then fails with that error at its end, with
/// everything undone.
public struct Condition<Row>: Hashable, Sendable, ConditionConvertible {
    let predicate: RowPredicate

    init(_ predicate: RowPredicate) { self.predicate = predicate }

    public var _condition: Condition { self }

    @usableFromInline var scanned: ScanCondition { ScanCondition(predicate) }
}

/// What stands where a condition is wanted: a ``Condition``, or a column of type `Bool`.
public protocol ConditionConvertible<Row> {
    /// The rows that it is about.
    associatedtype Row
    var _condition: Condition<Row> { get }
}

extension ConditionConvertible {
    /// The rows that meet both.
    public static func && <Other: ConditionConvertible<Row>>(left: Self, right: Other) -> Condition<Row> {
        Condition(.and(left._condition.predicate, right._condition.predicate))
    }

    /// The rows that meet one of the two, or both.
    public static func || <Other: ConditionConvertible<Row>>(left: Self, right: Other) -> Condition<Row> {
        Condition(.or(left._condition.predicate, right._condition.predicate))
    }

    /// The other rows.
    public static prefix func ! (condition: Self) -> Condition<Row> { Condition(.not(condition._condition.predicate)) }
}

extension Column: ConditionConvertible where Value == Bool {
    public var _condition: Condition<Row> { self == true }

    /// The rows where it is false.
    public static prefix func ! (column: Column) -> Condition<Row> { column == false }
}
