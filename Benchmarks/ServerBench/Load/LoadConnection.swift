/// One connection of a load: what is asked for over it, and what has come of the answers.
struct LoadConnection<Wire: TransferWire> {
    private let socket: Socket
    private var wire: Wire
    /// The beginning of an answer whose end has not come.
    private var pending: [UInt8] = []

    init(port: Int, options: String) throws {
        socket = try Wire.open(port: port, options: options)
        wire = Wire(options: options)
    }

    func watch(with poller: borrowing Poller, tag: Int) throws { try poller.add(socket, tag: tag) }

    func end() { socket.end() }

    /// Asks for so many transfers, in one message to the server.
    mutating func ask(_ count: Int, _ transfers: inout Transfers) throws {
        try wire.send(count, &transfers, to: socket)
    }

    /// Takes in what has come, and answers pings.
    ///
    /// - Parameter buffer: memory for it, which many connections may share.
    /// - Returns: nil if nothing has come.
    mutating func read(through buffer: UnsafeMutableRawBufferPointer) throws -> ScannedAnswers? {
        pending.withUnsafeBytes { buffer.copyMemory(from: $0) }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[pending.count...])
        guard let count = try socket.read(into: room) else { return nil }
        if count == 0 { throw BenchFailure("the server ended a connection") }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<(pending.count + count)])
        let scanned = try wire.scan(bytes)
        pending.removeAll(keepingCapacity: true)
        pending.append(contentsOf: bytes[scanned.consumed...])
        for _ in 0..<scanned.pings { try socket.send(GreetedClient.pong) }
        return scanned
    }
}
