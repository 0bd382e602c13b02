import BenchHarness
import SpacetimeDurability

/// What a load has measured.
struct LoadResult {
    var latencies = LatencyHistogram()
    var answers = 0
    var failures = 0
    /// From the first to the last counted answer.
    var seconds = 0.0

    var perSecond: Double { seconds > 0 ? Double(answers) / seconds : 0 }

    var figures: [(String, Double)] {
        [
            ("per_second", perSecond), ("p50_us", Double(latencies.percentile(0.5)) / 1e3),
            ("p99_us", Double(latencies.percentile(0.99)) / 1e3),
            ("p999_us", Double(latencies.percentile(0.999)) / 1e3),
            ("longest_ms", Double(latencies.longest) / 1e6), ("failures", Double(failures)),
        ]
    }
}

/// Keeps so many transfers under way on each of some connections: for each answer that comes, another is asked for.
///
/// One thread serves all connections, reads what there is, and sends as many at once as were answered: it needs less of a
/// core than any server that it loads.
final class PipelinedLoad<Wire: TransferWire> {
    private struct Connection {
        let socket: Socket
        var wire: Wire
        /// When each transfer that is under way was asked for, in a ring.
        var sent: [Int64]
        var oldest = 0
        var underWay = 0
        /// The beginning of an answer whose end has not come.
        var pending: [UInt8] = []
    }

    private var connections: [Connection] = []
    private var transfers: Transfers
    private let depth: Int
    private let poller: Poller
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)

    init(port: Int, connections count: Int, depth: Int, _ transfers: Transfers, options: String = "") throws {
        self.depth = depth
        self.transfers = transfers
        poller = try Poller()
        for number in 0..<count {
            let socket = try Wire.open(port: port, options: options)
            connections.append(
                Connection(
                    socket: socket, wire: Wire(options: options), sent: [Int64](repeating: 0, count: depth)))
            try poller.add(socket, tag: number)
        }
    }

    deinit {
        for connection in connections { connection.socket.end() }
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
        let pending = connections[number].pending.count
        connections[number].pending.withUnsafeBytes { buffer.copyMemory(from: $0) }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[pending...])
        guard let count = try connections[number].socket.read(into: room) else { return }
        if count == 0 { throw BenchFailure("the server ended a connection") }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<(pending + count)])
        let scanned = try connections[number].wire.scan(bytes)
        connections[number].pending.removeAll(keepingCapacity: true)
        connections[number].pending.append(contentsOf: bytes[scanned.consumed...])
        for _ in 0..<scanned.pings { try connections[number].socket.send(GreetedClient.pong) }
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
        let socket = connections[number].socket
        try connections[number].wire.send(count, &transfers, to: socket)
    }
}
