// Memory safety. Valid images: typed code made the row. Checked bytes: a key is as wide as the integer that the index
// is of.

/// Look-ups and updates through a unique hash index over one integer column.
///
/// That is most of what most calls do, so it has a way of its own: what the schema decides was decided when the table was
/// made, nothing throws, and an update that finds something unusual in its way does nothing and says so. The general
/// forms do all of the same and everything else; a model test compares the two.
struct PointAccess {
    /// Bytes of the key, 4 or 8; 0 if the index is not of this kind.
    var keyWidth = 0
    /// Where the key lies in every slot.
    var keyOffset = 0
    /// Bytes of every row; 0 if rows differ in size, and then they begin with their length.
    var rowByteCount = 0
    /// What makes the key's bits the number that is hashed.
    var flip: UInt64 = 0
    /// True if a row that keeps its key can be overwritten where it lies, with no other index, sequence or rule to look
    /// after.
    var allowsOverwrite = false

    init(_ table: TableRef, _ index: borrowing TableIndex) {
        guard index.structure == .hash, index.isUnique, let integer = index.integer,
            integer.width == 4 || integer.width == 8, integer.offset >= 0
        else { return }
        keyWidth = Int(integer.width)
        keyOffset = Int(integer.offset) + (table.storage.geometry.isPacked ? 0 : 4)
        rowByteCount = table.storage.geometry.packedByteCount
        flip = integer.flip
        allowsOverwrite =
            table.indexCount == 1 && table.isLogged && !table.hashesWholeRows && table.sequenceCount == 0
    }

    var keyOffsetInRow: Int { rowByteCount > 0 ? keyOffset : keyOffset &- 4 }

    /// The bits of a key of 4 or 8 bytes.
    @inline(__always)
    func bits(_ address: UnsafeRawPointer) -> UInt64 {
        unsafe keyWidth == 8 ? address.loadUnaligned(as: UInt64.self) : UInt64(address.loadUnaligned(as: UInt32.self))
    }
}

/// A row that was found by a key. It is there as long as its table's ``TableRows/removals`` are the same.
struct RecentRow {
    var bits: UInt64 = 0
    /// The index that it was found through; at first of none.
    var index: UInt32 = .max
    var row: UInt32 = 0
    var removals: UInt64 = 0

    @inline(__always)
    func means(_ key: UInt64, _ id: IndexID, _ removals: UInt64) -> Bool {
        bits == key && index == id.rawValue && self.removals == removals
    }
}

extension Datastore {
    /// What ``findPoint(_:bits:byteCount:)`` has to say.
    ///
    /// `@safe`: the row is there, and stays as it is until the next write.
    @safe
    @frozen @usableFromInline
    package enum PointResult {
        case row(UnsafeRawBufferPointer)
        case none
        /// The general form is to be asked.
        case unknown
    }

    /// The row with that key, if that can be said in the short way; valid until the next write.
    ///
    /// - Parameters:
    ///   - bits: the key, an integer of `byteCount` bytes, as it lies in the row.
    @usableFromInline
    package func findPoint(_ id: IndexID, bits: UInt64, byteCount: Int) -> PointResult {
        guard let entry = entry(id), entry.point.keyWidth == byteCount else { return .unknown }
        guard let row = row(bits, entry) else { return .none }
        state.foundBefore = state.found
        state.found = RecentRow(
            bits: bits, index: id.rawValue, row: row.rawValue, removals: entry.rows.value.removals)
        let slot = unsafe entry.rows.storage.address(row)
        return unsafe .row(
            entry.point.rowByteCount > 0
                ? UnsafeRawBufferPointer(start: slot, count: entry.point.rowByteCount)
                : entry.rows.storage.image(row))
    }

    /// Overwrites the row that has the new row's key in that index, if that can be done in the short way.
    ///
    /// - Returns: false if the general form is to be used; then nothing has happened.
    @usableFromInline
    package func updatePoint(_ id: IndexID, row image: UnsafeRawBufferPointer) -> Bool {
        guard let entry = entry(id), entry.point.allowsOverwrite, let table = entry.table,
            let new = image.baseAddress, state.isInTransaction, table.openScans == nil,
            let row = unsafe recentRow(entry.point.bits(new + entry.point.keyOffsetInRow), id, entry)
        else { return false }
        if entry.point.rowByteCount != image.count { return unsafe overwriteIfItFits(table, row, image) }
        let old = unsafe UnsafeRawBufferPointer(start: entry.rows.storage.address(row), count: image.count)
        unsafe overwrite(table, row, old, image)
        return true
    }

    /// The rest of ``updatePoint(_:row:)`` for rows of varying size.
    @inline(never)
    private func overwriteIfItFits(_ table: TableRef, _ row: RowID, _ image: UnsafeRawBufferPointer) -> Bool {
        guard table.storage.fitsInPlace(row, byteCount: image.count) else { return false }
        unsafe overwrite(table, row, table.storage.image(row), image)
        return true
    }

    @inline(__always)
    private func overwrite(
        _ table: TableRef, _ row: RowID, _ old: UnsafeRawBufferPointer, _ image: UnsafeRawBufferPointer
    ) {
        if unsafe equalBytes(old, image) { return }
        if !state.undo.covers(table, row) { unsafe state.undo.append(overwriteOf: old, table, row, keepsKeys: true) }
        unsafe table.storage.overwrite(row, with: image)
    }

    @inline(__always)
    private func recentRow(_ key: UInt64, _ id: IndexID, _ entry: IndexEntry) -> RowID? {
        let removals = entry.rows.value.removals
        if state.found.means(key, id, removals) { return RowID(state.found.row) }
        if state.foundBefore.means(key, id, removals) { return RowID(state.foundBefore.row) }
        return olderRow(key, entry)
    }

    /// Apart, so that the way to a recent row has the registers for itself.
    @inline(never)
    private func olderRow(_ key: UInt64, _ entry: IndexEntry) -> RowID? { row(key, entry) }

    @inline(__always)
    private func row(_ key: UInt64, _ entry: IndexEntry) -> RowID? {
        let (point, rows) = (entry.point, entry.rows)
        return entry.index.value.hash.find(hashInteger(key ^ point.flip, seed: hashSeed)) { row in
            unsafe point.bits(rows.storage.address(row) + point.keyOffset) == key
        }
    }

    /// The row with a key of 8 bytes; valid until the next write. The index must be one that ``PointAccess`` describes.
    @inline(__always)
    func row(bits: UInt64, _ entry: Ref<IndexEntry>) -> UnsafeRawBufferPointer? {
        let rows = entry.value.rows
        let (offset, byteCount) = (entry.value.point.keyOffset, entry.value.point.rowByteCount)
        var slot: UnsafeRawPointer?
        let row = entry.value.index.value.hash.find(hashInteger(bits ^ entry.value.point.flip, seed: hashSeed)) { row in
            let address = unsafe UnsafeRawPointer(rows.storage.address(row))
            unsafe slot = address
            return unsafe address.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == bits
        }
        guard row != nil, let slot = unsafe slot else { return nil }
        if byteCount > 0 { return unsafe UnsafeRawBufferPointer(start: slot, count: byteCount) }
        return unsafe UnsafeRawBufferPointer(start: slot + 4, count: Int(slot.load(as: UInt32.self)))
    }

    /// The rows with some keys, if that can be said in the short way: ``findPoint(_:bits:byteCount:)`` for several at once.
    ///
    /// In a large table a look-up waits twice for memory, for the slot of the index and for the row. Here all slots are
    /// asked for before the first is read, and then all rows.
    ///
    /// - Parameter found: gets the rows, in the order of the keys; nil where there is none.
    /// - Returns: false if the general form is to be asked.
    package func findPoints(
        _ id: IndexID, bits: UnsafeBufferPointer<UInt64>, byteCount: Int,
        _ found: UnsafeMutableBufferPointer<UnsafeRawBufferPointer?>
    ) -> Bool {
        guard let entry = entry(id), entry.point.keyWidth == byteCount else { return false }
        let flip = entry.point.flip
        for i in bits.indices { unsafe entry.index.value.hash.prefetch(hashInteger(bits[i] ^ flip, seed: hashSeed)) }
        for i in bits.indices {
            // Equal hashes are nearly always equal keys.
            let row = unsafe entry.index.value.hash.find(hashInteger(bits[i] ^ flip, seed: hashSeed)) { _ in true }
            guard let row else { continue }
            entry.rows.storage.prefetch(row)
        }
        for i in bits.indices {
            unsafe found[i] = row(bits[i], entry).map { unsafe entry.rows.storage.image($0) }
        }
        return true
    }
}
