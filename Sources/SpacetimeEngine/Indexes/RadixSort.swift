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
    radixSort(entries, scratch: scratch, bytes: 0..<8) { $0.key }
}

/// Sorts slots of a hash index by their hashes, the upper halves; equal ones stay in the order in which they came.
///
/// - Parameter scratch: as long as `slots`; what is in it afterwards means nothing.
func radixSort(_ slots: UnsafeMutableBufferPointer<UInt64>, scratch: UnsafeMutableBufferPointer<UInt64>) {
    radixSort(slots, scratch: scratch, bytes: 4..<8) { $0 }
}

@inline(__always)
private func radixSort<Element: BitwiseCopyable>(
    _ entries: UnsafeMutableBufferPointer<Element>, scratch: UnsafeMutableBufferPointer<Element>, bytes: Range<Int>,
    _ key: (Element) -> UInt64
) {
    var from = entries
    var to = scratch
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 8 * 256) { counts in
        counts.initialize(repeating: 0)
        for entry in entries {
            let key = key(entry)
            for byte in bytes { counts[byte << 8 | Int(key >> UInt64(byte * 8) & 0xFF)] += 1 }
        }
        for byte in bytes {
            let places = UnsafeMutableBufferPointer(rebasing: counts[(byte << 8)..<((byte + 1) << 8)])
            if places.contains(entries.count) { continue }
            var next = 0
            for value in 0..<256 {
                let count = places[value]
                places[value] = next
                next += count
            }
            for entry in from {
                let value = Int(key(entry) >> UInt64(byte * 8) & 0xFF)
                to[places[value]] = entry
                places[value] += 1
            }
            swap(&from, &to)
        }
    }
    // After an odd number of passes the result lies in the scratch.
    if from.baseAddress != entries.baseAddress { _ = entries.update(from: from) }
}
