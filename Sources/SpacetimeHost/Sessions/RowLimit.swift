/// A set of queries was refused because it begins with more rows than its client may be told at once.
package struct RowLimitReached: Error, Hashable, Sendable {
    /// How many it may be told.
    package let limit: Int

    var error: DatabaseError {
        DatabaseError(
            .limitReached,
            "the queries find more rows than the \(limit) that a client may be told at once; ask for fewer, in several "
                + "subscriptions", cause: self)
    }
}

extension Session {
    /// Whether the client may be told so many rows at once.
    func mayBeTold(rowCount: Int) -> Bool { rowLimit.map { rowCount <= $0 } ?? true }

    /// - Throws: `limitReached` if the client may not be told so many rows at once.
    func check(rowCount: Int) throws(DatabaseError) {
        if let rowLimit, rowCount > rowLimit { throw RowLimitReached(limit: rowLimit).error }
    }
}
