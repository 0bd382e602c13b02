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

    init(schema: SequenceSchema, width: Int) {
        self.schema = schema
        self.width = width
        column = Int(schema.column.rawValue)
        next = schema.start
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
    mutating func restart(at value: Int128) { next = value }
}
