import SpacetimeSchema

/// The numbers that an auto-increment column hands out.
///
/// Values are not given back by a rollback. After `maximum` comes `minimum` again (and the other way round for a
/// negative increment), keeping the step; a value is cut to the column's width when it is stored.
struct SequenceState {
    let schema: SequenceSchema
    let column: Int
    /// Bytes of the column.
    let width: Int
    private(set) var next: Int128
    /// What the log knows ``next`` to be.
    private(set) var logged: Int128

    init(schema: SequenceSchema, width: Int) {
        self.schema = schema
        self.width = width
        column = Int(schema.column.rawValue)
        next = schema.start
        logged = schema.start
    }

    /// True if numbers were taken that the log does not know of; from now on it does.
    mutating func claimUnlogged() -> Bool {
        if next == logged { return false }
        logged = next
        return true
    }

    /// Moves on behind a value that came from elsewhere, if it lies ahead and within the range.
    mutating func advance(past value: Int128) {
        guard value >= schema.minimum, value <= schema.maximum else { return }
        guard schema.increment > 0 ? value >= next : value <= next else { return }
        next = value
        _ = take()
    }

    mutating func take() -> Int128 {
        let value = next
        let (sum, overflow) = next.addingReportingOverflow(schema.increment)
        if schema.increment > 0 {
            next = overflow || sum > schema.maximum ? schema.minimum : sum
        } else {
            next = overflow || sum < schema.minimum ? schema.maximum : sum
        }
        return value
    }

    /// Goes on at this value, as after loading a snapshot.
    mutating func restart(at value: Int128) {
        next = value
        logged = value
    }
}
