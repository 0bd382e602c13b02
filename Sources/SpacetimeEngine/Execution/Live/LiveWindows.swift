package import SpacetimeSchema

// Memory safety. Valid images: rows are those of the table.

/// Windows over the rows of one table in one order, kept up to date: `ORDER BY score DESC LIMIT 10 OFFSET 20`.
///
/// Whoever owns it says which rows there are: those that meet the query's conditions. After a commit it is given those that
/// went and those that came, and tells for each window which rows left it and which came into it. All windows in this order over
/// the same rows share one structure.
///
/// ```text
/// let windows = try LiveWindows(by: [.init(score, isDescending: true)], for: schema, following: index)
/// let topTen = try windows.add(offset: 0, limit: 10, in: datastore)
/// let first = windows.rows(of: topTen)
/// for (window, changes) in try windows.apply(deletes: …, inserts: …, in: datastore) { … }
/// ```
///
/// Without an index it keeps a copy of every row, in order. With an ordered index that leads to the rows in the order of the
/// first field it keeps only those up to the end of the last window and some more behind them, and looks into the index when
/// too many of these have gone. A change costs a way down a tree; one behind what is kept costs one comparison. See
/// <doc:LiveWindowsAndAggregates>.
package final class LiveWindows {
    /// Names one of the windows.
    package struct ID: Hashable, Sendable {
        fileprivate let position: Int
    }

    /// An ordered index of the table that leads to the rows of the query by the first field of the order.
    package struct Index: Hashable, Sendable {
        package var id: IndexID
        /// The values of the leading columns in all rows of the query, in BSATN; the column behind them is the first field
        /// of the order, as a whole.
        package var prefix: [UInt8]
        package var prefixColumns: Int

        package init(_ id: IndexID, prefix: [UInt8] = [], prefixColumns: Int = 0) {
            self.id = id
            self.prefix = prefix
            self.prefixColumns = prefixColumns
        }
    }

    private let state: Ref<WindowSet>

    /// - Parameters:
    ///   - index: if nil, all rows are kept here, and ``fill(_:)`` has to be called with each before windows are added.
    ///   - predicate: what rows found by the index must meet.
    ///   - slack: rows kept behind the last window, at least.
    /// - Throws: `invalidCondition` if a field is not there, or the first one cannot come from an index.
    package init(
        by terms: [RowOrder.Term], for schema: TableSchema, following index: Index? = nil,
        where predicate: CompiledPredicate? = nil, slack: Int = 64
    ) throws(EngineError) {
        let order = try WindowOrder(terms, for: schema)
        if index != nil, order.leadingColumn == nil {
            throw .invalidCondition(
                table: schema.name, reason: "no index has the rows in the order of a part of a column")
        }
        state = Ref(WindowSet(order, tableName: schema.name, index, predicate, slack: slack))
    }

    deinit { state.destroy() }

    /// Bytes of all memory.
    package var byteCount: Int { state.value.byteCount }
    /// Rows of which a copy is kept.
    package var keptCount: Int { state.value.keptCount }
    /// The number of windows.
    package var count: Int { state.value.windowCount }

    /// Adds one of the rows that there are when it is made, if there is no index. They may come in any order, from a snapshot
    /// too, if the changes since follow before any window is added.
    package func fill(_ row: UnsafeRawBufferPointer) { unsafe state.value.fill(row) }

    /// Adds a window. Its rows may be had at once.
    ///
    /// - Parameters:
    ///   - datastore: what the table is in, as it was left by the commit that was applied last. Not looked at without an index,
    ///     so that this then needs no lock.
    ///   - examinedLimit: how many rows may be looked at to fill the window along the index.
    /// - Throws: if the index is not there; `budgetExceeded`, behind which this must not be used any more.
    package func add(
        offset: Int, limit: Int, in datastore: Datastore, examining examinedLimit: Int = .max
    ) throws(EngineError) -> ID {
        let window = WindowState(offset: max(offset, 0), limit: max(limit, 0))
        return ID(position: try state.value.add(window, datastore, examinedLimit))
    }

    /// Forgets a window. What is kept for it goes with one of the next commits.
    package func remove(_ id: ID) { state.value.remove(id.position) }

    /// How many rows a window has.
    package func rowCount(of id: ID) -> Int { state.value.rowCount(of: id.position) }

    /// The rows of a window, in order.
    package func rows(of id: ID) -> RowBatch { state.value.rows(of: id.position) }

    /// Follows a row that came into the query; ``finish(in:)`` tells what that changed.
    ///
    /// - Returns: false if it is not kept: it is there already, or behind all that are.
    @discardableResult
    package func insert(_ row: UnsafeRawBufferPointer) -> Bool { unsafe state.value.insert(row) }

    /// Follows a row that left the query; ``finish(in:)`` tells what that changed.
    package func delete(_ row: UnsafeRawBufferPointer) { unsafe state.value.delete(row) }

    /// The net changes of the windows since the last time: those that changed, in the order of their ids. The rows of each are in
    /// the order of the window.
    ///
    /// - Parameter datastore: what the table is in, with the changes that were followed and no others.
    /// - Throws: if the index is not there.
    package func finish(in datastore: Datastore) throws(EngineError) -> [(window: ID, changes: RowChanges)] {
        let changes = try state.value.finish(datastore)
        return changes.isEmpty ? [] : changes.map { (ID(position: $0.window), $0.changes) }
    }

    /// What a commit does to the windows.
    ///
    /// - Parameters:
    ///   - deletes: rows of the query that went.
    ///   - inserts: rows of the query that came.
    package func apply(
        deletes: RowBatch, inserts: RowBatch, in datastore: Datastore
    ) throws(EngineError) -> [(window: ID, changes: RowChanges)] {
        unsafe deletes.forEach { unsafe delete($0) }
        unsafe inserts.forEach { unsafe insert($0) }
        return try finish(in: datastore)
    }

    /// For tests: the structure, and each window against its bounds.
    func checkInvariants() throws(InvariantViolation) { try state.value.checkInvariants() }
}
