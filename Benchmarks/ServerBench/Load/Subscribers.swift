import BenchHarness
import SpacetimeDurability

/// Many connections that watch the same rows, and note when each update came that says when it was made.
final class Subscribers {
    /// What the updates look like: rows of one table that were changed, each with the time in it.
    struct Shape {
        let table: String
        let rows: Int
        static let rowByteCount = 24

        /// Where the time of the first row stands behind the start of a message.
        var stampOffset: Int { 1 + 4 + 4 + 4 + 4 + table.utf8.count + 4 + 1 + 7 + 4 }
        /// Of a message, which holds new and old rows.
        var messageByteCount: Int {
            1 + 4 + 4 + 4 + 4 + table.utf8.count + 4 + 1 + 2 * (7 + rows * Self.rowByteCount)
        }
    }

    private struct Connection {
        let socket: Socket
        var pending: [UInt8] = []
    }

    private(set) var latencies = LatencyHistogram()
    /// Updates that came, by whomever.
    private(set) var delivered = 0
    private(set) var byteCount = 0
    private let shape: Shape
    private let poller: Poller
    private var connections: [Connection] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 16)

    /// Connects and subscribes, and waits for the first rows of all.
    init(port: Int, count: Int, _ shape: Shape) throws {
        self.shape = shape
        poller = try Poller()
        var frame = ClientFrame()
        for number in 0..<count {
            let socket = try GreetedClient.open(port: port, source: UInt8(2 + number / 20_000))
            frame.begin()
            frame.append(ClientMessages.subscribe(request: 0, set: 0, ["SELECT * FROM \(shape.table)"]))
            try frame.send(to: socket)
            connections.append(Connection(socket: socket))
            try poller.add(socket, tag: number)
            try serve(milliseconds: 0)
        }
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while applied < count {
            try serve(milliseconds: 100)
            guard monotonicNanoseconds() < deadline else { throw BenchFailure("a subscription is not answered") }
        }
    }

    deinit {
        for connection in connections { connection.socket.end() }
        buffer.deallocate()
    }

    private var applied = 0

    var count: Int { connections.count }

    func forget() {
        latencies = LatencyHistogram()
        delivered = 0
        byteCount = 0
    }

    /// Takes in what has come.
    func serve(milliseconds: Int64) throws { try serve(nanoseconds: milliseconds * 1_000_000) }

    func serve(nanoseconds: Int64) throws { try poller.wait(nanoseconds: nanoseconds) { try read($0) } }

    private func read(_ number: Int) throws {
        let pending = connections[number].pending.count
        connections[number].pending.withUnsafeBytes { buffer.copyMemory(from: $0) }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[pending...])
        guard let count = try connections[number].socket.read(into: room) else { return }
        if count == 0 { throw BenchFailure("the server dropped a subscriber") }
        byteCount += count
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<(pending + count)])
        var consumed = 0
        while let head = ServerFrameHead(UnsafeRawBufferPointer(rebasing: bytes[consumed...])) {
            let start = consumed + head.headCount
            guard start + head.payloadCount <= bytes.count else { break }
            let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<start + head.payloadCount])
            if head.opcode == ServerFrameHead.ping { try connections[number].socket.send(GreetedClient.pong) }
            if head.opcode == ServerFrameHead.close { throw BenchFailure("the server closed a subscriber") }
            if head.opcode == ServerFrameHead.binary { try take(payload) }
            consumed = start + head.payloadCount
        }
        connections[number].pending.removeAll(keepingCapacity: true)
        connections[number].pending.append(contentsOf: bytes[consumed...])
    }

    private func take(_ payload: UnsafeRawBufferPointer) throws {
        if payload[1] == 1 {
            applied += 1
            return
        }
        let now = monotonicNanoseconds()
        var position = 1
        while position < payload.count {
            guard payload[position] == 4, position + shape.messageByteCount <= payload.count else {
                throw BenchFailure("an update has another form than was expected")
            }
            let stamp = payload.loadUnaligned(fromByteOffset: position + shape.stampOffset, as: UInt64.self)
            latencies.record(nanoseconds: now - Int64(stamp))
            delivered += 1
            position += shape.messageByteCount
        }
    }
}

/// Calls a reducer that writes the time, and takes in the answers.
final class StampWriter {
    private let socket: Socket
    private var frame = ClientFrame()
    private let reducer: String
    private let rows: UInt32?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private(set) var calls = 0

    /// - Parameter rows: how many rows the reducer is told to change; nil for one that is not told.
    init(port: Int, reducer: String, rows: UInt32?) throws {
        socket = try GreetedClient.open(port: port, query: "compression=None&confirmed=false")
        self.reducer = reducer
        self.rows = rows
    }

    deinit {
        socket.end()
        buffer.deallocate()
    }

    func call() throws {
        while try socket.read(into: buffer) != nil {}
        frame.begin()
        let arguments =
            ClientMessages.littleEndian(UInt64(monotonicNanoseconds())) + (rows.map(ClientMessages.littleEndian) ?? [])
        frame.append(ClientMessages.call(request: UInt32(truncatingIfNeeded: calls), reducer, arguments))
        try frame.send(to: socket)
        calls += 1
    }
}
