import Synchronization

// Memory safety. Own memory: from the pool, at least a header and a bitmap long, and given back once.

/// One block of row memory, shared between a table and the snapshots that hold it.
///
/// `@unchecked Sendable`: the memory is written only by the table's owner. It writes to a piece of it that a snapshot may
/// read only after it has saved that piece under ``lock``, and snapshots read, under the same lock, no piece that is saved
/// for them. `RowStorage+Snapshots` has the whole argument.
///
/// `@safe`: the memory is this object's, as long as `byteCount` says, and begins with a header and a bitmap.
@safe
final class Page: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let pool: PagePool
    /// Taken by the writer to save pieces, and by snapshots to read the page.
    let lock = Mutex(())

    /// For the writer, and for pages that nobody writes to.
    var header: PageHeader { unsafe base.load(as: PageHeader.self) }

    /// A page without rows: header and bitmap are zero, units hold whatever was there before.
    ///
    /// Old bytes stay in memory only: what is saved of a page are its live rows (``PageGeometry/save(_:into:)``).
    init(byteCount: Int, dataOffset: Int, pool: PagePool) {
        self.byteCount = byteCount
        self.pool = pool
        unsafe base = Self.isBlock(byteCount) ? pool.take() : pool.takeLarge(byteCount)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: dataOffset)
    }

    /// - Parameter usedByteCount: what there is to copy; nothing behind it is read before it is written.
    init(copying other: Page, usedByteCount: Int, pool: PagePool) {
        byteCount = other.byteCount
        self.pool = pool
        unsafe base = Self.isBlock(byteCount) ? pool.take(inSmallPages: true) : pool.takeLarge(byteCount)
        unsafe base.copyMemory(from: other.base, byteCount: usedByteCount)
    }

    /// - Parameters:
    ///   - head: what lies before the rows, `dataOffset` bytes.
    ///   - rows: where the page begins that has the rows.
    init(
        copyingHead head: UnsafeRawPointer, rows: UnsafeRawPointer, dataOffset: Int, byteCount: Int, usedByteCount: Int,
        pool: PagePool
    ) {
        self.byteCount = byteCount
        self.pool = pool
        unsafe base = Self.isBlock(byteCount) ? pool.take() : pool.takeLarge(byteCount)
        unsafe base.copyMemory(from: head, byteCount: dataOffset)
        unsafe (base + dataOffset).copyMemory(from: rows + dataOffset, byteCount: usedByteCount - dataOffset)
    }

    deinit {
        if Self.isBlock(byteCount) { unsafe pool.giveBack(base) } else { unsafe pool.giveBackLarge(base, byteCount) }
    }

    /// Pages of other sizes hold one long row each, and are allocated by themselves.
    private static func isBlock(_ byteCount: Int) -> Bool { byteCount == PagePool.blockByteCount }
}
