import SpacetimeSATS
import SpacetimeSchema

// Memory safety. Valid images: of rows that are there, and of those that take their place. Living ids. Still pages: an
// address is asked for anew after each write.

/// A table, wherever it is used: its parts under their names, and what is done with several of them at once.
/// Knows nothing of transactions.
typealias TableRef = Ref<Table>

extension TableRef {
    var id: TableID { value.id }
    var schema: TableSchema {
        @inline(__always) _read { yield value.schema }
    }

    var rows: RowsRef {
        @inline(__always) get { value.rows }
    }
    var storage: RowStorage {
        @inline(__always) _read { yield value.rows.value.storage }
        @inline(__always) nonmutating _modify {
            // Not in one expression: there, too, the thread sanitizer makes Swift 6.3 crash (see `Ref.value`).
            let rows = rows
            yield &rows.value.storage
        }
    }
    var layout: RowLayout {
        @inline(__always) _read { yield value.rows.value.layout }
    }

    var indexes: Buffer<TableIndex> {
        @inline(__always) _read { yield value.indexes }
        @inline(__always) nonmutating _modify { yield &value.indexes }
    }
    var indexCount: Int { value.indexes.count }
    var firstUnique: Int { value.firstUnique }
    var identityIndex: Int { value.identityIndex }
    var keptUnique: Int { value.keptUnique }
    var isEvent: Bool { value.isEvent }
    var isEphemeral: Bool { value.isEphemeral }
    /// Whether the log says how the table's rows change.
    var isLogged: Bool { !value.isEvent && !value.isEphemeral }
    var hashesWholeRows: Bool { value.hashesWholeRows }

    var sequences: Buffer<SequenceState> {
        @inline(__always) _read { yield value.sequences }
        @inline(__always) nonmutating _modify { yield &value.sequences }
    }
    var sequenceCount: Int { value.sequences.count }

    var openScans: Ref<ScanState>? {
        get { value.openScans }
        nonmutating set { value.openScans = newValue }
    }
    var isObserved: Bool {
        get { value.isObserved }
        nonmutating set { value.isObserved = newValue }
    }

    var count: Int { storage.liveCount }
    var wholeRowIndexByteCount: Int { hashesWholeRows ? value.wholeRows.byteCount : 0 }

    // MARK: Looking rows up

    /// The row with exactly these bytes. Not for event tables without a key, which may have many.
    func find(equalTo image: UnsafeRawBufferPointer) -> RowID? {
        if identityIndex >= 0 {
            guard let start = image.baseAddress,
                let row = unsafe indexes[identityIndex].find(keyOf: start, in: rows),
                unsafe equalBytes(storage.image(row), image)
            else { return nil }
            return row
        }
        let hash = unsafe finishHash(hashBytes(image, state: value.seed))
        return value.wholeRows.find(hash) { unsafe equalBytes(storage.image($0), image) }
    }

    // MARK: Keys

    /// The parts of the key by which the log names a row, one for each column of the first unique index.
    @inline(__always)
    func forEachPartOfName(of row: UnsafeRawPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        let index = indexes.reference(to: firstUnique)
        for column in index.value.schema.columns { unsafe body(layout.bytes(of: Int(column.rawValue), in: row)) }
    }

    /// Whether two images have different keys in a unique index.
    func uniqueKeysDiffer(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer) -> Bool {
        if firstUnique < 0 { return false }
        for i in firstUnique..<indexCount where unsafe indexes[i].isUnique && indexes[i].keysDiffer(lhs, rhs, rows) {
            return true
        }
        return false
    }

    // MARK: Indexes

    /// Enters a live row into every index.
    @inline(__always)
    func index(_ row: RowID) {
        let image = unsafe UnsafeRawPointer(storage.imageStart(row))
        for i in 0..<indexCount { unsafe indexes[i].insert(row, image: image, rows) }
        if hashesWholeRows { indexWholeRow(row) }
    }

    /// Takes a row out of every index; its image must be unchanged.
    @inline(__always)
    func unindex(_ row: RowID) {
        rows.value.removals &+= 1
        let image = unsafe UnsafeRawPointer(storage.imageStart(row))
        for i in 0..<indexCount { unsafe indexes[i].remove(row, image: image, rows) }
        if hashesWholeRows { unindexWholeRow(row) }
    }

    @inline(never)
    func indexWholeRow(_ row: RowID) {
        unsafe value.wholeRows.insert(finishHash(hashBytes(storage.image(row), state: value.seed)), row)
    }

    @inline(never)
    private func unindexWholeRow(_ row: RowID) {
        _ = unsafe value.wholeRows.remove(finishHash(hashBytes(storage.image(row), state: value.seed)), row)
    }

    /// Replaces the image of a row where it lies, keeping the indexes right.
    ///
    /// - Parameter unchanged: an index whose key is known to be the same in both images; -1 if none is.
    @inline(__always)
    func overwrite(_ row: RowID, with image: UnsafeRawBufferPointer, unchanged: Int = -1) {
        if unchanged == value.soleIndex {
            unsafe storage.overwrite(row, with: image)
        } else {
            unsafe overwriteIndexed(row, with: image)
        }
    }

    @inline(never)
    private func overwriteIndexed(_ row: RowID, with image: UnsafeRawBufferPointer) {
        rows.value.removals &+= 1
        let new = unsafe image.baseAddress.unsafelyUnwrapped
        let old = unsafe UnsafeRawPointer(storage.imageStart(row))
        var changed: UInt64 = 0
        for i in 0..<indexCount {
            // Only the first 64 indexes are told apart; later ones are always rewritten.
            if i < 64 {
                guard unsafe indexes[i].keysDiffer(old, new, rows) else { continue }
                changed |= 1 << UInt64(i)
            }
            unsafe indexes[i].remove(row, image: old, rows)
        }
        if hashesWholeRows { unindexWholeRow(row) }
        unsafe storage.overwrite(row, with: image)
        if hashesWholeRows { indexWholeRow(row) }
        if changed != 0 || indexCount > 64 { reindex(row, changed: changed) }
    }

    private func reindex(_ row: RowID, changed: UInt64) {
        let image = unsafe UnsafeRawPointer(storage.imageStart(row))
        for i in 0..<indexCount where i >= 64 || changed >> UInt64(i) & 1 == 1 {
            unsafe indexes[i].insert(row, image: image, rows)
        }
    }
}
