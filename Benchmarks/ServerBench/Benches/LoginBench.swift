import BenchHarness
import SpacetimeDurability

/// Many clients log in at once: each subscribes to the same large static tables, and to small things of its own.
struct LoginBench {
    let settings: BenchSettings
    private let tables: Int
    private let rows: Int
    private let clients: Int
    private let queries: Int

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        (tables, rows, clients, queries) = tiny ? (5, 50, 4, 10) : (100, 1_100, 500, 300)
    }

    func run() throws {
        for compression in ["None", "Gzip", "Brotli"] where settings.wants("spacetimekit", compression.lowercased()) {
            let child = try Child.itself("login", ["\(tables)", "\(rows)", "\(clients)", "\(queries)"])
            try measure(child, try ServerChild.port(of: child), compression)
            child.end()
        }
    }

    private func measure(_ child: Child, _ port: Int, _ compression: String) throws {
        let poller = try Poller()
        var sockets: [Socket] = []
        var counters = [MessageCounter](repeating: MessageCounter(), count: clients)
        defer { sockets.forEach { $0.end() } }
        for number in 0..<clients {
            // One message to a frame, so that messages can be counted without taking them apart.
            let socket = try GreetedClient.open(
                port: port, subprotocol: "v2.bsatn.spacetimedb", query: "compression=\(compression)")
            try poller.add(socket, tag: number)
            sockets.append(socket)
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        let statics = (0..<tables).map { "SELECT * FROM \(LoginChild.name(ofTable: $0))" }
        let before = try child.usage()
        let start = monotonicNanoseconds()
        var latencies = LatencyHistogram()
        var done = 0
        func serve(_ milliseconds: Int64) throws {
            try poller.wait(milliseconds: milliseconds) { number in
                guard let count = try sockets[number].read(into: buffer) else { return }
                if count == 0 { throw BenchFailure("the server dropped a client") }
                let (messages, pings) = (counters[number].messages, counters[number].pings)
                counters[number].take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                for _ in pings..<counters[number].pings { try sockets[number].send(GreetedClient.pong) }
                if messages < 2, counters[number].messages == 2 {
                    done += 1
                    latencies.record(nanoseconds: monotonicNanoseconds() - start)
                }
            }
        }
        var frame = ClientFrame()
        for (number, socket) in sockets.enumerated() {
            frame.begin()
            frame.append(ClientMessages.subscribe(request: 0, set: 0, statics))
            try frame.send(to: socket)
            let own = (0..<queries).map { "SELECT * FROM item WHERE id = \(number * queries + $0)" }
            frame.begin()
            frame.append(ClientMessages.subscribe(request: 1, set: 1, own))
            try frame.send(to: socket)
            try serve(0)
        }
        let deadline = start + 300_000_000_000
        while done < clients {
            try serve(100)
            guard monotonicNanoseconds() < deadline else {
                throw BenchFailure("\(clients - done) of \(clients) logins are not answered")
            }
        }
        let after = try child.usage()
        settings.report(
            "spacetimekit", compression.lowercased(),
            [
                ("seconds_until_all", Double(latencies.longest) / 1e9),
                ("seconds_until_half", Double(latencies.percentile(0.5)) / 1e9),
                ("server_ms_per_client", (after.seconds - before.seconds) / Double(clients) * 1e3),
                ("bytes_per_client", Double(counters.reduce(0) { $0 + $1.bytes }) / Double(clients)),
                ("compressed_messages", Double(counters.reduce(0) { $0 + $1.compressed })),
                ("server_megabytes", after.residentByteCount / 1e6),
            ])
    }
}
