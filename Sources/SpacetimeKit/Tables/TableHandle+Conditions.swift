public import SpacetimeHost
import SpacetimeSATS

/// Rows that meet a condition.
///
/// They are found through an index if one fits a part of the condition that is joined by `&&`: equality with all or the
/// first of its columns, a list of values (`ids.contains($0.id)`) if it is short beside the table, a range, or the
/// beginning of a text. Otherwise every row is looked at.
extension TableHandle {
    /// The rows that meet a condition, in no particular order: `db.message.where { $0.text != "" }`.
    @inlinable
    public func `where`(_ condition: (Row.Columns) -> some ConditionConvertible<Row>) -> Rows<Row> {
        let condition = condition(Row._spacetimeColumns)._condition.scanned
        return Rows(_spacetimeReference, .table(condition))
    }

    /// How many rows meet a condition. Decodes none.
    public func count(where condition: (Row.Columns) -> some ConditionConvertible<Row>) -> Int {
        self.where(condition).count
    }

    /// Some row that meets a condition.
    @inlinable
    public func first(where condition: (Row.Columns) -> some ConditionConvertible<Row>) -> Row? {
        self.where(condition).first
    }

    /// Whether some row meets a condition. Looks at rows until one does, and decodes none.
    public func contains(where condition: (Row.Columns) -> some ConditionConvertible<Row>) -> Bool {
        !self.where(condition).isEmpty
    }

    /// Deletes the rows that meet a condition: `try db.session.delete { $0.ends < now }`.
    ///
    /// - Returns: how many there were.
    /// - Throws: ``DatabaseError`` with code `limitReached` if the condition is larger than one may be, see ``Condition``.
    @discardableResult
    public func delete(
        where condition: (Row.Columns) -> some ConditionConvertible<Row>
    ) throws -> Int {
        let condition = condition(Row._spacetimeColumns)._condition.scanned
        return try _spacetimeReference.transaction.delete(_spacetimeReference.table, where: condition)
    }
}
