public import SpacetimeEngine
public import SpacetimeSATS

/// Row operations over bytes, for the code of this program: typed handles and the host itself. That the transaction runs,
/// and may write, is checked, and so are keys; rows are not: they must be rows of the table. Guests go through
/// ``GuestTransaction``.
extension TransactionReference {
    /// Inserts a row image; zeros in auto-increment columns are replaced in the buffer. False if the identical row was
    /// already there. The image must come from typed code: it is not checked.
    @usableFromInline
    package func insert(
        _ table: TableID, trusted row: UnsafeMutableRawBufferPointer
    ) throws(DatabaseError) -> Bool {
        try requireWritable()
        return try withDatastore { datastore throws(EngineError) in try datastore.insert(table, row: row) }
    }

    /// Replaces the row that has the same key in a unique index.
    @usableFromInline
    package func update(_ index: IndexID, trusted row: UnsafeMutableRawBufferPointer) throws(DatabaseError) {
        try requireWritable()
        try withDatastore { datastore throws(EngineError) in try datastore.update(index, row: row) }
    }

    /// Deletes the rows with that key; returns how many there were.
    @usableFromInline
    package func delete(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> Int {
        try requireWritable()
        return try withDatastore { datastore throws(EngineError) in try datastore.delete(index, key: key) }
    }

    @usableFromInline
    package func delete(_ index: IndexID, range: IndexRange) throws(DatabaseError) -> Int {
        try requireWritable()
        return try withDatastore { datastore throws(EngineError) in try datastore.delete(index, range: range) }
    }

    /// Deletes the row with exactly these bytes, which must be a row of the table. False if there is none.
    @usableFromInline
    package func delete(_ table: TableID, equalTo row: UnsafeRawBufferPointer) throws(DatabaseError) -> Bool {
        try requireWritable()
        return try withDatastore { datastore throws(EngineError) in try datastore.deleteRow(table, equalTo: row) }
    }

    @usableFromInline
    package func clear(_ table: TableID) throws(DatabaseError) -> Int {
        try requireWritable()
        return try withDatastore { datastore throws(EngineError) in try datastore.clear(table) }
    }

    /// The row with that key in a unique index. The pointer is valid until the next write.
    @usableFromInline
    package func find(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> UnsafeRawBufferPointer? {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return try picture.find(index, key: key) }
            noteRead(index, key: key)
        }
        return try withDatastore { datastore throws(EngineError) in try datastore.find(index, key: key) }
    }

    @usableFromInline
    package func count(_ table: TableID) -> Int {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return picture.count(table) }
            noteRead(table)
        }
        return runner.datastore.count(table)
    }

    @usableFromInline
    package func count(_ table: TableID, where condition: ScanCondition) throws(DatabaseError) -> Int {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return try picture.rows(of: table, where: condition).count }
            noteRead(table)
        }
        do throws(EngineError) { return try runner.search.count(table, where: condition.predicate) } catch {
            throw DatabaseError(error)
        }
    }

    @usableFromInline
    package func count(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> Int {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return try picture.rows(index, key: key).count }
            noteRead(index, key: key)
        }
        return try withDatastore { datastore throws(EngineError) in try datastore.count(index, key: key) }
    }

    @usableFromInline
    package func count(_ index: IndexID, range: IndexRange) throws(DatabaseError) -> Int {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return try picture.rows(index, range: range).count }
            noteRead(index, range: range)
        }
        return try withDatastore { datastore throws(EngineError) in try datastore.count(index, range: range) }
    }

    /// Where a column is; nil if the table has no such column. To be used while this transaction runs, not longer.
    @usableFromInline
    package func columnOffset(_ column: Int, fields: [Int]? = nil, of table: TableID) -> ColumnOffset? {
        requireCurrent()
        return try? withDatastore { datastore throws(EngineError) in
            datastore.columnOffset(column, fields: fields, of: table)
        }
    }

    /// Rows as of now. The scan may be read while this transaction runs, not longer.
    @usableFromInline
    package func scan(
        _ table: TableID, where condition: ScanCondition? = nil, window: ScanWindow = ScanWindow()
    ) throws(DatabaseError) -> RowScan {
        requireCurrent()
        if followsReads {
            if let picture = state.picture {
                return RowScan(copying: try picture.rows(of: table, where: condition, window))
            }
            noteRead(table)
        }
        guard let condition else {
            return try withDatastore { datastore throws(EngineError) in try datastore.scan(table, window: window) }
        }
        do throws(EngineError) {
            return try runner.search.scan(table, where: condition.predicate, window: window)
        } catch {
            throw DatabaseError(error)
        }
    }

    /// The rows with that key, in any kind of index.
    @usableFromInline
    package func scan(
        _ index: IndexID, key: UnsafeRawBufferPointer, window: ScanWindow = ScanWindow()
    ) throws(DatabaseError) -> RowScan {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return RowScan(copying: try picture.rows(index, key: key, window)) }
            noteRead(index, key: key)
        }
        return try withDatastore { datastore throws(EngineError) in
            try datastore.scan(index, key: key, window: window)
        }
    }

    @usableFromInline
    package func scan(
        _ index: IndexID, range: IndexRange, window: ScanWindow = ScanWindow()
    ) throws(DatabaseError) -> RowScan {
        requireCurrent()
        if followsReads {
            if let picture = state.picture { return RowScan(copying: try picture.rows(index, range: range, window)) }
            noteRead(index, range: range)
        }
        return try withDatastore { datastore throws(EngineError) in
            try datastore.scan(index, range: range, window: window)
        }
    }

    /// The rows that meet a condition, sorted by the key of an index that has no order itself.
    @usableFromInline
    package func sortedScan(
        _ index: IndexID, of table: TableID, where condition: ScanCondition?, window: ScanWindow
    ) throws(DatabaseError) -> RowScan {
        requireCurrent()
        if followsReads {
            if let picture = state.picture {
                return RowScan(copying: try picture.sortedRows(by: index, of: table, where: condition, window))
            }
            noteRead(table)
        }
        return try withDatastore { datastore throws(EngineError) in
            let predicate: CompiledPredicate?
            if let condition {
                predicate = try datastore.compile(condition.predicate, for: table)
            } else {
                predicate = nil
            }
            return try datastore.sortedScan(index, where: predicate, window: window)
        }
    }

    /// Calls `body` with the rows of a query's result, in its order. What it has written is there.
    package func forEachResult(
        of query: BoundQuery, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(DatabaseError) {
        requireCurrent()
        let catalog = runner.catalog
        func hand(_ row: UnsafeRawBufferPointer) -> Bool {
            body(row)
            return true
        }
        if followsReads {
            if let picture = state.picture {
                return try catalog.forEachResult(of: query, in: picture.snapshot, hand)
            }
            for table in query.tables { noteRead(table.id) }
        }
        try catalog.forEachResult(of: query, in: runner.datastore, hand)
    }

    /// Deletes the rows that meet a condition; returns how many there were.
    @usableFromInline
    package func delete(_ table: TableID, where condition: ScanCondition) throws(DatabaseError) -> Int {
        try requireWritable()
        do throws(EngineError) { return try runner.search.delete(table, where: condition.predicate) } catch {
            throw DatabaseError(error)
        }
    }

    /// Marks the point to which ``rollback(to:)`` returns.
    @usableFromInline
    package func savepoint() -> SavepointReference {
        requireCurrent()
        return SavepointReference(savepoint: runner.datastore.savepoint())
    }

    @usableFromInline
    package func rollback(to reference: SavepointReference) {
        requireCurrent()
        runner.datastore.rollback(to: reference.savepoint)
    }
}

/// A predicate on its way through inlinable code, which knows it only by name.
@usableFromInline
package struct ScanCondition: Hashable, Sendable {
    package let predicate: RowPredicate

    package init(_ predicate: RowPredicate) { self.predicate = predicate }
}

/// A point inside a transaction to which it can return.
@usableFromInline
package struct SavepointReference {
    let savepoint: Savepoint
}

extension RowScan {
    /// Calls `body` with the rows that are left.
    package func forEach<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        while true {
            let count = refill()
            if count == 0 { return }
            for position in 0..<count { try body(batch[position]) }
        }
    }
}

/// Row operations for typed handles, which encode a row or a key into the database's scratch memory first. Some of them do
/// not check that the transaction runs and may write: the handle has done so before it encoded, or before it looked up a
/// key that need not be encoded.
extension TransactionReference {
    @usableFromInline
    package func insertScratchRow(_ table: TableID) throws(DatabaseError) -> Bool {
        try requireWritable()
        let bytes = state.scratch.row.pointee.withUnsafeMutableBytes { $0 }
        return try withDatastore { datastore throws(EngineError) in try datastore.insert(table, row: bytes) }
    }

    @inlinable @inline(__always)
    package func updateScratchRow(_ index: IndexID) throws(DatabaseError) {
        let bytes = state.scratch.row.pointee.withUnsafeMutableBytes { $0 }
        guard let datastore = state.datastore else { return try updateOtherwise(index, bytes) }
        if datastore._withUnsafeGuaranteedRef({ $0.updatePoint(index, row: UnsafeRawBufferPointer(bytes)) }) { return }
        try updateOtherwise(index, bytes)
    }

    @usableFromInline
    package func insertScratchRow(_ table: TableID, rule: ConflictRule) throws(DatabaseError) -> ConflictOutcome {
        try requireWritable()
        let bytes = state.scratch.row.pointee.withUnsafeMutableBytes { $0 }
        return try withDatastore { datastore throws(EngineError) in
            try datastore.insert(table, row: bytes, rule: rule)
        }
    }

    @usableFromInline
    package func upsertScratchRow(_ index: IndexID) throws(DatabaseError) {
        try requireWritable()
        let bytes = state.scratch.row.pointee.withUnsafeMutableBytes { $0 }
        try withDatastore { datastore throws(EngineError) in try datastore.upsert(index, row: bytes) }
    }

    /// Replaces the row with the key in the scratch by the row in the scratch, whose key may be another.
    @usableFromInline
    package func updateScratchKey(_ index: IndexID) throws(DatabaseError) {
        try requireWritable()
        let key = state.scratch.key.pointee.withUnsafeBytes { $0 }
        let bytes = state.scratch.row.pointee.withUnsafeMutableBytes { $0 }
        try withDatastore { datastore throws(EngineError) in try datastore.update(index, key: key, row: bytes) }
    }

    /// The error of an update that found no row with the key in the scratch.
    @inline(never) @usableFromInline
    package func noSuchRow(_ index: IndexID) -> DatabaseError {
        let key = state.scratch.key.pointee.withUnsafeBytes { $0 }
        return DatabaseError(runner.datastore.noSuchRow(index, key: key))
    }

    @usableFromInline
    package func deleteScratchRow(_ table: TableID) throws(DatabaseError) -> Bool {
        try delete(table, equalTo: state.scratch.row.pointee.withUnsafeBytes { $0 })
    }

    /// Typed code encodes keys of the index's own types, so there is nothing to throw.
    @usableFromInline
    package func findScratchKey(_ index: IndexID) -> UnsafeRawBufferPointer? {
        find(index, scratch: state.scratch.key.pointee.withUnsafeBytes { $0 })
    }

    /// The same for an integer key of 4 or 8 bytes, which is handed on as it is instead of in the scratch.
    @inlinable @inline(__always)
    package func find(_ index: IndexID, bits: UInt64, byteCount: Int) -> UnsafeRawBufferPointer? {
        guard let datastore = state.datastore else { return findOtherwise(index, bits, byteCount) }
        switch datastore._withUnsafeGuaranteedRef({ $0.findPoint(index, bits: bits, byteCount: byteCount) }) {
        case .row(let row): return row
        case .none: return nil
        case .unknown: return findOtherwise(index, bits, byteCount)
        }
    }

    /// The same for several such keys at once.
    @usableFromInline
    package func find(
        _ index: IndexID, several bits: UnsafeBufferPointer<UInt64>, byteCount: Int,
        _ found: UnsafeMutableBufferPointer<UnsafeRawBufferPointer?>
    ) {
        let isDone = state.datastore?._withUnsafeGuaranteedRef {
            $0.findPoints(index, bits: bits, byteCount: byteCount, found)
        }
        if isDone == true { return }
        for (position, key) in bits.enumerated() { found[position] = findOtherwise(index, key, byteCount) }
    }

    @inline(never) @usableFromInline
    func findOtherwise(_ index: IndexID, _ bits: UInt64, _ byteCount: Int) -> UnsafeRawBufferPointer? {
        withUnsafeBytes(of: bits.littleEndian) {
            find(index, scratch: UnsafeRawBufferPointer(rebasing: $0[..<byteCount]))
        }
    }

    @inline(never)
    private func find(_ index: IndexID, scratch key: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        do throws(DatabaseError) { return try find(index, key: key) } catch { Self.broken(error) }
    }

    @inline(never) @usableFromInline
    func updateOtherwise(_ index: IndexID, _ row: UnsafeMutableRawBufferPointer) throws(DatabaseError) {
        try withDatastore { datastore throws(EngineError) in try datastore.update(index, row: row) }
    }

    @usableFromInline
    package func deleteScratchKey(_ index: IndexID) throws(DatabaseError) -> Int {
        try delete(index, key: state.scratch.key.pointee.withUnsafeBytes { $0 })
    }

    @inline(never) @usableFromInline
    package static func broken(_ error: some Error) -> Never {
        fatalError("a typed table handle does not fit its table, because its code was not generated for it: \(error)")
    }
}
