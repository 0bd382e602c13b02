import SpacetimeProtocol
import SpacetimeSATS

// The loops over the rows of a message are here, beside what they call for each row.
extension RowStore {
    /// One more query delivers each of the first rows. `check` is asked about rows that are not known yet, with their number,
    /// and may refuse them; the rows before have been counted then.
    mutating func retain<Failure: Error>(
        _ rows: RowList, upTo count: Int, in generation: Generation,
        _ check: (UnsafeRawBufferPointer, Int) throws(Failure) -> Void
    ) throws(Failure) {
        var number = 0
        try rows.forEachRow(upTo: count) { (row) throws(Failure) in
            try retain(row, in: generation) { (row) throws(Failure) in try check(row, number) }
            number &+= 1
        }
    }

    /// One query less delivers each of the first rows. Returns how many were counted: fewer than asked for if the next one
    /// was delivered by none.
    mutating func release(_ rows: RowList, upTo count: Int, in generation: Generation) -> Int {
        struct Missing: Error {}
        var done = 0
        do throws(Missing) {
            try rows.forEachRow(upTo: count) { (row) throws(Missing) in
                guard release(row, in: generation) else { throw Missing() }
                done &+= 1
            }
        } catch {}
        return done
    }
}

extension RowList {
    /// Calls `body` with the bytes of the first rows, without an array for each.
    @inline(__always)
    func forEachRow<Failure: Error>(
        upTo count: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try data.withBytes { (bytes) throws(Failure) in
            // That sizes and offsets stay inside of the data was checked when the list was made.
            switch sizeHint {
            case .fixedSize(let size):
                let size = Int(size)
                for index in 0..<count {
                    try body(UnsafeRawBufferPointer(rebasing: bytes[index &* size..<(index &+ 1) &* size]))
                }
            case .rowOffsets(let offsets):
                for index in 0..<count {
                    let start = Int(truncatingIfNeeded: offsets[index])
                    let next = index &+ 1
                    let end = next < offsets.count ? Int(truncatingIfNeeded: offsets[next]) : bytes.count
                    try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                }
            }
        }
    }
}
