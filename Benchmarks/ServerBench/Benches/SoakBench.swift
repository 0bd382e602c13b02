import BenchHarness
import SpacetimeDurability
import SpacetimeTestSupport

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Clients come, subscribe, call, and go in all the ways in which clients go, for a long time. What the server holds must
/// not grow, and no connection may be left when all are gone.
struct SoakBench {
    let settings: BenchSettings
    private let minutes: Double
    private let seed: UInt64
    private let clients: Int
    private let tiny: Bool

    init(_ settings: BenchSettings, minutes: Double, seed: UInt64, tiny: Bool) {
        self.settings = settings
        self.minutes = minutes
        self.seed = seed
        self.tiny = tiny
        clients = tiny ? 20 : 500
    }

    func run() throws {
        let directory = try TemporaryDirectory()
        let child = try Child.itself("serve", [directory.path + "/db", "10000", "0"])
        let port = try ServerChild.port(of: child)
        // Once with all, so that what all need is there before anything is compared.
        let baseline = try child.usage()
        var crowd = try Crowd(port: port, count: clients, seed: seed)
        let start = monotonicNanoseconds()
        var next = 0.0
        while true {
            let elapsed = Double(monotonicNanoseconds() - start) / 60e9
            if elapsed >= next {
                next += minutes / 20
                let usage = try child.usage()
                settings.report(
                    "spacetimekit", "seed-\(seed)",
                    [
                        ("minutes", elapsed), ("connections", Double(crowd.connects)),
                        ("answers", Double(crowd.answers)), ("silent_clients_dropped", Double(crowd.droppedSilent)),
                        ("resident_megabytes", usage.residentByteCount / 1e6),
                        ("open_files", usage.openFiles), ("server_seconds", usage.seconds),
                    ])
            }
            if elapsed >= minutes { break }
            try crowd.step()
        }
        crowd.leave()
        var usage = try child.usage()
        // Longer than the server waits for who says nothing.
        let deadline = monotonicNanoseconds() + (tiny ? 5_000_000_000 : 60_000_000_000)
        while usage.openFiles > baseline.openFiles, monotonicNanoseconds() < deadline {
            usleep(50_000)
            usage = try child.usage()
        }
        let stuck = usage.openFiles - baseline.openFiles
        settings.report(
            "spacetimekit", "seed-\(seed)-end",
            [("stuck_connections", stuck), ("resident_megabytes", usage.residentByteCount / 1e6)])
        child.end()
        if stuck > 0 { throw BenchFailure("\(Int(stuck)) connections are left though all clients are gone") }
    }
}

/// Clients of which one or the other does something at each step.
private struct Crowd {
    private struct Client {
        var socket: Socket?
        var counter = MessageCounter()
        /// When it last sent something.
        var lastSent: Int64 = 0
    }

    /// The server drops a client of whom it has heard nothing for 30 s. On a machine that has other things to do this program
    /// may not get to a client in time; one that was silent for so long has itself to blame.
    private static let silence: Int64 = 25_000_000_000

    private let port: Int
    private var random: SplitMix64
    private var clients: [Client]
    private var transfers = Transfers(.uniform, accounts: 10_000, count: 100_000)
    private var wire = SpacetimeWire(options: "")
    private var frame = ClientFrame()
    private(set) var connects = 0
    private(set) var answers = 0
    /// Clients that the server dropped because they had been silent for too long.
    private(set) var droppedSilent = 0
    private var lastSweep = monotonicNanoseconds()

    init(port: Int, count: Int, seed: UInt64) throws {
        self.port = port
        random = SplitMix64(seed: seed)
        clients = [Client](repeating: Client(), count: count)
        for number in clients.indices { try connect(number) }
    }

    mutating func step() throws {
        if monotonicNanoseconds() - lastSweep > 1_000_000_000 { try sweep() }
        let number = random.next(below: clients.count)
        guard let socket = clients[number].socket else { return try connect(number) }
        guard try read(number, socket) else { return }
        clients[number].lastSent = monotonicNanoseconds()
        switch random.next(below: 10) {
        case 0...5:
            try wire.send(1 + random.next(below: 20), &transfers, to: socket)
        case 6: try subscribe(socket, set: UInt32(1 + random.next(below: 1_000)))
        case 7: try socket.send(GreetedClient.pong)
        default: try vanish(number, socket)
        }
    }

    /// Answers pings, also of those that have not been drawn for long: the server drops who says nothing.
    private mutating func sweep() throws {
        lastSweep = monotonicNanoseconds()
        for number in clients.indices {
            if let socket = clients[number].socket { _ = try read(number, socket) }
        }
    }

    private mutating func connect(_ number: Int) throws {
        let confirmed = random.next(below: 2) == 0
        let socket = try GreetedClient.open(port: port, query: "compression=Gzip&confirmed=\(confirmed)")
        connects += 1
        clients[number] = Client(socket: socket, lastSent: monotonicNanoseconds())
        try subscribe(socket, set: 0)
    }

    private mutating func subscribe(_ socket: Socket, set: UInt32) throws {
        let first = random.next(below: 9_900)
        frame.begin()
        frame.append(
            ClientMessages.subscribe(
                request: set, set: set, ["SELECT * FROM accounts WHERE id >= \(first) AND id < \(first + 100)"]))
        try frame.send(to: socket)
    }

    /// - Returns: false if the connection has ended.
    private mutating func read(_ number: Int, _ socket: Socket) throws -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { buffer in
            do {
                while let count = try socket.read(into: buffer) {
                    guard count > 0 else { return try hasEnded(number, socket, "ended a connection") }
                    let (messages, pings) = (clients[number].counter.messages, clients[number].counter.pings)
                    clients[number].counter.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    answers += clients[number].counter.messages - messages
                    for _ in pings..<clients[number].counter.pings {
                        try socket.send(GreetedClient.pong)
                        clients[number].lastSent = monotonicNanoseconds()
                    }
                    if clients[number].counter.closes > 0 {
                        return try hasEnded(number, socket, "closed a connection with a word")
                    }
                }
            } catch let error as SystemError { return try hasEnded(number, socket, "reset a connection: \(error)") }
            return true
        }
    }

    /// The server has ended a connection.
    ///
    /// - Returns: false.
    /// - Throws: if it had no reason to.
    private mutating func hasEnded(_ number: Int, _ socket: Socket, _ how: String) throws -> Bool {
        let silent = monotonicNanoseconds() - clients[number].lastSent
        guard silent > Self.silence else {
            let reasons = (try? ServerMetrics.lines("spacetime_connections_closed_total", port: port)) ?? []
            throw BenchFailure(
                "the server \(how), \(Double(silent) / 1e9) s after its client had sent something; all ends so far: "
                    + reasons.joined(separator: ", "))
        }
        droppedSilent += 1
        socket.end()
        clients[number].socket = nil
        return false
    }

    /// With a word, without, or as if the machine had died.
    private mutating func vanish(_ number: Int, _ socket: Socket) throws {
        clients[number].socket = nil
        switch random.next(below: 4) {
        case 0:
            frame.begin()
            try frame.send(to: socket, opcode: ServerFrameHead.close)
            socket.end()
        case 1: socket.reset()
        case 2:
            // In the middle of a frame.
            try socket.send([0x82, 0xFE, 0x01])
            socket.end()
        default: socket.end()
        }
    }

    mutating func leave() {
        for number in clients.indices {
            clients[number].socket?.end()
            clients[number].socket = nil
        }
    }
}
