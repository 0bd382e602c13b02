/// What an ``EntryTree`` orders: 96 bits of a key, and an item that they stand for, such as the handle of an image.
///
/// The first bits of a key decide nearly always, so that what is kept apart is hardly ever looked at. Where they are equal,
/// ``EntryTies`` decide.
struct TreeEntry: BitwiseCopyable {
    /// The first eight bytes of the key.
    var high: UInt64
    /// The next four bytes, and below them the item.
    var low: UInt64

    static let prefixByteCount = 12

    @inline(__always)
    init(high: UInt64, middle: UInt32, item: UInt32) {
        self.high = high
        low = UInt64(middle) << 32 | UInt64(item)
    }

    /// - Parameter key: shorter ones count as if zeros followed.
    init(_ key: UnsafeRawBufferPointer, item: UInt32) {
        high = unsafe keyPrefix(key)
        let rest = unsafe key.count > 8 ? keyPrefix(UnsafeRawBufferPointer(rebasing: key[8...])) : 0
        low = rest & ~0xFFFF_FFFF | UInt64(item)
    }

    var item: UInt32 {
        @inline(__always) get { UInt32(truncatingIfNeeded: low) }
        @inline(__always) set { low = low & ~0xFFFF_FFFF | UInt64(newValue) }
    }

    /// Which of two entries comes first if the first bits of their keys tell: negative or positive, else zero.
    @inline(__always)
    static func order(_ left: TreeEntry, _ right: TreeEntry) -> Int {
        if left.high != right.high { return left.high < right.high ? -1 : 1 }
        let (leftMiddle, rightMiddle) = (left.low >> 32, right.low >> 32)
        return leftMiddle == rightMiddle ? 0 : leftMiddle < rightMiddle ? -1 : 1
    }
}

/// Decides between entries whose first bits are equal.
protocol EntryTies {
    /// Where the key of an item is in relation to the probe's: negative, zero or positive.
    func order(of item: UInt32) -> Int
}

/// For keys that the 96 bits hold whole.
struct ExactEntries: EntryTies {
    @inline(__always) func order(of item: UInt32) -> Int { 0 }
}
