/// Connections that do nothing but answer pings.
final class IdleClients {
    private let poller: Poller
    private var sockets: [Socket] = []
    private var counters: [MessageCounter] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private let port: Int

    init(port: Int) throws {
        self.port = port
        poller = try Poller()
    }

    deinit {
        sockets.forEach { $0.end() }
        buffer.deallocate()
    }

    var count: Int { sockets.count }

    /// Adds one, from one of several addresses: each has ports for some 28,000 connections.
    func add() throws {
        let socket = try GreetedClient.open(port: port, source: UInt8(2 + sockets.count / 20_000))
        try poller.add(socket, tag: sockets.count)
        sockets.append(socket)
        counters.append(MessageCounter())
    }

    func serve(milliseconds: Int64) throws {
        try poller.wait(milliseconds: milliseconds) { number in
            guard let count = try sockets[number].read(into: buffer) else { return }
            if count == 0 { throw BenchFailure("the server dropped a connection that was idle") }
            let pings = counters[number].pings
            counters[number].take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            for _ in pings..<counters[number].pings { try sockets[number].send(GreetedClient.pong) }
        }
    }
}
