package import SpacetimeEngine

extension Datastore: PlanStatistics {
    package func rowCount(of table: TableID) -> Int { count(table) }

    package func keyCount(of index: IndexID) -> Int { estimatedKeyCount(of: index) }

    package func rowCount(of access: Plan.Access) -> Int? {
        guard let lookup = IndexLookup(access) else { return nil }
        switch lookup {
        case .key: return nil
        case .range(let index, let range): return try? count(index, range: range)
        // As many look-ups as the query itself makes.
        case .keys: return nil
        }
    }
}
