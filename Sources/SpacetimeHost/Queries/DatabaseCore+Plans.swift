package import SpacetimeEngine

/// Conditions on tables, answered through indexes where one fits. With the lock held.
extension DatabaseCore {
    /// The plan for a condition.
    ///
    /// A range that covers much of its table is not worth an index, whose order jumps about in memory: the range is
    /// counted first, which reads its leaves only.
    package func plan(_ predicate: RowPredicate, for table: TableID) throws(EngineError) -> ScanPlan {
        let plan = planner.plan(predicate, for: table)
        guard case .range(let index, let range) = plan.access,
            try datastore.count(index, range: range) > datastore.count(table) / Self.rangeShare
        else { return plan }
        return ScanPlan(access: .table, rest: predicate)
    }

    /// Above one row in this many a range is read from the table.
    static let rangeShare = 4

    /// Opens a scan of the rows that meet a condition, in no particular order.
    package func scan(_ table: TableID, where predicate: RowPredicate) throws(EngineError) -> RowScan {
        let plan = try plan(predicate, for: table)
        let rest: CompiledPredicate?
        if let predicate = plan.rest { rest = try datastore.compile(predicate, for: table) } else { rest = nil }
        switch plan.access {
        case .table: return try datastore.scan(table, where: rest)
        case .range(let index, let range): return try datastore.scan(index, range: range, where: rest)
        case .key(let index, let key):
            return try withKey(key) { bytes throws(EngineError) in
                try datastore.scan(index, key: bytes, where: rest)
            }
        }
    }

    /// How many rows meet a condition.
    package func count(_ table: TableID, where predicate: RowPredicate) throws(EngineError) -> Int {
        let plan = planner.plan(predicate, for: table)
        guard let rest = plan.rest else {
            switch plan.access {
            case .table: return datastore.count(table)
            case .range(let index, let range): return try datastore.count(index, range: range)
            case .key(let index, let key):
                return try withKey(key) { bytes throws(EngineError) in try datastore.count(index, key: bytes) }
            }
        }
        if case .table = plan.access {
            return try datastore.count(table, where: try datastore.compile(rest, for: table))
        }
        if case .table = try self.plan(predicate, for: table).access {
            return try datastore.count(table, where: try datastore.compile(predicate, for: table))
        }
        let scan = try scan(table, where: predicate)
        var total = 0
        while true {
            let count = scan.refill()
            if count == 0 { return total }
            total += count
        }
    }

    private func withKey<Result>(
        _ key: [UInt8], _ body: (UnsafeRawBufferPointer) throws(EngineError) -> Result
    ) throws(EngineError) -> Result {
        try key.withUnsafeBufferPointer { buffer throws(EngineError) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
