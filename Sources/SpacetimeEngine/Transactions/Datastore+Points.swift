/// Look-ups and updates through a unique hash index over one integer column, in a table of fixed-size rows.
///
/// That is most of what most calls do, so it has a way of its own: what the schema decides was decided when the table was
/// made, nothing throws, and an update that finds something unusual in its way does nothing and says so. The general
/// forms do all of the same and everything else; a model test compares the two.
struct PointAccess {
    /// Bytes of the key, 4 or 8; 0 if the index is not of this kind.
    var keyWidth = 0
    /// Where the key lies in every row.
    var keyOffset = 0
    /// Bytes of every row.
    var rowByteCount = 0
    /// What makes the key's bits the number that is hashed.
    var flip: UInt64 = 0
    /// True if a row that keeps its key can be overwritten where it lies, with no other index, sequence or rule to look
    /// after.
    var allowsOverwrite = false

    init(_ table: TableRef, _ index: borrowing TableIndex) {
        guard index.structure == .hash, index.isUnique, table.storage.geometry.isPacked, let integer = index.integer,
            integer.width == 4 || integer.width == 8, integer.offset >= 0
        else { return }
        keyWidth = Int(integer.width)
        keyOffset = Int(integer.offset)
        rowByteCount = table.storage.geometry.packedByteCount
        flip = integer.flip
        allowsOverwrite =
            table.indexCount == 1 && !table.isEvent && !table.hashesWholeRows && table.sequenceCount == 0
    }

    /// The bits of a key of 4 or 8 bytes.
    @inline(__always)
    func bits(_ address: UnsafeRawPointer) -> UInt64 {
        keyWidth == 8 ? address.loadUnaligned(as: UInt64.self) : UInt64(address.loadUnaligned(as: UInt32.self))
    }
}

extension Datastore {
    /// What ``findPoint(_:bits:byteCount:)`` has to say.
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
        return .row(UnsafeRawBufferPointer(start: entry.rows.storage.address(row), count: entry.point.rowByteCount))
    }

    /// Overwrites the row that has the new row's key in that index, if that can be done in the short way.
    ///
    /// - Returns: false if the general form is to be used; then nothing has happened.
    @usableFromInline
    package func updatePoint(_ id: IndexID, row image: UnsafeRawBufferPointer) -> Bool {
        guard let entry = entry(id), entry.point.allowsOverwrite, entry.point.rowByteCount == image.count,
            let table = entry.table, let new = image.baseAddress, state.isInTransaction,
            let row = row(entry.point.bits(new + entry.point.keyOffset), entry), table.openScans == nil
        else { return false }
        let slot = entry.rows.storage.address(row)
        let old = UnsafeRawBufferPointer(start: slot, count: image.count)
        if equalBytes(old, image) { return true }
        state.undo.append(overwriteOf: old, table, row, keepsKeys: true)
        entry.rows.storage.overwrite(row, with: image)
        return true
    }

    @inline(__always)
    private func row(_ key: UInt64, _ entry: IndexEntry) -> RowID? {
        let (point, rows) = (entry.point, entry.rows)
        return entry.index.value.hash.find(hashInteger(key ^ point.flip, seed: hashSeed)) { row in
            point.bits(rows.storage.address(row) + point.keyOffset) == key
        }
    }
}
