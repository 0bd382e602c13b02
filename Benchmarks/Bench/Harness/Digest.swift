/// Mixes values into a number that does not depend on their order, so that systems may visit rows as they like.
struct Digest {
    private(set) var value: UInt64 = 0

    init() {}

    /// Adds a row's key and one of its values.
    @inline(__always)
    mutating func add(_ key: UInt64, _ value: Int64) {
        self.value &+= (key &+ 0x9E37_79B9_7F4A_7C15) &* (UInt64(bitPattern: value) &* 2 &+ 1)
    }

    /// Adds a plain number.
    @inline(__always)
    mutating func add(_ number: Int) { value &+= UInt64(truncatingIfNeeded: number) }
}
