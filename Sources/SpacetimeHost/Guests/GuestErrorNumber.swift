import SpacetimeEngine

/// The numbers by which a host tells a guest why something was not done.
package enum GuestErrorNumber: UInt16, Sendable, CaseIterable {
    case notInTransaction = 2
    case decodeError = 3
    case noSuchTable = 4
    case noSuchIndex = 5
    case noSuchIterator = 6
    case noSuchConsoleTimer = 7
    case noSuchBytes = 8
    case wrongIndexAlgorithm = 10
    case bufferTooSmall = 11
    case uniqueAlreadyExists = 12
    case scheduleDelayTooLong = 13
    case indexNotUnique = 14
    case noSuchRow = 15
    case autoIncrementOverflow = 16
    case wouldBlockTransaction = 17
    case transactionNotAnonymous = 18
    case transactionIsReadOnly = 19
    case httpError = 21

    /// Nil if guests have no number for the error: the call cannot go on then.
    package init?(_ error: DatabaseError) {
        switch (error.code, error.cause as? EngineError) {
        case (.transactionEnded, _): self = .notInTransaction
        case (.malformedRow, _), (.malformedKey, _): self = .decodeError
        case (.noSuchTable, _): self = .noSuchTable
        case (_, .rangeOnHashIndex?): self = .wrongIndexAlgorithm
        case (_, .indexNotUnique?): self = .indexNotUnique
        case (.noSuchIndex, _): self = .noSuchIndex
        case (.uniqueViolation, _): self = .uniqueAlreadyExists
        case (.noSuchRow, _): self = .noSuchRow
        case (_, .sequenceExhausted?): self = .autoIncrementOverflow
        case (.readOnly, _): self = .transactionIsReadOnly
        default: return nil
        }
    }
}
