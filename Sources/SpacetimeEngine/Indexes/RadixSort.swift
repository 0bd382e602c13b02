// Memory safety. Lent buffers: both have as many entries, and every place counted is below that. The counts are
// written before they are read.

/// A row and the 64 bits that it is sorted by.
struct SortedEntry {
    var key: UInt64
    var row: UInt32
}

/// Sorts by key; equal keys stay in the order in which they came. Linear: a pass for each byte in which keys differ.
///
/// - Parameter scratch: as long as `entries`; what is in it afterwards means nothing.
func radixSort(
    _ entries: UnsafeMutableBufferPointer<SortedEntry>, scratch: UnsafeMutableBufferPointer<SortedEntry>
) {
    unsafe radixSort(entries, scratch: scratch, bytes: 0..<8) { $0.key }
}

/// Sorts slots of a hash index by their hashes, the upper halves; equal ones stay in the order in which they came.
///
/// - Parameter scratch: as long as `slots`; what is in it afterwards means nothing.
func radixSort(_ slots: UnsafeMutableBufferPointer<UInt64>, scratch: UnsafeMutableBufferPointer<UInt64>) {
    unsafe radixSort(slots, scratch: scratch, bytes: 4..<8) { $0 }
}

/// Sorts by some bytes of a number of each element; equal ones stay in the order in which they came.
@inline(__always)
func radixSort<Element: BitwiseCopyable>(
    _ entries: UnsafeMutableBufferPointer<Element>, scratch: UnsafeMutableBufferPointer<Element>, bytes: Range<Int>,
    _ key: (Element) -> UInt64
) {
    var from = unsafe entries
    var to = unsafe scratch
    unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: 8 * 256) { counts in
        unsafe counts.initialize(repeating: 0)
        for position in entries.indices {
            let entry = unsafe entries[position]
            let key = key(entry)
            for byte in bytes { unsafe counts[byte << 8 | Int(key >> UInt64(byte * 8) & 0xFF)] += 1 }
        }
        for byte in bytes {
            let places = unsafe UnsafeMutableBufferPointer(rebasing: counts[(byte << 8)..<((byte + 1) << 8)])
            if unsafe places.contains(entries.count) { continue }
            var next = 0
            for value in 0..<256 {
                let count = unsafe places[value]
                unsafe places[value] = next
                next += count
            }
            for position in from.indices {
                let entry = unsafe from[position]
                let value = Int(key(entry) >> UInt64(byte * 8) & 0xFF)
                unsafe to[places[value]] = entry
                unsafe places[value] += 1
            }
            unsafe swap(&from, &to)
        }
    }
    // After an odd number of passes the result lies in the scratch.
    if unsafe from.baseAddress != entries.baseAddress { _ = unsafe entries.update(from: from) }
}
