import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

// Rows of several tables. Give the columns that tables are joined by an index on both sides: a change of one table then finds
// at once what it concerns in the other.

/// A condition in a scope without groups.
private func predicate<Scope: QueryScope>(
    _ condition: (Scope.Columns) -> some ConditionConvertible<Scope>
) -> RowPredicate { condition(Scope._columns(_QueryContext([])))._condition.predicate }

extension Query {
    private func joined<Other, New>(
        _ kind: _QueryDraft.JoinKind, _ other: Query<Other>, _ condition: RowPredicate
    ) -> Query<New> {
        var draft = draft
        draft.add(_QueryDraft.Join(kind: kind, right: other.draft, condition: condition))
        return Query<New>(draft)
    }
}

// MARK: Semijoins

extension Query where Scope: TableRow {
    /// The rows of this query for which the other one has a row that fits: each once, however many fit.
    ///
    /// ```swift
    /// let ofFriends = Message.all.leftSemijoin(Friend.where { $0.of == me }) { $0.sender == $1.identity }
    /// ```
    ///
    /// - Parameters:
    ///   - other: rows of a table, which may be the same one. Semijoins of its own narrow it further.
    ///   - condition: what two rows must meet.
    public func leftSemijoin<Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query { joined(.semi, other, predicate(condition)) }

    /// The rows of this query for which a table has a row that fits.
    public func leftSemijoin<Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query { leftSemijoin(Other.all, on: condition) }

    /// The rows of the other query for which this one has a row that fits: each once, however many fit.
    ///
    /// ```swift
    /// let authors = Message.where { $0.room == "lobby" }.rightSemijoin(User.self) { $0.sender == $1.identity }
    /// ```
    public func rightSemijoin<Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query<Other> {
        // The tables change sides, and with them the columns that the closure is given.
        let columns: Joined<Scope, Other>.Columns = (.init(1), .init(0))
        return other.joined(.semi, self, condition(columns)._condition.predicate)
    }

    /// The rows of a table for which this query has a row that fits.
    public func rightSemijoin<Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query<Other> { rightSemijoin(Other.all, on: condition) }
}

// MARK: Joins

extension Query where Scope: TableRow {
    /// The rows of this query with those of the other one that fit, each pair of them.
    ///
    /// ```swift
    /// let named = Message.all.join(User.self) { $0.sender == $1.identity }.select { ($0.text, $1.name) }
    /// ```
    ///
    /// Without `select` the result is tuples of whole rows. Closures on a join take a parameter for each table; one that
    /// needs one table only says so: `{ message, _ in message.text }`.
    ///
    /// - Parameters:
    ///   - other: rows of a table, which may be the same one.
    ///   - condition: what two rows must meet.
    public func join<Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query<Joined<Scope, Other>> { joined(.inner, other, predicate(condition)) }

    /// The rows of this query with those of a table that fit, each pair of them.
    public func join<Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query<Joined<Scope, Other>> { join(Other.all, on: condition) }

    /// As ``join(_:on:)``, but rows of this query that nothing fits are there as well, once: to them all columns of the other
    /// are nil.
    ///
    /// ```swift
    /// let named = Message.all.leftJoin(User.self) { $0.sender == $1.identity }.select { ($0.text, $1.name) }
    /// ```
    ///
    /// The other query may have conditions, but no semijoins: whoever runs the query throws `invalidQuery`.
    public func leftJoin<Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query<Joined<Scope, Other?>> { joined(.outer, other, predicate(condition)) }

    /// The rows of this query with those of a table that fit, and those that nothing fits.
    public func leftJoin<Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined<Scope, Other>.Columns) -> some ConditionConvertible<Joined<Scope, Other>>
    ) -> Query<Joined<Scope, Other?>> { leftJoin(Other.all, on: condition) }
}

extension Query {
    /// The rows of the join with those of another query that fit.
    public func join<A, B, Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined3<A, B, Other>.Columns) -> some ConditionConvertible<Joined3<A, B, Other>>
    ) -> Query<Joined3<A, B, Other>>
    where Scope == Joined<A, B> { joined(.inner, other, predicate(condition)) }

    /// The rows of the join with those of a table that fit.
    public func join<A, B, Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined3<A, B, Other>.Columns) -> some ConditionConvertible<Joined3<A, B, Other>>
    ) -> Query<Joined3<A, B, Other>>
    where Scope == Joined<A, B> { join(Other.all, on: condition) }

    /// The rows of the join with those of another query that fit, and those that nothing fits.
    public func leftJoin<A, B, Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined3<A, B, Other>.Columns) -> some ConditionConvertible<Joined3<A, B, Other>>
    ) -> Query<Joined3<A, B, Other?>>
    where Scope == Joined<A, B> { joined(.outer, other, predicate(condition)) }

    /// The rows of the join with those of a table that fit, and those that nothing fits.
    public func leftJoin<A, B, Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined3<A, B, Other>.Columns) -> some ConditionConvertible<Joined3<A, B, Other>>
    ) -> Query<Joined3<A, B, Other?>>
    where Scope == Joined<A, B> { leftJoin(Other.all, on: condition) }

    /// The rows of the join with those of another query that fit.
    public func join<A, B, C, Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined4<A, B, C, Other>.Columns) -> some ConditionConvertible<Joined4<A, B, C, Other>>
    ) -> Query<Joined4<A, B, C, Other>>
    where Scope == Joined3<A, B, C> { joined(.inner, other, predicate(condition)) }

    /// The rows of the join with those of a table that fit.
    public func join<A, B, C, Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined4<A, B, C, Other>.Columns) -> some ConditionConvertible<Joined4<A, B, C, Other>>
    ) -> Query<Joined4<A, B, C, Other>>
    where Scope == Joined3<A, B, C> { join(Other.all, on: condition) }

    /// The rows of the join with those of another query that fit, and those that nothing fits.
    public func leftJoin<A, B, C, Other: TableRow>(
        _ other: Query<Other>,
        on condition: (Joined4<A, B, C, Other>.Columns) -> some ConditionConvertible<Joined4<A, B, C, Other>>
    ) -> Query<Joined4<A, B, C, Other?>>
    where Scope == Joined3<A, B, C> { joined(.outer, other, predicate(condition)) }

    /// The rows of the join with those of a table that fit, and those that nothing fits.
    public func leftJoin<A, B, C, Other: TableRow>(
        _ other: Other.Type,
        on condition: (Joined4<A, B, C, Other>.Columns) -> some ConditionConvertible<Joined4<A, B, C, Other>>
    ) -> Query<Joined4<A, B, C, Other?>>
    where Scope == Joined3<A, B, C> { leftJoin(Other.all, on: condition) }
}
