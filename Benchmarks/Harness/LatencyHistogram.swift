/// How often latencies of each size came, to within a sixty-fourth, in memory that does not grow.
package struct LatencyHistogram: Sendable {
    /// Sizes below 2^7 nanoseconds have a bucket each; above that, each power of two has 64 of them.
    private static let bucketBits = 6
    private static let bucketCount = (64 - bucketBits + 1) << bucketBits

    private var counts = [UInt64](repeating: 0, count: bucketCount)
    package private(set) var count: UInt64 = 0
    /// Nanoseconds, exact.
    package private(set) var longest: UInt64 = 0

    package init() {}

    package mutating func record(nanoseconds: Int64) {
        let nanoseconds = UInt64(max(nanoseconds, 0))
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
        longest = max(longest, nanoseconds)
    }

    private static func bucket(of nanoseconds: UInt64) -> Int {
        let shift = max(0, 63 - nanoseconds.leadingZeroBitCount - bucketBits)
        return shift << bucketBits + Int(nanoseconds >> UInt64(shift))
    }

    /// The largest size that falls into a bucket.
    private static func end(of bucket: Int) -> UInt64 {
        let shift = max(0, bucket >> bucketBits - 1)
        return UInt64(bucket - shift << bucketBits + 1) << UInt64(shift) - 1
    }

    /// The nanoseconds that this share of the latencies did not exceed.
    package func percentile(_ share: Double) -> UInt64 {
        let rank = UInt64((share * Double(count)).rounded(.up))
        var sum: UInt64 = 0
        for (bucket, count) in counts.enumerated() where count > 0 {
            sum += count
            if sum >= rank { return min(Self.end(of: bucket), longest) }
        }
        return longest
    }
}
