public import SpacetimeSATS

/// Why the engine refused an operation. Nothing was changed when one is thrown, except that sequence values handed
/// out on the way stay consumed.
@usableFromInline
package enum EngineError: Error, Equatable, Sendable {
    /// No table has this id or name.
    case noSuchTable(String)
    /// No index has this id or name.
    case noSuchIndex(String)
    /// The bytes are not a row of the table.
    case malformedRow(table: String, cause: BSATNError)
    /// The bytes are not a key, a prefix or a bound of the index.
    case malformedKey(index: String, cause: BSATNError)
    /// More prefix columns than the index has, or no column left for the bounds.
    case tooManyPrefixColumns(index: String, given: Int, limit: Int)
    /// Another row already has this value in the columns of a unique constraint.
    ///
    /// Keys in errors are texts for people: `first = "Ada", last = nil`.
    case uniqueViolation(table: String, constraint: String, columns: [String], key: String)
    /// An update found no row with the key of the new row.
    case noSuchRow(table: String, index: String, key: String)
    /// An update or a find went through an index that is not unique.
    case indexNotUnique(index: String)
    /// A hash index answers point look-ups only.
    case rangeOnHashIndex(index: String)
    /// The table holds as many pages as a row id can address.
    case tableFull(table: String)
    /// An auto-increment column was to get a number, and the sequence, which ends at `last`, has none left.
    case sequenceExhausted(table: String, column: String, last: Int128)
    /// The row is larger than one row may be.
    case rowTooLarge(table: String, byteCount: Int, limit: Int)
    /// A definition that the engine cannot store.
    case unsupportedSchema(table: String, reason: String)
    /// A condition names what its table does not have.
    case invalidCondition(table: String, reason: String)
    /// A condition is larger than one may be.
    case conditionTooLarge(table: String, what: String, limit: Int)
    /// The operation needs, or must not have, a running transaction.
    case transactionState(String)
    /// Rows that are to come under a unique constraint agree in its columns: up to ten of the keys.
    case duplicateKeys(table: String, constraint: String, columns: [String], keys: [String])
    /// Changes or pages from a file do not fit the tables they are for.
    case malformedChanges(String)
    /// A plan does not fit its tables, or its parts do not fit together.
    case invalidPlan(String)
    /// The value that was given for a parameter of a query is none of its type.
    case invalidParameter(number: Int, cause: BSATNError)
    /// A result does not fit the type of the operands, which has so many bytes.
    case arithmeticOverflow(operation: String, byteCount: Int)
    case divisionByZero
    /// A query came to the end of its budget: `what` it used up.
    case budgetExceeded(what: String, limit: Int)
    /// Whoever runs a query said that it should end.
    case queryStopped
}
