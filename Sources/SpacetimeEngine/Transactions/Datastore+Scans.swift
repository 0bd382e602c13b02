import SpacetimeSchema

// Memory safety. Checked bytes: keys are validated before they are looked up.

/// Scans and counts inside the running transaction.
extension Datastore {
    /// Every row that satisfies the predicate, in page order.
    @usableFromInline
    package func scan(
        _ id: TableID, where predicate: CompiledPredicate? = nil, window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        let table = try table(id)
        let source: ScanState.Source =
            window.isReversed ? ScanState.pagesFromTheBack(table.rows) : .pages(page: 0, unit: 0)
        return open(source, table, predicate, window)
    }

    /// The rows in a range of an ordered index, in key order.
    @usableFromInline
    package func scan(
        _ id: IndexID, range: IndexRange, where predicate: CompiledPredicate? = nil, window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        let (table, position) = try index(id)
        try validate(range, table, position)
        let selection = table.indexes[position].select(range, table.rows)
        return open(source(selection, position, table, window), table, predicate, window)
    }

    /// The rows with that key (the BSATN of the index's columns), in any kind of index.
    @usableFromInline
    package func scan(
        _ id: IndexID, key: UnsafeRawBufferPointer, where predicate: CompiledPredicate? = nil,
        window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        let (table, position) = try index(id)
        try unsafe validateKey(key, table, position)
        let selection = unsafe table.indexes[position].select(probe: key, table.rows)
        return open(source(selection, position, table, window), table, predicate, window)
    }

    /// The rows with one of some keys, in the order of the keys. All of them are looked up at once.
    package func scan(
        _ id: IndexID, keys: KeyList, where predicate: CompiledPredicate? = nil, window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        let (table, position) = try index(id)
        return open(list(try rowIDs(of: keys, position, of: table), window), table, predicate, window)
    }

    /// The rows that one of several look-ups finds, in no particular order. All of them are looked up at once.
    package func scan(
        _ id: TableID, any lookups: [IndexLookup], where predicate: CompiledPredicate?, window: ScanWindow
    ) throws(EngineError) -> RowScan {
        let table = try table(id)
        return open(list(try rowIDs(ofAny: lookups, in: table), window), table, predicate, window)
    }

    /// The rows that satisfy the predicate in the order of an index that is not ordered: they are sorted.
    package func sortedScan(
        _ id: IndexID, where predicate: CompiledPredicate? = nil, window: ScanWindow = ScanWindow()
    ) throws(EngineError) -> RowScan {
        let (table, position) = try index(id)
        let ids = sortedRowIDs(by: position, of: table, where: predicate, window)
        return open(.list(ids, next: 0), table, nil, window)
    }

    func source(
        _ selection: TableIndex.Selection, _ position: Int, _ table: TableRef, _ window: ScanWindow
    ) -> ScanState.Source {
        switch selection {
        case .none: return .done
        case .rows(let rows): return list(rows, window)
        case .positions(let start, let end): return window.isReversed ? .treeBackward(start, end) : .tree(start, end)
        case .keys(let first, let last):
            let index = table.indexes.reference(to: position)
            return window.isReversed ? .directBackward(index, first, last) : .direct(index, first, last)
        }
    }

    private func list(_ ids: [UInt32], _ window: ScanWindow) -> ScanState.Source {
        .list(window.isReversed ? ids.reversed() : ids, next: 0)
    }

    private func open(
        _ source: ScanState.Source, _ table: TableRef, _ predicate: CompiledPredicate?, _ window: ScanWindow
    ) -> RowScan {
        if state.openScanTables < State.scannedLimit { state.scanned.append(table) }
        state.openScanTables += 1
        return RowScan(source, limit: window.limit, table: table, predicate: predicate, datastore: self)
    }

    /// Makes a predicate ready for a table.
    package func compile(_ predicate: RowPredicate, for id: TableID) throws(EngineError) -> CompiledPredicate {
        try CompiledPredicate(predicate, for: try table(id).schema)
    }

    /// How many rows satisfy the predicate. Linear in the rows of the table.
    @usableFromInline
    package func count(_ id: TableID, where predicate: CompiledPredicate) throws(EngineError) -> Int {
        let table = try table(id)
        return table.storage.count(where: predicate)
    }

    /// How many rows lie in a range of an ordered index. Linear in the index's leaves that the range covers.
    @usableFromInline
    package func count(_ id: IndexID, range: IndexRange) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try validate(range, table, position)
        return count(table.indexes[position].select(range, table.rows), position, table)
    }

    /// How many rows lie in a range of an ordered index, or `limit` if there are more.
    package func count(_ id: IndexID, range: IndexRange, upTo limit: Int) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try validate(range, table, position)
        switch table.indexes[position].select(range, table.rows) {
        case .none: return 0
        case .rows(let rows): return min(rows.count, limit)
        case .positions(let start, let end): return BTree.distance(from: start, to: end, limit: limit)
        case .keys(let first, let last):
            if limit == .max { return table.indexes[position].direct.rows(from: first, through: last).count }
            // The keys of such an index lie close to each other.
            return min(Int(clamping: last &- first), table.count, limit)
        }
    }

    /// How many rows have that key.
    @usableFromInline
    package func count(_ id: IndexID, key: UnsafeRawBufferPointer) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try unsafe validateKey(key, table, position)
        return unsafe count(
            table.indexes[position].select(probe: key, table.rows), position, table)
    }

    /// How many rows have one of some keys.
    package func count(_ id: IndexID, keys: KeyList) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        return try rowIDs(of: keys, position, of: table).count
    }

    /// How many rows one of several look-ups finds.
    package func count(_ id: TableID, any lookups: [IndexLookup]) throws(EngineError) -> Int {
        try rowIDs(ofAny: lookups, in: try table(id)).count
    }

    func count(_ selection: TableIndex.Selection, _ position: Int, _ table: TableRef) -> Int {
        switch selection {
        case .none: 0
        case .rows(let rows): rows.count
        case .positions(let start, let end): BTree.distance(from: start, to: end)
        case .keys(let first, let last):
            table.indexes[position].direct.rows(from: first, through: last).count
        }
    }
}
