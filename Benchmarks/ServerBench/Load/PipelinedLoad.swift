import BenchHarness
import SpacetimeDurability

/// What a load has measured.
struct LoadResult {
    var latencies = LatencyHistogram()
    var answers = 0
    var failures = 0
    /// From the first to the last counted answer.
    var seconds = 0.0

    init(_ latencies: LatencyHistogram = LatencyHistogram()) { self.latencies = latencies }

    var perSecond: Double { seconds > 0 ? Double(answers) / seconds : 0 }

    var figures: [(String, Double)] {
        [("per_second", perSecond)] + latencyFigures + [("failures", Double(failures))]
    }

    var latencyFigures: [(String, Double)] {
        [
            ("p50_us", Double(latencies.percentile(0.5)) / 1e3), ("p99_us", Double(latencies.percentile(0.99)) / 1e3),
            ("p999_us", Double(latencies.percentile(0.999)) / 1e3), ("longest_ms", Double(latencies.longest) / 1e6),
        ]
    }
}

/// Keeps so many transfers under way on each of some connections: for each answer that comes, another is asked for.
///
/// One thread serves all connections, reads what there is, and asks for as many at once as were answered: it needs less of a
/// core than any server that it loads.
final class PipelinedLoad<Wire: TransferWire> {
    private struct Connection {
        var link: LoadConnection<Wire>
        /// When each transfer that is under way was asked for, in a ring.
        var sent: [Int64]
        var oldest = 0
        var underWay = 0
    }

    private var connections: [Connection] = []
    private var transfers: Transfers
    private let depth: Int
    private let messageLimit: Int
    private let poller: Poller
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)

    /// - Parameter messageLimit: how many transfers are asked for in one message at most.
    init(
        port: Int, connections count: Int, depth: Int, messageLimit: Int = .max, _ transfers: Transfers,
        options: String = ""
    ) throws {
        self.depth = depth
        self.messageLimit = messageLimit
        self.transfers = transfers
        poller = try Poller()
        for number in 0..<count {
            let link = try LoadConnection<Wire>(port: port, options: options)
            connections.append(Connection(link: link, sent: [Int64](repeating: 0, count: depth)))
            try link.watch(with: poller, tag: number)
        }
    }

    deinit {
        for connection in connections { connection.link.end() }
        buffer.deallocate()
    }

    /// - Parameter warmUp: seconds before anything is counted.
    /// - Parameter begin: called when counting begins, and `end` when it ends: to read what the server has used.
    func run(seconds: Double, warmUp: Double, begin: () throws -> Void, end: () throws -> Void) throws -> LoadResult {
        for number in connections.indices { try ask(depth, number, monotonicNanoseconds()) }
        _ = try serve(until: monotonicNanoseconds() + Int64(warmUp * 1e9))
        try begin()
        let start = monotonicNanoseconds()
        var result = try serve(until: start + Int64(seconds * 1e9))
        result.seconds = Double(monotonicNanoseconds() - start) / 1e9
        try end()
        return result
    }

    private func serve(until end: Int64) throws -> LoadResult {
        var result = LoadResult()
        var now = monotonicNanoseconds()
        while now < end {
            try poller.wait(milliseconds: 100) { try read($0, &result) }
            now = monotonicNanoseconds()
        }
        return result
    }

    private func read(_ number: Int, _ result: inout LoadResult) throws {
        guard let scanned = try connections[number].link.read(through: buffer) else { return }
        let now = monotonicNanoseconds()
        for _ in 0..<scanned.answers {
            let oldest = connections[number].oldest
            result.latencies.record(nanoseconds: now - connections[number].sent[oldest])
            connections[number].oldest = oldest + 1 == depth ? 0 : oldest + 1
        }
        connections[number].underWay -= scanned.answers
        result.answers += scanned.answers
        result.failures += scanned.failures
        if scanned.answers > 0 { try ask(scanned.answers, number, now) }
    }

    private func ask(_ count: Int, _ number: Int, _ now: Int64) throws {
        var slot = connections[number].oldest + connections[number].underWay
        for _ in 0..<count {
            connections[number].sent[slot % depth] = now
            slot += 1
        }
        connections[number].underWay += count
        var left = count
        while left > 0 {
            try connections[number].link.ask(min(left, messageLimit), &transfers)
            left -= messageLimit
        }
    }
}
