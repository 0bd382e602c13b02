import SpacetimeEngine
import SpacetimeSATS

/// One distinct query with everybody who subscribed to it: evaluated once per commit. Guarded by the database's lock.
///
/// There may be a million of them, so what queries share is in their template.
final class LiveQuery {
    struct Subscriber {
        let session: Session
        let set: QuerySetID
        /// Position of the query in the set.
        let position: Int
    }

    /// What a commit changed, while it is being observed.
    struct Changes {
        var deletes = RowBatch()
        var inserts = RowBatch()
    }

    let template: LiveTemplate
    /// What a changed row must have in the template's key fields: a key, or one of several.
    let keys: [[UInt8]]
    /// The values of the template's parameters (``pack(_:)``). Kept only where the keys do not say them all.
    let values: [UInt8]
    /// What the rows must meet besides; nil if nothing.
    let rest: CompiledPredicate?
    /// Its entry among the areas, if it is found by where rows lie.
    var areaEntry: UInt32?
    var subscribers: [Subscriber] = []
    /// Rows of the running commit.
    var changes: Changes?
    /// The rows that the query begins with, as long as they are its rows.
    var firstRows: SharedDelta?
    /// How many rows went out, to each subscriber once.
    var rowsProduced = 0

    init(_ template: LiveTemplate, keys: [[UInt8]], values: [UInt8], rest: CompiledPredicate?) {
        self.template = template
        self.keys = keys
        self.values = values
        self.rest = rest
    }

    /// Values as one, so that a query keeps one array: each behind its length.
    static func pack(_ values: [[UInt8]]) -> [UInt8] {
        var packed: [UInt8] = []
        packed.reserveCapacity(values.reduce(0) { $0 + $1.count + 5 })
        for value in values {
            if value.count < 255 {
                packed.append(UInt8(value.count))
            } else {
                packed.append(255)
                packed += UInt32(truncatingIfNeeded: value.count).bsatn()
            }
            packed += value
        }
        return packed
    }

    @inline(__always)
    func matches(_ row: UnsafeRawBufferPointer) -> Bool { rest?.matches(row) ?? true }
}
