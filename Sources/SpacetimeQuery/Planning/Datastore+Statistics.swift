package import SpacetimeEngine

extension Datastore: PlanStatistics {
    private static let countedRanges = 64

    package func rowCount(of table: TableID) -> Int { count(table) }

    package func keyCount(of index: IndexID) -> Int { estimatedKeyCount(of: index) }

    package func rowCount(of access: Plan.Access) -> Int? { rowCount(of: access, upTo: .max) }

    /// The same, or `limit` if there are more.
    func rowCount(of access: Plan.Access, upTo limit: Int) -> Int? {
        if case .ranges(let index, let prefix, let intervals) = access {
            // More would take long.
            if intervals.count > Self.countedRanges { return nil }
            var count = 0
            for interval in intervals {
                let range = Plan.KeyRange(prefix: prefix, lower: interval.lower, upper: interval.upper)
                guard let some = rowCount(of: .range(index, range), upTo: limit) else { return nil }
                count += some
                if count >= limit { return limit }
            }
            return count
        }
        guard let lookup = IndexLookup(access) else { return nil }
        switch lookup {
        case .key: return nil
        case .range(let index, let range): return try? count(index, range: range, upTo: limit)
        // As many look-ups as the query itself makes.
        case .keys, .any: return nil
        }
    }
}
