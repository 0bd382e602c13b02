import BenchHarness
import SpacetimeDurability
import SpacetimeTestSupport

/// How long durable calls take over a socket at half of the rate of durable calls that the server reaches, alone and beside what happens on a
/// server: snapshots, and clients that do not read. And what the disk alone would make of as many calls, which is the limit.
struct SocketLatencyBench {
    enum Beside: String, CaseIterable {
        case nothing, snapshots
        case slowReaders = "slow-readers"
        case everything
    }

    let settings: BenchSettings
    private let accounts: Int
    private let slowReaders: Int
    private static let connections = 20

    init(_ settings: BenchSettings, tiny: Bool) {
        self.settings = settings
        accounts = tiny ? 1_000 : 100_000
        slowReaders = tiny ? 2 : 20
    }

    func run() throws {
        let directory = try TemporaryDirectory()
        let child = try Child.itself("serve", [directory.path + "/db", "\(accounts)", "0"])
        let port = try ServerChild.port(of: child)
        let transfers = Transfers(.uniform, accounts: accounts, count: 1_000_000)
        let peak = try peak(port, transfers)
        let limit = try DiskLimit(in: directory.path, perSecond: peak / 2, seconds: settings.seconds)
        for (variant, latencies) in [("one-sync", limit.syncs), ("calls-that-share-syncs", limit.calls)] {
            settings.report("disk", variant, LoadResult(latencies).latencyFigures)
        }
        var readers: [Socket] = []
        defer { readers.forEach { $0.end() } }
        for beside in Beside.allCases where settings.wants("spacetimekit", "durable-beside-\(beside.rawValue)") {
            if beside == .slowReaders || beside == .everything, readers.isEmpty {
                readers = try (0..<slowReaders).map { _ in try slowReader(port) }
            }
            if beside == .everything { _ = try child.ask("snapshots") }
            if beside == .snapshots {
                // A server of its own: its snapshots go on until it ends.
                let directory = try TemporaryDirectory()
                let child = try Child.itself("serve", [directory.path + "/db", "\(accounts)", "0"])
                let port = try ServerChild.port(of: child)
                _ = try child.ask("snapshots")
                try measure(beside, child, port, peak / 2, transfers)
                child.end()
            } else {
                try measure(beside, child, port, peak / 2, transfers)
            }
        }
        child.end()
    }

    /// How many durable calls a second there are at most, each of them in a message of its own, as they come when they are not
    /// asked for together. Beside it, how many if the same clients ask for many at once.
    private func peak(_ port: Int, _ transfers: Transfers) throws -> Double {
        func most(_ messageLimit: Int, _ variant: String) throws -> Double {
            let result = try PipelinedLoad<SpacetimeWire>(
                port: port, connections: Self.connections, depth: 40, messageLimit: messageLimit, transfers,
                options: "confirmed=true"
            ).run(seconds: settings.seconds, warmUp: settings.seconds / 5, begin: {}, end: {})
            settings.report("spacetimekit", variant, result.figures)
            return result.perSecond
        }
        _ = try most(.max, "durable-peak-many-a-message")
        return try most(1, "durable-peak-one-a-message")
    }

    /// Watches all accounts, and reads nothing of what it is told.
    private func slowReader(_ port: Int) throws -> Socket {
        let socket = try GreetedClient.open(port: port, receiveBuffer: 4_096)
        var frame = ClientFrame()
        frame.begin()
        frame.append(ClientMessages.subscribe(request: 0, set: 0, ["SELECT * FROM accounts"]))
        try frame.send(to: socket)
        return socket
    }

    private func measure(
        _ beside: Beside, _ child: Child, _ port: Int, _ perSecond: Double, _ transfers: Transfers
    ) throws {
        let before = try child.usage()
        let result = try OpenLoad(port: port, connections: Self.connections, transfers)
            .run(perSecond: perSecond, seconds: settings.seconds)
        let after = try child.usage()
        settings.report(
            "spacetimekit", "durable-beside-\(beside.rawValue)",
            result.figures + [
                ("server_us_per_transaction", (after.seconds - before.seconds) / Double(max(result.answers, 1)) * 1e6)
            ])
    }
}

/// Asks for transfers at even distances, whatever the answers take: a latency counts from when the call was due.
final class OpenLoad {
    private struct Connection {
        var link: LoadConnection<SpacetimeWire>
        /// When each call that is under way was due, oldest first.
        var due: [Int64] = []
        var oldest = 0
    }

    private var connections: [Connection] = []
    private var transfers: Transfers
    private let poller: Poller
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)

    init(port: Int, connections count: Int, _ transfers: Transfers) throws {
        self.transfers = transfers
        poller = try Poller()
        for number in 0..<count {
            let link = try LoadConnection<SpacetimeWire>(port: port, options: "confirmed=true")
            connections.append(Connection(link: link))
            try link.watch(with: poller, tag: number)
        }
    }

    deinit {
        for connection in connections { connection.link.end() }
        buffer.deallocate()
    }

    func run(perSecond: Double, seconds: Double) throws -> LoadResult {
        var result = LoadResult()
        let distance = 1e9 / max(perSecond, 1)
        let start = monotonicNanoseconds()
        var number = 0
        var now = start
        while Double(now - start) < seconds * 1e9 {
            let due = start + Int64(Double(number) * distance)
            if now >= due {
                try ask(number % connections.count, due)
                number += 1
            } else {
                // Asleep: a loop would take a core from the server, and the latency would be that of the scheduler.
                try poller.wait(nanoseconds: due - now) { try read($0, &result) }
            }
            // Calls that are late are made at once, but answers are taken in between.
            if number % 64 == 0 { try poller.wait(milliseconds: 0) { try read($0, &result) } }
            now = monotonicNanoseconds()
        }
        let deadline = now + 10_000_000_000
        while result.answers < number, monotonicNanoseconds() < deadline {
            try poller.wait(milliseconds: 10) { try read($0, &result) }
        }
        guard result.answers == number else { throw BenchFailure("\(number - result.answers) calls were not answered") }
        result.seconds = Double(monotonicNanoseconds() - start) / 1e9
        return result
    }

    private func ask(_ number: Int, _ due: Int64) throws {
        if connections[number].oldest == connections[number].due.count {
            connections[number].due.removeAll(keepingCapacity: true)
            connections[number].oldest = 0
        }
        connections[number].due.append(due)
        try connections[number].link.ask(1, &transfers)
    }

    private func read(_ number: Int, _ result: inout LoadResult) throws {
        guard let scanned = try connections[number].link.read(through: buffer) else { return }
        let now = monotonicNanoseconds()
        for _ in 0..<scanned.answers {
            result.latencies.record(nanoseconds: now - connections[number].due[connections[number].oldest])
            connections[number].oldest += 1
        }
        result.answers += scanned.answers
        result.failures += scanned.failures
    }
}
