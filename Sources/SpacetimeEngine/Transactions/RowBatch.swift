import SpacetimeSATS

// Memory safety. Lent buffers: an image is copied, or lent during the call. The ends lie in the bytes. Still pages: nothing is
// written while the rows of a scan are copied.

/// Row images one after another, owned and immutable once shared: what a commit hands to those who follow it, and what a
/// subscription begins with.
@usableFromInline
package struct RowBatch: Sendable, Hashable {
    /// The images, back to back.
    package private(set) var bytes: [UInt8] = []
    /// Where each image ends in `bytes`.
    package private(set) var ends: [Int] = []

    package init() {}

    /// - Parameter ends: where each image ends in `bytes`, ascending; the last one at their end.
    package init(bytes: [UInt8], ends: [Int]) {
        precondition(ends.last ?? 0 == bytes.count, "the rows do not end where their bytes do")
        self.bytes = bytes
        self.ends = ends
    }

    /// All rows of a scan, beside which nothing is written. In memory that is no larger than they are, and without the checks that
    /// appending one after the other costs.
    package init(rowsOf scan: RowScan) {
        // Rows stay where they are while their table is not written, so all of them are found before the first is copied.
        var images = unsafe Buffer<UnsafeRawBufferPointer>(capacity: ScanState.batchLimit)
        var byteCount = 0
        while true {
            let count = scan.refill()
            if count == 0 { break }
            unsafe images.reserve(count)
            for position in 0..<count {
                let image = unsafe scan.batch[position]
                unsafe images.appendReserved(image)
                byteCount &+= image.count
            }
        }
        let count = unsafe images.count
        if count == 0 { return }
        unsafe bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { target, filled in
            for position in 0..<count {
                let image = unsafe images[position]
                if let start = image.baseAddress, let base = target.baseAddress {
                    unsafe copyImage(start, to: UnsafeMutableRawPointer(base + filled), byteCount: image.count)
                }
                filled &+= image.count
            }
        }
        unsafe ends = [Int](unsafeUninitializedCapacity: count) { target, filled in
            var end = 0
            for position in 0..<count {
                unsafe end &+= images[position].count
                unsafe target.initializeElement(at: position, to: end)
            }
            filled = count
        }
    }

    package var count: Int { ends.count }
    package var isEmpty: Bool { ends.isEmpty }

    package mutating func append(_ row: UnsafeRawBufferPointer) {
        unsafe bytes.append(contentsOf: row)
        ends.append(bytes.count)
    }

    /// Makes room for so much in all.
    mutating func reserve(rows: Int, byteCount: Int) {
        ends.reserveCapacity(rows)
        bytes.reserveCapacity(byteCount)
    }

    /// Calls `body` with each image in order.
    package func forEach<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        var start = 0
        for end in ends {
            let range = start..<end
            try unsafe bytes.withBytes { (bytes) throws(E) in
                try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
            start = end
        }
    }

    /// The bytes of the image at that position.
    package subscript(index: Int) -> ArraySlice<UInt8> { bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }
}

/// What a commit did to one table, after everything that cancelled out is gone: an updated row is one delete of the
/// old image and one insert of the new.
@usableFromInline
package struct TableChanges: Sendable, Hashable {
    package let table: TableID
    package internal(set) var deletes = RowBatch()
    package internal(set) var inserts = RowBatch()

    init(table: TableID) { self.table = table }
}

/// What a commit did, by ascending table id.
@usableFromInline
package struct ChangeSet: Sendable, Hashable {
    package internal(set) var tables: [TableChanges] = []

    package var isEmpty: Bool { tables.isEmpty }

    package subscript(table: TableID) -> TableChanges? { tables.first { $0.table == table } }
}
