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
    var from = entries
    var to = scratch
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 8 * 256) { counts in
        counts.initialize(repeating: 0)
        for entry in entries {
            for byte in 0..<8 { counts[byte << 8 | Int(entry.key >> UInt64(byte * 8) & 0xFF)] += 1 }
        }
        for byte in 0..<8 {
            let places = UnsafeMutableBufferPointer(rebasing: counts[(byte << 8)..<((byte + 1) << 8)])
            if places.contains(entries.count) { continue }
            var next = 0
            for value in 0..<256 {
                let count = places[value]
                places[value] = next
                next += count
            }
            for entry in from {
                let value = Int(entry.key >> UInt64(byte * 8) & 0xFF)
                to[places[value]] = entry
                places[value] += 1
            }
            swap(&from, &to)
        }
    }
    // After an odd number of passes the result lies in the scratch.
    if from.baseAddress != entries.baseAddress { _ = entries.update(from: from) }
}
