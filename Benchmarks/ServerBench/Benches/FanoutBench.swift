import BenchHarness
import SpacetimeDurability

/// One client writes, and many watch what it writes.
///
/// Beside it: the system's `send` of as many bytes to as many sockets, which is the least that any server does.
struct FanoutBench {
    let settings: BenchSettings
    private let counts: [Int]
    private let burst: (rows: Int, clients: Int)

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        counts = tiny ? [2, 10] : [10, 1_000, 5_000].map { min($0, OpenFiles.limit - 200) }
        burst = tiny ? (rows: 20, clients: 4) : (rows: 2_000, clients: 200)
    }

    func run() throws {
        for count in counts {
            // A fixed rate that leaves the machine half idle at most, whatever the number of clients.
            let rate = min(1_000, 50_000 / Double(count))
            try subscribers(count, Subscribers.Shape(table: "beat", rows: 1), rate: rate)
            try peak(count, Subscribers.Shape(table: "beat", rows: 1))
            try send(count, byteCount: 4 + 1 + Subscribers.Shape(table: "beat", rows: 1).messageByteCount)
        }
        let some = counts[counts.count / 2]
        try peak(some, Subscribers.Shape(table: "burst", rows: burst.rows / 20))
        try send(some, byteCount: 4 + 1 + Subscribers.Shape(table: "burst", rows: burst.rows / 20).messageByteCount)
        try bursts()
    }

    private func withServer(
        _ system: String, _ variant: String, rows: Int, _ body: (Child, Int) throws -> Void
    ) throws {
        guard settings.wants(system, variant) else { return }
        let child = try Child.itself("serve", ["memory", "1", "\(rows)"])
        try body(child, try ServerChild.port(of: child))
        child.end()
    }

    private func writer(_ port: Int, _ shape: Subscribers.Shape) throws -> StampWriter {
        try StampWriter(port: port, reducer: shape.table, rows: shape.table == "burst" ? UInt32(shape.rows) : nil)
    }

    /// Writes at even distances, whatever the clients do meanwhile.
    private func subscribers(_ count: Int, _ shape: Subscribers.Shape, rate: Double) throws {
        let variant = "\(count)-clients"
        try withServer("spacetimekit", variant, rows: 0) { child, port in
            let idle = try child.usage()
            let subscribers = try Subscribers(port: port, count: count, shape)
            let subscribed = try child.usage()
            let writer = try writer(port, shape)
            let start = monotonicNanoseconds()
            while true {
                let due = start + Int64(Double(writer.calls) / rate * 1e9)
                if Double(due - start) / 1e9 >= settings.seconds { break }
                // Asleep in between: a loop would take a core from the server.
                while case let left = due - monotonicNanoseconds(), left > 0 {
                    try subscribers.serve(nanoseconds: left)
                }
                try writer.call()
            }
            try drain(subscribers, writer.calls * count)
            let after = try child.usage()
            settings.report(
                "spacetimekit", variant,
                figures(subscribers, monotonicNanoseconds() - start, after.seconds - subscribed.seconds, rows: 1) + [
                    (
                        "bytes_per_connection",
                        (subscribed.residentByteCount - idle.residentByteCount) / Double(count)
                    )
                ])
        }
    }

    /// Writes whenever fewer than so many updates of each client are under way.
    private func peak(_ count: Int, _ shape: Subscribers.Shape) throws {
        let variant = "\(count)-clients-\(shape.rows)-rows-peak"
        try withServer("spacetimekit", variant, rows: shape.rows) { child, port in
            let subscribers = try Subscribers(port: port, count: count, shape)
            let writer = try writer(port, shape)
            let before = try child.usage()
            let start = monotonicNanoseconds()
            while Double(monotonicNanoseconds() - start) < settings.seconds * 1e9 {
                while writer.calls * count - subscribers.delivered < 8 * count { try writer.call() }
                try subscribers.serve(milliseconds: 1)
            }
            let time = monotonicNanoseconds() - start
            let after = try child.usage()
            settings.report(
                "spacetimekit", variant,
                figures(subscribers, time, after.seconds - before.seconds, rows: shape.rows))
        }
    }

    private func figures(
        _ subscribers: Subscribers, _ nanoseconds: Int64, _ used: Double, rows: Int
    ) -> [(String, Double)] {
        let delivered = Double(max(subscribers.delivered, 1))
        return [
            ("sends_per_second", delivered / Double(nanoseconds) * 1e9),
            ("rows_per_second", delivered * Double(rows) / Double(nanoseconds) * 1e9),
            ("server_us_per_send", used / delivered * 1e6),
            ("sends_per_core_second", delivered / max(used, 1e-9)),
            ("p50_us", Double(subscribers.latencies.percentile(0.5)) / 1e3),
            ("p99_us", Double(subscribers.latencies.percentile(0.99)) / 1e3),
            ("longest_ms", Double(subscribers.latencies.longest) / 1e6),
        ]
    }

    private func drain(_ subscribers: Subscribers, _ expected: Int) throws {
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while subscribers.delivered < expected {
            try subscribers.serve(milliseconds: 10)
            guard monotonicNanoseconds() < deadline else {
                throw BenchFailure("\(expected - subscribers.delivered) of \(expected) updates did not come")
            }
        }
    }

    // MARK: One large commit

    /// How long it takes until the last of many clients has all rows of a large commit.
    private func bursts() throws {
        let variant = "\(burst.rows)-rows-to-\(burst.clients)"
        let shape = Subscribers.Shape(table: "burst", rows: burst.rows)
        try withServer("spacetimekit", variant, rows: burst.rows) { child, port in
            let subscribers = try Subscribers(port: port, count: burst.clients, shape)
            let writer = try writer(port, shape)
            var longest = LatencyHistogram()
            let before = try child.usage()
            for _ in 0..<(settings.seconds < 1 ? 3 : 50) {
                subscribers.forget()
                try writer.call()
                try drain(subscribers, burst.clients)
                longest.record(nanoseconds: Int64(subscribers.latencies.longest))
            }
            let used = try child.usage().seconds - before.seconds
            settings.report(
                "spacetimekit", variant,
                [
                    ("p50_ms_to_last", Double(longest.percentile(0.5)) / 1e6),
                    ("longest_ms_to_last", Double(longest.longest) / 1e6),
                    ("server_ms_per_commit", used * 1e3 / Double(longest.count)),
                ])
        }
        try send(burst.clients, byteCount: 10 + shape.messageByteCount)
    }

    // MARK: The least

    private func send(_ count: Int, byteCount: Int) throws {
        let variant = "\(count)-clients-\(byteCount)-bytes"
        guard settings.wants("send", variant) else { return }
        let child = try Child.itself("send", [])
        let port = try ServerChild.port(of: child)
        let poller = try Poller()
        var sockets: [Socket] = []
        defer { sockets.forEach { $0.end() } }
        while sockets.count < count {
            let some = min(500, count - sockets.count)
            for _ in 0..<some {
                let socket = try Socket(port: port)
                socket.makeNonBlocking()
                try poller.add(socket, tag: sockets.count)
                sockets.append(socket)
            }
            _ = try child.ask("accept \(some)")
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        let rounds = max(1, Int(settings.seconds * 100_000) / count / max(1, byteCount / 2_000))
        let before = try child.usage()
        let start = monotonicNanoseconds()
        let sending = try SendOrder(child, byteCount: byteCount, rounds: rounds)
        var missing = count * byteCount * rounds
        while missing > 0 {
            try poller.wait(milliseconds: 10) { number in
                missing -= try sockets[number].read(into: buffer) ?? 0
            }
        }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        sending.wait()
        let used = try child.usage().seconds - before.seconds
        let sends = Double(count * rounds)
        settings.report(
            "send", variant,
            [
                ("sends_per_second", sends / seconds), ("server_us_per_send", used / sends * 1e6),
                ("sends_per_core_second", sends / max(used, 1e-9)),
            ])
        child.end()
    }
}

/// Tells a child to send while this thread reads.
private struct SendOrder {
    private let isDone = Monitor(false)

    init(_ child: Child, byteCount: Int, rounds: Int) throws {
        let order = Order(child: child)
        startThread { [isDone] in
            _ = try? order.child.ask("send \(byteCount) \(rounds)")
            isDone.wake { $0 = true }
        }
    }

    func wait() { isDone.wait { $0 } }

    /// `Sendable` is unchecked: who ordered does not speak to the child until the order is done.
    private struct Order: @unchecked Sendable { let child: Child }
}
