package import SpacetimeEngine
import SpacetimeSATS

extension DatabaseError {
    /// The public face of an engine error. Cold: it formats text.
    @inline(never)
    package init(_ error: EngineError) {
        switch error {
        case .noSuchTable(let name):
            self.init(.noSuchTable, "there is no table '\(name)'; check the name, or add the table to the module")
        case .noSuchIndex(let name):
            self.init(.noSuchIndex, "there is no index '\(name)'; check the name, or declare the index on its table")
        case .malformedRow(let table, let cause):
            self.init(.malformedRow, "the bytes are not a row of table '\(table)': \(cause)", cause: error)
        case .malformedKey(let index, let cause):
            self.init(.malformedKey, "the bytes are not a key of index '\(index)': \(cause)", cause: error)
        case .tooManyPrefixColumns(let index, let given, let limit):
            self.init(
                .malformedKey, "index '\(index)' takes at most \(limit) leading columns here, not \(given)",
                cause: error)
        case .uniqueViolation(let table, let constraint, _, let key):
            self.init(
                .uniqueViolation,
                "table '\(table)' already has a row with \(key) (constraint '\(constraint)'); update that row, or use "
                    + "another value", cause: error)
        case .noSuchRow(let table, let index, let key):
            self.init(
                .noSuchRow,
                "table '\(table)' has no row with \(key) (index '\(index)'); insert it first, or use upsert",
                cause: error)
        case .indexNotUnique(let index):
            self.init(
                .noSuchIndex, "index '\(index)' is not unique, so it cannot name one row; use filter", cause: error)
        case .rangeOnHashIndex(let index):
            self.init(
                .noSuchIndex, "index '\(index)' is a hash index and knows no ranges; declare it as .btree",
                cause: error)
        case .tableFull(let table):
            self.init(.limitReached, "table '\(table)' holds as many rows as it can address", cause: error)
        case .sequenceExhausted(let table, let column, let last):
            self.init(
                .limitReached,
                "the numbers for column '\(column)' of table '\(table)' are used up: they end at \(last), and none is given "
                    + "out twice; insert rows with numbers of your own that are free, or give the column a wider type",
                cause: error)
        case .rowTooLarge(let table, let byteCount, let limit):
            self.init(
                .limitReached, "a row of \(byteCount) bytes is too large for table '\(table)' (limit \(limit))",
                cause: error)
        case .unsupportedSchema(let table, let reason):
            self.init(.invalidModule, "table '\(table)' cannot be stored: \(reason)", cause: error)
        case .invalidCondition(let table, let reason):
            self.init(
                .invalidCondition, "a condition does not fit table '\(table)': \(reason); compare columns that it has",
                cause: error)
        case .conditionTooLarge(let table, let what, let limit):
            self.init(
                .limitReached,
                "a condition on table '\(table)' has more than \(limit) \(what); "
                    + "look for many values of one column with contains, or put them into a table of their own",
                cause: error)
        case .duplicateKeys(let table, let constraint, _, let keys):
            self.init(
                .uniqueViolation,
                "table '\(table)' has several rows with \(keys.joined(separator: "; ")), which constraint '\(constraint)' "
                    + "forbids; change or delete those rows first",
                cause: error)
        case .malformedChanges(let text):
            self.init(.damaged, "stored changes do not fit the tables they are for: \(text)", cause: error)
        case .invalidPlan(let text):
            self.init(.internalInconsistency, "a query was planned wrongly: \(text)", cause: error)
        case .invalidParameter(let number, let cause):
            self.init(
                .invalidCondition,
                "the value of parameter \(number) is not of its type: \(cause); give one in the BSATN of the type",
                cause: error)
        case .arithmeticOverflow(let operation, let byteCount):
            self.init(
                .arithmeticFailure,
                "the result of '\(operation)' does not fit its type, integers of \(byteCount * 8) bits; use a column of a wider "
                    + "type, or leave out the rows whose values are too large or too small", cause: error)
        case .divisionByZero:
            self.init(
                .arithmeticFailure, "an integer was divided by zero; leave out the rows whose divisor is zero",
                cause: error)
        case .budgetExceeded(let what, let limit):
            self.init(
                .limitReached,
                "the query reached its limit of \(limit) \(what); narrow it down, add an index, or raise the limit",
                cause: error)
        case .queryStopped:
            self.init(
                .limitReached, "the query was stopped, or ran out of time; narrow it down, or add an index",
                cause: error)
        case .transactionState(let text):
            self.init(.internalInconsistency, text, cause: error)
        }
    }
}
