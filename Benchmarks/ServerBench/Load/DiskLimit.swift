import BenchHarness
import SpacetimeDurability

/// What the disk alone makes of durable calls: the limit of any server that answers behind a sync which many calls share.
///
/// Appends to a file and syncs it, over and over, as much each time as came meanwhile. A call that comes while one sync is
/// under way is durable at the end of the next.
struct DiskLimit {
    private(set) var syncs = LatencyHistogram()
    private(set) var calls = LatencyHistogram()

    /// About what a transfer takes in the log.
    private static let recordByteCount = 96

    /// - Parameters:
    ///   - directory: on the disk that is meant.
    ///   - perSecond: calls, which come at even distances.
    init(in directory: String, perSecond: Double, seconds: Double) throws {
        let path = directory + "/limit"
        let file = try SystemDisk().open(path, .create)
        let distance = 1e9 / max(perSecond, 1)
        let bytes = [UInt8](repeating: 0xA5, count: 1 << 20)
        // Reserved as the log reserves it.
        try file.preallocate(to: 64 << 20)
        var offset: UInt64 = 0
        var last = (start: monotonicNanoseconds(), end: Int64(0))
        last.end = last.start
        let begin = last.start
        defer { file.close() }
        while Double(last.end - begin) < seconds * 1e9 {
            let arrived = Double(last.end - last.start) / distance
            let count = min(bytes.count, max(Self.recordByteCount, Int(arrived) * Self.recordByteCount))
            let start = monotonicNanoseconds()
            try bytes.withUnsafeBytes { try file.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: offset) }
            try file.sync()
            let end = monotonicNanoseconds()
            offset = offset + UInt64(count) < 60 << 20 ? offset + UInt64(count) : 0
            syncs.record(nanoseconds: end - start)
            for call in 0..<Int(arrived) {
                calls.record(nanoseconds: end - (last.start + Int64(Double(call) * distance)))
            }
            last = (start, end)
        }
    }
}
