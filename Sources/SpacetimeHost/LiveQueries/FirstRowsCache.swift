import SpacetimeEngine

/// The first rows of queries, for those who subscribe to the same later: until the rows change, and within a bound. So a table
/// that each client reads at login is read, and encoded, once.
///
/// The oldest give way. A few rows, which an index finds in no time, are kept for the third who asks: most queries have one
/// client only.
struct FirstRowsCache {
    private var order: [LiveQuery] = []
    private var first = 0
    /// Queries whose rows are here.
    private var count = 0
    private(set) var byteCount = 0

    private static let byteLimit = 64 << 20
    /// With fewer rows it is not worth it.
    private static let leastRows = 16

    mutating func keep(_ rows: SharedDelta, of query: LiveQuery) {
        if rows.inserts.isEmpty {
            // All queries of a kind share it.
            drop(query)
            query.firstRows = rows
            return
        }
        guard rows.inserts.count >= Self.leastRows || query.isWatched, rows.byteCount <= Self.byteLimit / 4 else {
            return
        }
        drop(query)
        query.firstRows = rows
        count += 1
        byteCount += rows.byteCount
        order.append(query)
        while byteCount > Self.byteLimit, first < order.count { dropOldest() }
    }

    /// Forgets the rows of a query, because they have changed or nobody watches it any more.
    mutating func drop(_ query: LiveQuery) {
        guard let rows = query.firstRows else { return }
        if rows.inserts.isEmpty {
            query.firstRows = nil
            return
        }
        byteCount -= rows.byteCount
        query.firstRows = nil
        count -= 1
        // Its place in the order stays until it comes to the front; queries that change all the time would fill it.
        if order.count - first > count * 2 + 64 {
            var seen: Set<ObjectIdentifier> = []
            order = order[first...].filter { $0.firstRows != nil && seen.insert(ObjectIdentifier($0)).inserted }
            first = 0
        }
    }

    private mutating func dropOldest() {
        let oldest = order[first]
        first += 1
        drop(oldest)
        if first >= 64, first * 2 >= order.count {
            order.removeFirst(first)
            first = 0
        }
    }
}
