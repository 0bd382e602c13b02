import SpacetimeEngine
import SpacetimeSchema

/// Reads the rows of a picture for a transaction that has no datastore: a view that is evaluated on a snapshot.
///
/// What is found by an index costs a look at all rows at first, see ``DatastoreSnapshot``; the rows of a scan are copied before the
/// first is shown. Belongs to one thread at a time.
final class PictureReader {
    let snapshot: DatastoreSnapshot
    private let catalog: Catalog
    /// Rows that were found by themselves, which stay as they are to the end of the transaction.
    private var found: [UnsafeMutableRawBufferPointer] = []

    init(_ snapshot: DatastoreSnapshot, _ catalog: Catalog) {
        self.snapshot = snapshot
        self.catalog = catalog
    }

    deinit { for row in found { row.deallocate() } }

    // MARK: By an index

    func find(_ index: IndexID, key: UnsafeRawBufferPointer) throws(DatabaseError) -> UnsafeRawBufferPointer? {
        guard try schema(index).isUnique else {
            throw DatabaseError(.indexNotUnique(index: try schema(index).name))
        }
        let rows = try self.rows(index, key: key, ScanWindow(limit: 1))
        guard rows.count > 0 else { return nil }
        let row = rows[0]
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(row.count, 1), alignment: 16)
        copy.copyBytes(from: row)
        found.append(copy)
        return UnsafeRawBufferPointer(rebasing: copy[..<row.count])
    }

    /// The rows with a key: the values of all columns of the index.
    func rows(
        _ index: IndexID, key: UnsafeRawBufferPointer, _ window: ScanWindow = ScanWindow()
    ) throws(DatabaseError) -> RowBatch {
        let columns = try schema(index).columns
        return try rows(index, IndexRange(prefix: Array(key), prefixColumns: columns.count), window)
    }

    /// The rows in a range of an ordered index, in the order of their keys.
    func rows(
        _ index: IndexID, range: IndexRange, _ window: ScanWindow = ScanWindow()
    ) throws(DatabaseError) -> RowBatch {
        let schema = try schema(index)
        guard schema.algorithm != .hash else { throw DatabaseError(.rangeOnHashIndex(index: schema.name)) }
        return try rows(index, range, window)
    }

    private func rows(
        _ index: IndexID, _ range: IndexRange, _ window: ScanWindow
    ) throws(DatabaseError) -> RowBatch {
        guard let table = catalog.table(of: index) else { throw noSuchIndex(index) }
        let columns = try schema(index).columns
        do throws(EngineError) {
            return try snapshot.rows(
                of: table, by: columns, in: range, isReversed: window.isReversed, limit: window.limit)
        } catch { throw DatabaseError(error) }
    }

    private func schema(_ index: IndexID) throws(DatabaseError) -> IndexSchema {
        guard let schema = catalog.schema(of: index) else { throw noSuchIndex(index) }
        return schema
    }

    private func noSuchIndex(_ index: IndexID) -> DatabaseError { DatabaseError(.noSuchIndex("#\(index.rawValue)")) }

    // MARK: Whole tables

    func count(_ table: TableID) -> Int { snapshot.count(table) }

    func rows(
        of table: TableID, where condition: ScanCondition?, _ window: ScanWindow = ScanWindow()
    ) throws(DatabaseError) -> RowBatch {
        // The last rows are known when all have been found.
        let limit = window.isReversed ? Int.max : max(0, window.limit)
        var rows = RowBatch()
        try collect(table, condition, limit) { rows.append($0) }
        return window.isReversed ? Self.reversed(rows, window.limit) : rows
    }

    /// Sorted by the columns of an index, which need not be ordered itself.
    func sortedRows(
        by index: IndexID, of table: TableID, where condition: ScanCondition?, _ window: ScanWindow
    ) throws(DatabaseError) -> RowBatch {
        var rows = RowBatch()
        let columns = try schema(index).columns
        do {
            try catalog.forEachRow(
                of: table, in: snapshot, where: condition?.predicate ?? .all, orderedBy: columns.map { FieldPath($0) },
                descending: window.isReversed, limit: window.limit
            ) { rows.append($0) }
        } catch { throw error as? DatabaseError ?? DatabaseError(.internalInconsistency, "\(error)", cause: error) }
        return rows
    }

    private struct Enough: Error {}

    private func collect(
        _ table: TableID, _ condition: ScanCondition?, _ limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(DatabaseError) {
        if limit == 0 { return }
        var count = 0
        do {
            try catalog.forEachRow(of: table, in: snapshot, where: condition?.predicate ?? .all) { row in
                body(row)
                count += 1
                if count == limit { throw Enough() }
            }
        } catch is Enough {
        } catch { throw error as? DatabaseError ?? DatabaseError(.internalInconsistency, "\(error)", cause: error) }
    }

    private static func reversed(_ rows: RowBatch, _ limit: Int) -> RowBatch {
        var turned = RowBatch()
        for position in (0..<rows.count).reversed().prefix(max(0, limit)) {
            rows[position].withUnsafeBytes { turned.append($0) }
        }
        return turned
    }
}

extension TransactionRunner {
    /// Runs code that only reads over the rows of a picture, without the lock. It sees the tables as a transaction does.
    ///
    /// - Parameter caller: on whose behalf.
    func withTransaction<Result>(
        over snapshot: DatastoreSnapshot, as caller: Caller, _ body: (TransactionReference) throws -> Result
    ) throws -> Result {
        let scratch = Scratch()
        // The map of the tables never changes while the database is open.
        var content = TransactionState(owner: caller, scratch: scratch, tableMap: state.tableMap)
        content.isOwnersCall = false
        content.runner = .passUnretained(self)
        content.picture = PictureReader(snapshot, catalog)
        content.timestamp = clock.now()
        content.hasTimestamp = true
        content.isRandomSeeded = true
        let state = StateBlocks.take(content)
        defer {
            StateBlocks.give(state)
            scratch.deallocate()
        }
        // Not that of a transaction that had this memory before.
        state.pointee.serial &+= 1
        let result = try body(TransactionReference(state))
        if let failure = state.pointee.takeFailure() { throw failure }
        return result
    }
}
