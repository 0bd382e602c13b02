/// One block of row memory, shared between a table and the snapshots that hold it.
///
/// `@unchecked Sendable`: the memory is written only by the table's owner and only while no snapshot holds the page;
/// `RowStorage.makeWritable` copies it first otherwise. A snapshot therefore reads memory that nobody writes.
final class Page: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    /// Memory of zeros: no stale bytes reach a snapshot on disk.
    init(byteCount: Int) {
        self.byteCount = byteCount
        base = .allocate(byteCount: byteCount, alignment: 64)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    init(copying other: Page) {
        byteCount = other.byteCount
        base = .allocate(byteCount: byteCount, alignment: 64)
        base.copyMemory(from: other.base, byteCount: byteCount)
    }

    deinit { base.deallocate() }
}
