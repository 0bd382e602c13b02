import BenchHarness

/// The rows, keys and ranges of all benchmarks on the item table, made once and shared by the systems.
///
/// An item has a key (0, 1, 2 … in order of insertion), an owner (about ten items each, drawn uniformly), `x` uniform
/// in 0..<1000, `y` uniform, and a name of 8 to 23 ASCII characters, half of them too long for Swift to keep inline.
final class ItemWorkload {
    static let rowsPerOwner = 10
    static let ownersPerRange = 10
    /// `x < 100`: about a tenth of the rows.
    static let xLimit: Int32 = 100

    let rows: Int
    let owners: Int
    let owner: [UInt64]
    let x: [Int32]
    let y: [Int32]
    let name: [String]
    let findsPerPass: Int
    let rangesPerPass: Int
    private let keys: [UInt64]
    private let rangeStarts: [UInt64]

    init(_ sizes: Sizes) {
        rows = sizes.rows
        owners = max(sizes.rows / Self.rowsPerOwner, Self.ownersPerRange + 1)
        findsPerPass = min(sizes.findsPerPass, sizes.rows)
        rangesPerPass = sizes.rangesPerPass
        var random = SplitMix64(seed: 0x5EED)
        let owners = owners
        owner = (0..<rows).map { _ in UInt64(random.next(below: owners)) }
        x = (0..<rows).map { _ in Int32(random.next(below: 1000)) }
        y = (0..<rows).map { _ in Int32(truncatingIfNeeded: random.next()) }
        let letters = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        name = (0..<rows).map { _ in
            let length = 8 + random.next(below: 16)
            var bits = random.next()
            return String(
                decoding: (0..<length).map { position -> UInt8 in
                    if position == 12 { bits = random.next() }
                    defer { bits >>= 5 }
                    return letters[Int(bits & 31) % letters.count]
                }, as: UTF8.self)
        }
        let rows = rows
        keys = (0..<rows).map { _ in UInt64(random.next(below: rows)) }
        rangeStarts = (0..<max(sizes.rangesPerPass * 50, 1)).map { _ in
            UInt64(random.next(below: owners - Self.ownersPerRange))
        }
    }

    /// The keys that a pass looks up, each of them present.
    func keys(pass: Int) -> ArraySlice<UInt64> {
        let start = pass % (keys.count / findsPerPass) * findsPerPass
        return keys[start..<start + findsPerPass]
    }

    /// The first owners of the ranges of a pass; a range is `ownersPerRange` owners wide.
    func rangeStarts(pass: Int) -> ArraySlice<UInt64> {
        let start = pass % (rangeStarts.count / rangesPerPass) * rangesPerPass
        return rangeStarts[start..<start + rangesPerPass]
    }
}
