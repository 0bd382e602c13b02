import CPrefetch
import SpacetimeProtocol
import SpacetimeSATS

// The loops over the rows of a message are here, beside what they call for each row.
//
// A cache of a million rows is far larger than the processor's own, so that each row is waited for. So rows are taken in small
// batches: all of one are hashed and asked for before the first of them is looked at.
extension RowStore {
    private static var batch: Int { 32 }

    /// One more query delivers each of the first rows. Returns how many were counted: fewer than asked for if the next one ends
    /// before a column that it must have.
    mutating func retain(_ rows: RowList, upTo count: Int, in generation: Generation) -> Int {
        // Most of them may be known already; then the room is not used.
        if self.count == 0 { reserve(rows: count, bytes: rows.data.count) }
        return forEach(rows, upTo: count) { store, row, hash in store.retain(row, hash, in: generation) }
    }

    /// One query less delivers each of the first rows. Returns how many were counted: fewer than asked for if the next one
    /// was delivered by none.
    mutating func release(_ rows: RowList, upTo count: Int, in generation: Generation) -> Int {
        forEach(rows, upTo: count) { store, row, hash in store.release(row, hash, in: generation) }
    }

    /// Calls `body` with the first rows and their hashes until it returns false. Returns for how many it returned true.
    @inline(__always)
    private mutating func forEach(
        _ rows: RowList, upTo count: Int,
        _ body: (inout RowStore, UnsafeRawBufferPointer, UInt32) -> Bool
    ) -> Int {
        rows.withSlices { slices in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.batch) { hashes in
                var start = 0
                while start < count {
                    let end = min(start &+ Self.batch, count)
                    reserve(rows: end &- start, bytes: slices.byteCount(start..<end))
                    // Both loops stay below the batch's size, which is that of the memory.
                    for number in start..<end {
                        let hash = identityHash(slices[number])
                        hashes[number &- start] = hash.map { 1 << 32 | UInt64($0) } ?? 0
                        if let hash { slots.prefetch(hash) }
                    }
                    prefetchRows(hashes, end &- start)
                    for number in start..<end {
                        let hash = hashes[number &- start]
                        guard hash != 0, body(&self, slices[number], UInt32(truncatingIfNeeded: hash)) else {
                            return number
                        }
                    }
                    start = end
                }
                return count
            }
        }
    }

    /// Has the rows come closer that are probably looked for, if there are some.
    @inline(__always)
    private func prefetchRows(_ hashes: UnsafeMutableBufferPointer<UInt64>, _ count: Int) {
        if self.count == 0 { return }
        for place in 0..<count {
            guard let number = slots.firstGuess(UInt32(truncatingIfNeeded: hashes[place])) else { continue }
            spacetime_prefetch_for_writing(entries.base + Int(number))
        }
        for place in 0..<count {
            guard let number = slots.firstGuess(UInt32(truncatingIfNeeded: hashes[place])) else { continue }
            spacetime_prefetch(bytes(of: number).baseAddress)
        }
    }

    /// One more query delivers one row. False if it ends before a column that it must have.
    mutating func retain(_ row: UnsafeRawBufferPointer, in generation: Generation) -> Bool {
        reserve(rows: 1, bytes: row.count)
        guard let hash = identityHash(row) else { return false }
        return retain(row, hash, in: generation)
    }

    /// One query less delivers one row. False if none did.
    mutating func release(_ row: UnsafeRawBufferPointer, in generation: Generation) -> Bool {
        guard let hash = identityHash(row) else { return false }
        return release(row, hash, in: generation)
    }
}

/// The rows of a list, cut out of its bytes: lent, without an array for each.
struct RowSlices {
    fileprivate let bytes: UnsafeRawBufferPointer
    /// Where each row begins, or nil if all have the same size.
    fileprivate let offsets: UnsafeBufferPointer<UInt64>?
    fileprivate let size: Int

    // That sizes and offsets stay inside of the data was checked when the list was made, and rows are numbered below its count.
    @inline(__always)
    private func start(of row: Int) -> Int {
        guard let offsets else { return row &* size }
        return row < offsets.count ? Int(truncatingIfNeeded: offsets[row]) : bytes.count
    }

    @inline(__always)
    subscript(row: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start(of: row)..<start(of: row &+ 1)])
    }

    @inline(__always)
    func byteCount(_ rows: Range<Int>) -> Int { start(of: rows.upperBound) &- start(of: rows.lowerBound) }
}

extension RowList {
    /// Lends the rows.
    @inline(__always)
    func withSlices<Result>(_ body: (RowSlices) -> Result) -> Result {
        data.withBytes { bytes in
            switch sizeHint {
            case .fixedSize(let size): body(RowSlices(bytes: bytes, offsets: nil, size: Int(size)))
            case .rowOffsets(let offsets):
                offsets.withUnsafeBufferPointer { body(RowSlices(bytes: bytes, offsets: $0, size: 0)) }
            }
        }
    }
}
