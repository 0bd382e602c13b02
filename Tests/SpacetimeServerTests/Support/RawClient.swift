import NIOCore
import NIOPosix
import SpacetimeServer
import Synchronization

/// The answer to a request, as it stood on the wire.
struct RawResponse: Sendable {
    let status: Int
    /// The names in small letters, in the order in which they came.
    let headers: [(name: String, value: String)]

    init(head: String) throws {
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw NotHTTP(line: String(lines[0]))
        }
        self.status = status
        headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
            return (parts[0].lowercased(), String(value))
        }
    }

    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }

    struct NotHTTP: Error { let line: String }
}

/// A WebSocket client that sends exactly the bytes that it is told to, right or wrong, and records what comes back.
///
/// It answers pings, as every client does; nothing else happens by itself.
final class RawClient: Sendable {
    enum Event: Sendable, Equatable {
        /// The body behind a head that was no 101, which ends with the connection.
        case body([UInt8])
        case text(String)
        case binary([UInt8])
        case pong([UInt8])
        /// nil for a close frame without payload.
        case close(code: UInt16?, reason: String)
        /// The TCP connection has ended.
        case ended
        /// Bytes that no server may send.
        case broken(String)
    }

    /// How long a test waits for what has to come: longer than all tests together take, since it may wait for a thread that long.
    static let patience = TimeAmount.seconds(600)

    let response: RawResponse
    private let channel: any Channel
    private let inbox: Mailbox<Event>
    private let record: FrameRecord

    /// What was seen of the server's frames.
    final class FrameRecord: Sendable {
        struct Counts {
            var pings = 0
            var frames = 0
            var emptyLastFragments = 0
        }
        fileprivate let counts = Mutex(Counts())
        let answersPings: Bool
        init(answersPings: Bool) { self.answersPings = answersPings }
        func read() -> Counts { counts.withLock { $0 } }
    }

    /// Opens a connection and upgrades it, with the headers that are given and no others but those of the upgrade.
    ///
    /// - Parameters:
    ///   - early: bytes that follow the request at once, before any answer.
    ///   - answersPings: false for a client that is dead without the connection knowing.
    init(
        port: Int, address: String = "127.0.0.1", path: String, protocols: String?, headers: [String] = [],
        early: [UInt8] = [], answersPings: Bool = true
    ) async throws {
        var lines = [
            "GET \(path) HTTP/1.1", "Host: \(address):\(port)", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        if let protocols { lines.append("Sec-WebSocket-Protocol: \(protocols)") }
        lines += headers
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + early
        let heads = Mailbox<Result<RawResponse, any Error>>()
        let inbox = Mailbox<Event>()
        let record = FrameRecord(answersPings: answersPings)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RawHandler(heads, inbox, record))
                }
            }
            .connect(host: address, port: port).get()
        self.channel = channel
        self.inbox = inbox
        self.record = record
        try await channel.writeAndFlush(ByteBuffer(bytes: request))
        response = try await heads.take(within: Self.patience, on: channel.eventLoop).get()
    }

    // MARK: Sending

    func send(_ payload: [UInt8], as opcode: RawFrame.Opcode = .binary) async throws {
        try await send(RawFrame(opcode: opcode, payload: payload).bytes)
    }

    func send(text: String) async throws { try await send(Array(text.utf8), as: .text) }

    /// A message in several frames, each of so many bytes at most.
    func send(_ payload: [UInt8], as opcode: RawFrame.Opcode = .binary, fragmentedBy size: Int) async throws {
        var bytes: [UInt8] = []
        var start = 0
        repeat {
            let end = payload.count - start > size ? start + size : payload.count
            bytes +=
                RawFrame(
                    isLast: end == payload.count, opcode: start == 0 ? opcode : .continuation,
                    payload: Array(payload[start..<end])
                ).bytes
            start = end
        } while start < payload.count
        try await send(bytes)
    }

    /// Bytes as they are, frames or not.
    func send(_ bytes: RawBytes) async throws { try await send(bytes.bytes) }

    private func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    struct RawBytes {
        var bytes: [UInt8]
        init(_ frames: RawFrame...) { bytes = frames.flatMap(\.bytes) }
        init(bytes: [UInt8]) { self.bytes = bytes }
    }

    /// Sends a close frame; without a code, an empty one.
    func sendClose(_ code: UInt16? = nil, _ reason: String = "") async throws {
        let codeBytes = code.map { [UInt8($0 >> 8), UInt8($0 & 255)] } ?? []
        try await send(codeBytes + Array(reason.utf8), as: .close)
    }

    /// Lets bytes pile up in the system's buffers, and then in the server.
    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    func goOnReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
    }

    /// Ends the connection without a word.
    func vanish() async throws { try await channel.close() }

    // MARK: Receiving

    /// The next event of any kind.
    func next(within limit: TimeAmount = patience) async throws -> Event {
        try await inbox.take(within: limit, on: channel.eventLoop)
    }

    /// The next event, which has to be a binary message.
    func message() async throws -> [UInt8] {
        switch try await next() {
        case .binary(let bytes): return bytes
        case let other: throw Unexpected(event: other)
        }
    }

    /// The next event, which has to be a text.
    func text() async throws -> String {
        switch try await next() {
        case .text(let text): return text
        case let other: throw Unexpected(event: other)
        }
    }

    struct Unexpected: Error, CustomStringConvertible {
        let event: Event
        var description: String { "\(event) arrived, which is no message of the kind that was expected" }
    }

    /// What was seen of the server's frames so far.
    var counts: FrameRecord.Counts { record.read() }
}

/// Takes bytes apart and hands them on.
private final class RawHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Stage { case head, body, frames, broken }

    private let heads: Mailbox<Result<RawResponse, any Error>>
    private let inbox: Mailbox<RawClient.Event>
    private let record: RawClient.FrameRecord
    private var parser = RawFrameParser()
    private var stage = Stage.head
    private var message: (opcode: RawFrame.Opcode, bytes: [UInt8])?
    private var body: [UInt8] = []

    init(
        _ heads: Mailbox<Result<RawResponse, any Error>>, _ inbox: Mailbox<RawClient.Event>,
        _ record: RawClient.FrameRecord
    ) {
        self.heads = heads
        self.inbox = inbox
        self.record = record
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data).readableBytesView)
        do { try parse(context) } catch {
            stage = .broken
            inbox.put(.broken("\(error)"))
        }
    }

    private func parse(_ context: ChannelHandlerContext) throws {
        if stage == .head, let head = parser.head() {
            let response = Result { try RawResponse(head: head) }
            stage = (try? response.get().status) == 101 ? .frames : .body
            heads.put(response)
        }
        if stage == .body { body += parser.rest() }
        while stage == .frames, let frame = try parser.frame() { take(frame, context) }
    }

    private func take(_ frame: RawFrame, _ context: ChannelHandlerContext) {
        record.counts.withLock { counts in
            counts.frames += 1
            if frame.opcode == .ping { counts.pings += 1 }
            if frame.opcode == .continuation, frame.payload.isEmpty { counts.emptyLastFragments += 1 }
        }
        switch frame.opcode {
        case .ping:
            guard record.answersPings else { return }
            let pong = RawFrame(opcode: .pong, payload: frame.payload)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: pong.bytes)), promise: nil)
        case .pong: inbox.put(.pong(frame.payload))
        case .close:
            let code = frame.payload.count >= 2 ? UInt16(frame.payload[0]) << 8 | UInt16(frame.payload[1]) : nil
            inbox.put(.close(code: code, reason: String(decoding: frame.payload.dropFirst(2), as: UTF8.self)))
        case .text, .binary, .continuation: takePart(frame)
        }
    }

    private func takePart(_ frame: RawFrame) {
        guard (frame.opcode == .continuation) == (message != nil) else {
            stage = .broken
            return inbox.put(.broken("a continuation of nothing, or a message inside of another"))
        }
        var (opcode, bytes) = message ?? (frame.opcode, [])
        message = nil
        bytes += frame.payload
        guard frame.isLast else {
            message = (opcode, bytes)
            return
        }
        if opcode == .text {
            inbox.put(.text(String(decoding: bytes, as: UTF8.self)))
        } else {
            opcode = .binary
            inbox.put(.binary(bytes))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch stage {
        case .head: heads.put(.failure(ChannelError.eof))
        case .body: inbox.put(.body(body))
        case .frames, .broken: break
        }
        inbox.put(.ended)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
