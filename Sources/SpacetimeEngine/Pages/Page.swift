/// One block of row memory, shared between a table and the snapshots that hold it.
///
/// `@unchecked Sendable`: the memory is written only by the table's owner and only while no snapshot holds the page;
/// `RowStorage.makeWritable` copies it first otherwise. A snapshot therefore reads memory that nobody writes.
final class Page: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    /// Where the memory came from; `nil` for a page of unusual size, which is allocated by itself.
    private let pool: PagePool?

    var header: PageHeader { base.load(as: PageHeader.self) }

    /// Memory of zeros: no stale bytes reach a snapshot on disk.
    init(byteCount: Int, pool: PagePool) {
        self.byteCount = byteCount
        if byteCount == PagePool.blockByteCount {
            self.pool = pool
            base = pool.takeZeroed()
        } else {
            self.pool = nil
            base = allocateZeroed(byteCount: byteCount)
        }
    }

    init(copying other: Page, pool: PagePool) {
        byteCount = other.byteCount
        if byteCount == PagePool.blockByteCount {
            self.pool = pool
            base = pool.takeForCopy()
        } else {
            self.pool = nil
            base = allocateZeroed(byteCount: byteCount)
        }
        base.copyMemory(from: other.base, byteCount: byteCount)
    }

    deinit {
        if let pool { pool.giveBack(base) } else { freeZeroed(base, byteCount: byteCount) }
    }
}
