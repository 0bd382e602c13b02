package import SpacetimeEngine
package import SpacetimeQuery
import SpacetimeSchema

/// Conditions on tables, answered through indexes where one fits. To be used with the database's lock held.
package struct TableSearch {
    let planner: Planner
    let datastore: Datastore

    /// How rows are found, and what each of them is tested for.
    private struct Search {
        /// Nil if the whole table is read.
        let lookup: IndexLookup?
        let rest: RowPredicate?
    }

    /// The plan for a condition, as the data are now.
    ///
    /// An index hands rows out in the order of its keys, which jumps about in memory. So what covers a large part of its
    /// table is found faster by reading the whole table in the order in which it lies there. How much an index covers is
    /// counted in the index first, without touching rows.
    package func plan(_ predicate: RowPredicate, for table: TableID) throws(EngineError) -> ScanPlan {
        try checkSize(predicate, table)
        let plan = planner.plan(predicate, for: table)
        guard let lookup = IndexLookup(plan.access), try isWorthwhile(lookup, table) else {
            return ScanPlan(access: .table, rest: predicate)
        }
        return plan
    }

    private func search(_ predicate: RowPredicate, in table: TableID) throws(EngineError) -> Search {
        try checkSize(predicate, table)
        let plan = planner.plan(predicate, for: table)
        guard let lookup = IndexLookup(plan.access), try isWorthwhile(lookup, table) else {
            return Search(lookup: nil, rest: predicate == .all ? nil : predicate)
        }
        return Search(lookup: lookup, rest: plan.rest)
    }

    private func checkSize(_ predicate: RowPredicate, _ table: TableID) throws(EngineError) {
        try predicate.checkSize(table: datastore.schema(of: table)?.name ?? "#\(table.rawValue)")
    }

    /// If a range or a list covers more than one row in this many, the whole table is read.
    static let rowShare = 4
    /// If a list has more than one key for this many rows of the table, its keys are not looked up one by one.
    static let keyShare = 24

    private func isWorthwhile(_ lookup: IndexLookup, _ table: TableID) throws(EngineError) -> Bool {
        switch lookup {
        case .key: return true
        case .range(let index, let range):
            return try datastore.count(index, range: range) <= datastore.count(table) / Self.rowShare
        case .keys(let index, let keys):
            let rows = datastore.count(table)
            guard keys.values.count <= max(rows / Self.keyShare, 1) else { return false }
            // Each key finds at most one row, so there is nothing to count.
            if planner.table(table)?.index(index)?.isUnique ?? false { return true }
            return try datastore.count(index, keys: keys) <= rows / Self.rowShare
        case .any: return try examinedCount(lookup, table) <= datastore.count(table) / Self.rowShare
        }
    }

    /// Opens a scan of the rows that meet a condition, in no particular order.
    package func scan(
        _ table: TableID, where predicate: RowPredicate, window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        try scan(table, try search(predicate, in: table), window)
    }

    /// The same; nil if more rows than that would have to be looked at.
    func scan(
        _ table: TableID, where predicate: RowPredicate, examining limit: Int
    ) throws(EngineError) -> RowScan? {
        let search = try search(predicate, in: table)
        if datastore.count(table) > limit, try examinedCount(search.lookup, table) > limit { return nil }
        return try scan(table, search, ScanWindow())
    }

    /// The rows with a key; nil if there are more than that.
    func scan(
        _ table: TableID, by index: IndexID, key: [UInt8], examining limit: Int
    ) throws(EngineError) -> RowScan? {
        if datastore.count(table) > limit, try examinedCount(.key(index, key), table) > limit { return nil }
        return try withKey(key) { bytes throws(EngineError) in try datastore.scan(index, key: bytes) }
    }

    private func examinedCount(_ lookup: IndexLookup?, _ table: TableID) throws(EngineError) -> Int {
        switch lookup {
        case nil: return datastore.count(table)
        case .range(let index, let range): return try datastore.count(index, range: range)
        case .keys(let index, let keys): return try datastore.count(index, keys: keys)
        case .any(let lookups):
            var count = 0
            for lookup in lookups { count += try examinedCount(lookup, table) }
            return count
        case .key(let index, let key):
            if planner.table(table)?.index(index)?.isUnique ?? false { return 1 }
            return try withKey(key) { bytes throws(EngineError) in try datastore.count(index, key: bytes) }
        }
    }

    /// Opens the scan of a plan.
    func scan(
        _ table: TableID, by plan: ScanPlan, window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        try scan(table, Search(lookup: IndexLookup(plan.access), rest: plan.rest), window)
    }

    private func scan(_ table: TableID, _ search: Search, _ window: ScanWindow) throws(EngineError) -> RowScan {
        let rest = try compiledRest(of: search, for: table)
        switch search.lookup {
        case nil: return try datastore.scan(table, where: rest, window: window)
        case .range(let index, let range):
            return try datastore.scan(index, range: range, where: rest, window: window)
        case .keys(let index, let keys): return try datastore.scan(index, keys: keys, where: rest, window: window)
        case .any(let lookups): return try datastore.scan(table, any: lookups, where: rest, window: window)
        case .key(let index, let key):
            return try withKey(key) { bytes throws(EngineError) in
                try datastore.scan(index, key: bytes, where: rest, window: window)
            }
        }
    }

    /// How many rows meet a condition.
    package func count(_ table: TableID, where predicate: RowPredicate) throws(EngineError) -> Int {
        try checkSize(predicate, table)
        let plan = planner.plan(predicate, for: table)
        guard let lookup = IndexLookup(plan.access) else {
            guard let rest = plan.rest else { return datastore.count(table) }
            return try datastore.count(table, where: try datastore.compile(rest, for: table))
        }
        if plan.rest == nil {
            // Counted in the index, without a look at rows, however many there are.
            switch lookup {
            case .range(let index, let range): return try datastore.count(index, range: range)
            case .keys(let index, let keys) where try isWorthwhile(lookup, table):
                return try datastore.count(index, keys: keys)
            case .any(let lookups) where try isWorthwhile(lookup, table):
                return try datastore.count(table, any: lookups)
            case .keys, .any: break
            case .key(let index, let key):
                return try withKey(key) { bytes throws(EngineError) in try datastore.count(index, key: bytes) }
            }
        } else if try isWorthwhile(lookup, table) {
            let scan = try scan(table, Search(lookup: lookup, rest: plan.rest), ScanWindow())
            var total = 0
            while true {
                let count = scan.refill()
                if count == 0 { return total }
                total += count
            }
        }
        return try datastore.count(table, where: try datastore.compile(predicate, for: table))
    }

    /// Deletes the rows that meet a condition. Returns how many there were.
    package func delete(_ table: TableID, where predicate: RowPredicate) throws(EngineError) -> Int {
        let search = try search(predicate, in: table)
        let rest = try compiledRest(of: search, for: table)
        switch search.lookup {
        case nil:
            guard let rest else { return try datastore.clear(table) }
            return try datastore.delete(table, where: rest)
        case .range(let index, let range): return try datastore.delete(index, range: range, where: rest)
        case .keys(let index, let keys): return try datastore.delete(index, keys: keys, where: rest)
        case .any(let lookups): return try datastore.delete(table, any: lookups, where: rest)
        case .key(let index, let key):
            return try withKey(key) { bytes throws(EngineError) in
                try datastore.delete(index, key: bytes, where: rest)
            }
        }
    }

    private func compiledRest(of search: Search, for table: TableID) throws(EngineError) -> CompiledPredicate? {
        guard let rest = search.rest else { return nil }
        return try datastore.compile(rest, for: table)
    }

    private func withKey<Result>(
        _ key: [UInt8], _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Result
    ) throws(EngineError) -> Result {
        try key.withUnsafeBufferPointer { buffer throws(EngineError) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
