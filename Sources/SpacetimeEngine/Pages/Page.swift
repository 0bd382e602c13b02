// Memory safety. Own memory: from the pool, at least a header and a bitmap long, and given back once.

/// One block of row memory, shared between a table and the snapshots that hold it.
///
/// `@unchecked Sendable`: the memory is written only by the table's owner and only while no snapshot holds the page;
/// `RowStorage.makeWritable` copies it first otherwise. A snapshot therefore reads memory that nobody writes.
///
/// `@safe`: the memory is this object's, as long as `byteCount` says, and begins with a header and a bitmap.
@safe
final class Page: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let pool: PagePool

    var header: PageHeader { unsafe base.load(as: PageHeader.self) }

    /// The units at which live rows start.
    var liveUnits: LiveUnits { unsafe LiveUnits(ofPage: base, wordCount: PageGeometry.bitmapWordCount(header)) }

    /// The last unit at which a live row starts; nil if there is none.
    var lastLiveUnit: Int? {
        var units = unsafe LiveUnits.Backward(ofPage: base, wordCount: PageGeometry.bitmapWordCount(header))
        return units.next()
    }

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
        unsafe base = Self.isBlock(byteCount) ? pool.take(forCopy: true) : pool.takeLarge(byteCount)
        unsafe base.copyMemory(from: other.base, byteCount: usedByteCount)
    }

    deinit {
        if Self.isBlock(byteCount) { unsafe pool.giveBack(base) } else { unsafe pool.giveBackLarge(base, byteCount) }
    }

    /// Pages of other sizes hold one long row each, and are allocated by themselves.
    private static func isBlock(_ byteCount: Int) -> Bool { byteCount == PagePool.blockByteCount }
}
