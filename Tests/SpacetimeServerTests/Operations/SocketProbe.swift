import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle

@testable import SpacetimeServer

/// A client that sends the bytes that a test tells it to, over a real socket.
final class SocketProbe {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    /// What came and was not looked at yet.
    private(set) var pending: [UInt8] = []

    private init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Connects, runs a body, and closes.
    static func open<Result>(
        _ port: Int, trusting certificate: String? = nil, _ body: (SocketProbe) async throws -> Result
    ) async throws -> Result {
        var context: NIOSSLContext?
        if let certificate {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)))
            context = try NIOSSLContext(configuration: configuration)
        }
        let tls = context
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(SocketProbe(inbound, outbound))
        }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

    /// - Returns: false at the end.
    private func readMore() async -> Bool {
        // A connection that was cut is one that has ended.
        guard let next = try? await inbound.next(isolation: #isolation) else { return false }
        pending += next.readableBytesView
        return true
    }

    /// All that comes until the server closes.
    func readToEnd() async -> String {
        while await readMore() {}
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// Reads until a text has come, and passes over it.
    ///
    /// - Returns: false if the connection ended before.
    func read(upTo text: String) async -> Bool {
        let wanted = Array(text.utf8)
        while true {
            for index in pending.indices where pending[index...].starts(with: wanted) {
                pending.removeFirst(index + wanted.count)
                return true
            }
            guard await readMore() else { return false }
        }
    }

    // MARK: HTTP

    /// The head of an answer, with its empty line.
    func readHead() async -> String {
        let end: [UInt8] = [13, 10, 13, 10]
        while true {
            for index in pending.indices where pending[index...].starts(with: end) {
                let head = String(decoding: pending[..<(index + 4)], as: UTF8.self)
                pending.removeFirst(index + 4)
                return head
            }
            guard await readMore() else { return "" }
        }
    }

    /// The status of an answer of known length, and its body; the connection goes on.
    func readAnswer() async -> (status: Int, body: String) {
        let head = await readHead()
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
        guard let count = length.flatMap({ Int($0.dropFirst("content-length: ".count)) }) else { return (status, "") }
        while pending.count < count { guard await readMore() else { break } }
        defer { pending.removeFirst(min(count, pending.count)) }
        return (status, String(decoding: pending.prefix(count), as: UTF8.self))
    }

    /// Sends a request, and reads the whole answer.
    func get(_ path: String) async throws -> String {
        try await send("GET \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return await readToEnd()
    }

    // MARK: WebSocket

    /// Opens a WebSocket that speaks the first protocol as JSON.
    func upgrade(_ database: String) async throws -> String {
        try await send(Self.upgrade(database))
        return await readHead()
    }

    /// The request for it.
    static func upgrade(
        _ database: String, connection: String = "upgrade", version: String = "1.1", query: String = ""
    ) -> String {
        "GET /v1/database/\(database)/subscribe\(query) HTTP/\(version)\r\nhost: localhost\r\nconnection: \(connection)\r\n"
            + "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + "sec-websocket-protocol: v1.json.spacetimedb\r\n\r\n"
    }

    /// A frame that is a whole message, with the mask 0, which leaves the payload as it is.
    static func frame(_ text: String, opcode: UInt8 = 1) -> [UInt8] {
        let payload = Array(text.utf8)
        var frame: [UInt8] = [0x80 | opcode]
        if payload.count < 126 {
            frame.append(0x80 | UInt8(payload.count))
        } else {
            frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        }
        return frame + [0, 0, 0, 0] + payload
    }

    func sendMessage(_ text: String) async throws { try await send(Self.frame(text)) }

    /// The next frame: its opcode and payload; nil at the end.
    func readFrame() async -> (opcode: UInt8, payload: [UInt8])? {
        while true {
            if let frame = takeFrame() { return frame }
            guard await readMore() else { return nil }
        }
    }

    /// Whether nothing but pings comes, not even a close frame, before the connection is closed.
    func readNoMoreThanPings() async -> Bool {
        while let frame = await readFrame() {
            if frame.opcode != 9 { return false }
        }
        return true
    }

    private func takeFrame() -> (opcode: UInt8, payload: [UInt8])? {
        guard pending.count >= 2 else { return nil }
        var (start, count) = (2, Int(pending[1]))
        if count == 126 {
            guard pending.count >= 4 else { return nil }
            (start, count) = (4, Int(pending[2]) << 8 | Int(pending[3]))
        } else if count == 127 {
            guard pending.count >= 10 else { return nil }
            (start, count) = (10, pending[2..<10].reduce(0) { $0 << 8 | Int($1) })
        }
        guard pending.count >= start + count else { return nil }
        defer { pending.removeFirst(start + count) }
        return (pending[0] & 0x0F, Array(pending[start..<(start + count)]))
    }

    /// The next message, pings aside; nil when the connection is closed.
    func readMessage() async -> String? {
        while let frame = await readFrame() {
            if frame.opcode == 1 { return String(decoding: frame.payload, as: UTF8.self) }
            if frame.opcode == 8 { return nil }
        }
        return nil
    }

    /// Reads to the close frame: its code and reason; nil if there was none.
    func readClosing() async -> (code: Int, reason: String)? {
        while let frame = await readFrame() {
            guard frame.opcode == 8 else { continue }
            guard frame.payload.count >= 2 else { return (0, "") }
            let code = Int(frame.payload[0]) << 8 | Int(frame.payload[1])
            return (code, String(decoding: frame.payload.dropFirst(2), as: UTF8.self))
        }
        return nil
    }
}

/// Runs a server for as long as a body takes.
func serving<Result: Sendable>(
    _ server: SpacetimeServer, _ body: (_ port: Int) async throws -> Result
) async throws -> Result {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
    async let running: Void = group.run()
    let port = try await server.waitUntilListening()
    let result: Result
    do { result = try await body(port) } catch {
        await group.triggerGracefulShutdown()
        try? await running
        throw error
    }
    await group.triggerGracefulShutdown()
    try await running
    return result
}
