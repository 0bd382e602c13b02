import SpacetimeSchema

/// Scans and counts inside the running transaction.
extension Datastore {
    /// Every row that satisfies the predicate, in page order.
    @usableFromInline
    package func scan(_ id: TableID, where predicate: CompiledPredicate? = nil) throws(EngineError) -> RowScan {
        let table = try table(id)
        return open(.pages(page: 0, word: 0, bits: 0), table, predicate)
    }

    /// The rows in a range of an ordered index, in key order.
    @usableFromInline
    package func scan(
        _ id: IndexID, range: IndexRange, where predicate: CompiledPredicate? = nil
    ) throws(EngineError) -> RowScan {
        let (table, position) = try index(id)
        try validate(range, table, position)
        return open(
            source(table.pointee.indexPointer(position).pointee.select(range, table.pointee.rows)), table, predicate)
    }

    /// The rows with that key (the BSATN of the index's columns), in any kind of index.
    @usableFromInline
    package func scan(
        _ id: IndexID, key: UnsafeRawBufferPointer, where predicate: CompiledPredicate? = nil
    ) throws(EngineError) -> RowScan {
        let (table, position) = try index(id)
        try validateKey(key, table, position)
        return open(
            source(table.pointee.indexPointer(position).pointee.select(probe: key, table.pointee.rows)), table,
            predicate)
    }

    private func source(_ selection: TableIndex.Selection) -> ScanState.Source {
        switch selection {
        case .none: .done
        case .rows(let rows): .list(rows, next: 0)
        case .positions(let start, let end): .tree(start, end)
        }
    }

    private func open(
        _ source: ScanState.Source, _ table: StoredTable.Pointer, _ predicate: CompiledPredicate?
    ) -> RowScan {
        state.pointee.openScanTables += 1
        return RowScan(source, table: table, predicate: predicate, datastore: self)
    }

    /// Makes a predicate ready for a table.
    package func compile(_ predicate: RowPredicate, for id: TableID) throws(EngineError) -> CompiledPredicate {
        try CompiledPredicate(predicate, for: try table(id).pointee.schema)
    }

    /// How many rows satisfy the predicate. Linear in the rows of the table.
    @usableFromInline
    package func count(_ id: TableID, where predicate: CompiledPredicate) throws(EngineError) -> Int {
        let table = try table(id)
        return table.pointee.rowsPointer().pointee.storage.count(where: predicate)
    }

    /// How many rows lie in a range of an ordered index. Linear in the index's leaves that the range covers.
    @usableFromInline
    package func count(_ id: IndexID, range: IndexRange) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try validate(range, table, position)
        return count(table.pointee.indexPointer(position).pointee.select(range, table.pointee.rows))
    }

    /// How many rows have that key.
    @usableFromInline
    package func count(_ id: IndexID, key: UnsafeRawBufferPointer) throws(EngineError) -> Int {
        let (table, position) = try index(id)
        try validateKey(key, table, position)
        return count(table.pointee.indexPointer(position).pointee.select(probe: key, table.pointee.rows))
    }

    private func count(_ selection: TableIndex.Selection) -> Int {
        switch selection {
        case .none: 0
        case .rows(let rows): rows.count
        case .positions(let start, let end): BTree.distance(from: start, to: end)
        }
    }
}
