import SpacetimeSATS
import SpacetimeSchema

/// One table: its rows, its indexes and the numbers it hands out. Knows nothing of transactions.
struct StoredTable: ~Copyable {
    typealias Pointer = UnsafeMutablePointer<StoredTable>

    let id: TableID
    let schema: TableSchema
    /// Behind pointers that never change, so that indexes can be handed the rows while they themselves are written.
    let rows: TableRows.Pointer
    let indexes: UnsafeMutablePointer<TableIndex>
    let indexCount: Int
    /// The first unique index, by which the log names rows that have a key there; -1 if the table has none.
    let firstUnique: Int
    /// The first unique index in which every row has a key, through which an equal row is found; -1 if there is none.
    let identityIndex: Int
    /// The one unique index of a table with only one, whose key an update through it leaves alone; -1 otherwise.
    let keptUnique: Int
    /// Rows live for one transaction.
    let isEvent: Bool
    /// No index identifies every row, and the table is a set all the same: an equal row is found through ``wholeRows``. An
    /// event table is none: without a key it is a log, in which equal rows are different events.
    let hashesWholeRows: Bool
    /// 0 if the table has one index and nothing else to keep right, so that there is nothing to do when a row changes and
    /// keeps its key there; else a number that nobody gives for an index.
    private let soleIndex: Int
    /// Every row by the hash of its whole image, if ``hashesWholeRows``.
    private(set) var wholeRows = HashIndex()
    let sequences: UnsafeMutablePointer<SequenceState>
    let sequenceCount: Int
    /// Scans that are open on this table, as a list through `ScanState.next`.
    var openScans: UnsafeMutablePointer<ScanState>?
    /// Commits report the changes of observed tables.
    var isObserved = false
    private let seed: UInt64

    init(id: TableID, schema: TableSchema, firstIndex: IndexID, seed: UInt64, pool: PagePool) throws(EngineError) {
        let types = schema.columns.map(\.type)
        func unsupported(_ error: TypeProgramError) -> EngineError {
            .unsupportedSchema(table: schema.name, reason: error.reason)
        }
        let layout: RowLayout
        do { layout = try RowLayout(types) } catch { throw unsupported(error) }
        if let size = layout.fixedSize, size > PageGeometry.rowByteLimit {
            throw .rowTooLarge(table: schema.name, byteCount: size, limit: PageGeometry.rowByteLimit)
        }
        for columns in schema.indexes.map(\.columns) + schema.uniqueConstraints.map(\.columns) + [schema.primaryKey] {
            if columns.contains(where: { Int($0.rawValue) >= types.count }) {
                throw .unsupportedSchema(
                    table: schema.name, reason: "an index or a key names a column that is not there")
            }
        }
        if schema.indexes.contains(where: { $0.columns.isEmpty }) {
            throw .unsupportedSchema(table: schema.name, reason: "an index has no columns")
        }
        for constraint in schema.uniqueConstraints
        where !schema.indexes.contains(where: { $0.isUnique && Set($0.columns) == Set(constraint.columns) }) {
            throw .unsupportedSchema(
                table: schema.name, reason: "unique constraint '\(constraint.name)' has no index on its columns")
        }
        var states: [SequenceState] = []
        for sequence in schema.sequences {
            let column = Int(sequence.column.rawValue)
            guard column < types.count, types[column].isInteger else {
                throw .unsupportedSchema(
                    table: schema.name, reason: "sequence '\(sequence.name)' is not on an integer column")
            }
            guard sequence.increment != 0 else {
                throw .unsupportedSchema(table: schema.name, reason: "sequence '\(sequence.name)' has no increment")
            }
            states.append(
                SequenceState(
                    schema: sequence, width: Int(layout.columns[column].fixedSize),
                    isSigned: types[column].isSignedInteger))
        }
        // Generated values are reported in column order.
        states.sort { $0.column < $1.column }

        let indexes = UnsafeMutablePointer<TableIndex>.allocate(capacity: schema.indexes.count)
        var made = 0
        do {
            for (offset, index) in schema.indexes.enumerated() {
                let constraint = schema.uniqueConstraints.first { Set($0.columns) == Set(index.columns) }
                let entry = try TableIndex(
                    id: IndexID(firstIndex.rawValue + UInt32(offset)), schema: index,
                    constraintName: constraint?.name ?? index.name,
                    isPrimary: Set(index.columns) == Set(schema.primaryKey), types: types, layout: layout, seed: seed,
                    pool: pool)
                (indexes + offset).initialize(to: entry)
                made += 1
            }
        } catch {
            indexes.deinitialize(count: made)
            indexes.deallocate()
            throw unsupported(error)
        }
        self.id = id
        self.schema = schema
        self.seed = seed
        self.indexes = indexes
        indexCount = made
        firstUnique = schema.indexes.firstIndex { $0.isUnique } ?? -1
        keptUnique = schema.indexes.count(where: \.isUnique) == 1 ? firstUnique : -1
        isEvent = schema.isEvent
        identityIndex =
            (0..<made).first { (indexes + $0).pointee.isUnique && !(indexes + $0).pointee.exemptsNil } ?? -1
        hashesWholeRows = identityIndex < 0 && !schema.isEvent
        soleIndex = made == 1 && !hashesWholeRows ? 0 : -2
        rows = .allocate(capacity: 1)
        rows.initialize(to: TableRows(layout: layout, pool: pool))
        sequences = .allocate(capacity: states.count)
        sequences.initialize(from: states, count: states.count)
        sequenceCount = states.count
    }

    deinit {
        indexes.deinitialize(count: indexCount)
        indexes.deallocate()
        sequences.deinitialize(count: sequenceCount)
        sequences.deallocate()
        rows.deinitialize(count: 1)
        rows.deallocate()
    }

    /// The rows' pointer, by a call: Swift 6.3 crashes under the thread sanitizer over a mutating call through a pointer
    /// that is read out of a non-copyable struct in the same expression.
    @inline(__always)
    func rowsPointer() -> TableRows.Pointer { rows }

    /// The place of an index, by a call for the same reason.
    @inline(__always)
    func indexPointer(_ position: Int) -> UnsafeMutablePointer<TableIndex> { indexes + position }

    /// The place of a sequence, by a call for the same reason.
    @inline(__always)
    func sequencePointer(_ position: Int) -> UnsafeMutablePointer<SequenceState> { sequences + position }

    var count: Int { rowsPointer().pointee.storage.liveCount }
    var wholeRowIndexByteCount: Int { hashesWholeRows ? wholeRows.byteCount : 0 }

    // MARK: Looking rows up

    /// The row with exactly these bytes. Not for event tables without a key, which may have many.
    mutating func find(equalTo image: UnsafeRawBufferPointer) -> RowID? {
        if identityIndex >= 0 {
            guard let start = image.baseAddress,
                let row = indexPointer(identityIndex).pointee.find(keyOf: start, in: rows),
                equalBytes(rowsPointer().pointee.storage.image(row), image)
            else { return nil }
            return row
        }
        let hash = finishHash(hashBytes(image, state: seed))
        return wholeRows.find(hash) { equalBytes(rowsPointer().pointee.storage.image($0), image) }
    }

    // MARK: Indexes

    /// Enters a live row into every index.
    @inline(__always)
    mutating func index(_ row: RowID) {
        let image = UnsafeRawPointer(rowsPointer().pointee.storage.imageStart(row))
        for i in 0..<indexCount { indexPointer(i).pointee.insert(row, image: image, rows) }
        if hashesWholeRows { indexWholeRow(row) }
    }

    /// Takes a row out of every index; its image must be unchanged.
    @inline(__always)
    mutating func unindex(_ row: RowID) {
        let image = UnsafeRawPointer(rowsPointer().pointee.storage.imageStart(row))
        for i in 0..<indexCount { indexPointer(i).pointee.remove(row, image: image, rows) }
        if hashesWholeRows { unindexWholeRow(row) }
    }

    @inline(never)
    mutating func indexWholeRow(_ row: RowID) {
        wholeRows.insert(finishHash(hashBytes(rowsPointer().pointee.storage.image(row), state: seed)), row)
    }

    @inline(never)
    private mutating func unindexWholeRow(_ row: RowID) {
        _ = wholeRows.remove(finishHash(hashBytes(rowsPointer().pointee.storage.image(row), state: seed)), row)
    }

    /// Replaces the image of a row where it lies, keeping the indexes right.
    ///
    /// - Parameter unchanged: an index whose key is known to be the same in both images; -1 if none is.
    @inline(__always)
    mutating func overwrite(_ row: RowID, with image: UnsafeRawBufferPointer, unchanged: Int = -1) {
        if unchanged == soleIndex {
            rowsPointer().pointee.storage.overwrite(row, with: image)
        } else {
            overwriteIndexed(row, with: image)
        }
    }

    @inline(never)
    private mutating func overwriteIndexed(_ row: RowID, with image: UnsafeRawBufferPointer) {
        let new = image.baseAddress.unsafelyUnwrapped
        let old = UnsafeRawPointer(rowsPointer().pointee.storage.imageStart(row))
        var changed: UInt64 = 0
        for i in 0..<indexCount {
            // Only the first 64 indexes are told apart; later ones are always rewritten.
            if i < 64 {
                guard indexPointer(i).pointee.keysDiffer(old, new, rows) else { continue }
                changed |= 1 << UInt64(i)
            }
            indexPointer(i).pointee.remove(row, image: old, rows)
        }
        if hashesWholeRows { unindexWholeRow(row) }
        rowsPointer().pointee.storage.overwrite(row, with: image)
        if hashesWholeRows { indexWholeRow(row) }
        if changed != 0 || indexCount > 64 { reindex(row, changed: changed) }
    }

    private mutating func reindex(_ row: RowID, changed: UInt64) {
        let image = UnsafeRawPointer(rowsPointer().pointee.storage.imageStart(row))
        for i in 0..<indexCount where i >= 64 || changed >> UInt64(i) & 1 == 1 {
            indexPointer(i).pointee.insert(row, image: image, rows)
        }
    }
}
