import BenchHarness

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Pairs of accounts between which money moves, drawn beforehand and used over and over.
struct Transfers {
    enum Distribution: String, CaseIterable {
        case uniform
        /// Few accounts take part in most transfers: the share of the one of rank k is as 1 / k^1.5.
        case zipf
    }

    struct Pair {
        var from: UInt32
        var to: UInt32
    }

    static let initialBalance: Int64 = 1_000_000_000
    private let pairs: [Pair]
    private var position = 0

    init(_ distribution: Distribution, accounts: Int, count: Int) {
        var random = SplitMix64(seed: 0x1234_5678)
        let sums = distribution == .zipf ? Self.zipfSums(accounts) : []
        func account() -> UInt32 {
            guard distribution == .zipf else { return UInt32(random.next(below: accounts)) }
            return Self.rank(Double(random.next() >> 11) / Double(1 << 53) * sums[accounts - 1], in: sums)
        }
        pairs = (0..<count).map { _ in
            let from = account()
            var to = account()
            while to == from { to = account() }
            return Pair(from: from, to: to)
        }
    }

    private static func zipfSums(_ accounts: Int) -> [Double] {
        var sum = 0.0
        return (1...accounts).map { rank in
            sum += pow(Double(rank), -1.5)
            return sum
        }
    }

    /// The first account whose sum reaches a value.
    private static func rank(_ value: Double, in sums: [Double]) -> UInt32 {
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] < value { low = middle + 1 } else { high = middle }
        }
        return UInt32(low)
    }

    mutating func next() -> Pair {
        defer { position = position + 1 == pairs.count ? 0 : position + 1 }
        return pairs[position]
    }
}
