import NIOCore
import NIOPosix

/// What a server answered to a request that was sent byte for byte.
struct HTTPAnswer: Sendable {
    let response: RawResponse
    let body: [UInt8]

    var status: Int { response.status }
    var text: String { String(decoding: body, as: UTF8.self) }
    subscript(header: String) -> String? { response[header] }
}

extension RunningServer {
    /// Sends one request on a connection of its own and reads the whole answer.
    ///
    /// - Parameter isEndless: the answer has no end: what is there is taken once `isEnough` says so.
    func request(
        _ method: String, _ path: String, headers: [String] = [], body: [UInt8]? = nil
    ) async throws -> HTTPAnswer {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"] + headers
        if let body { lines.append("Content-Length: \(body.count)") }
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? [])
        let answers = Mailbox<[UInt8]>()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(answers))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: request))
        let bytes = try await answers.take(within: RawClient.patience, on: channel.eventLoop)
        var parser = RawFrameParser()
        parser.append(bytes)
        guard let head = parser.head() else { throw RawResponse.NotHTTP(line: String(decoding: bytes, as: UTF8.self)) }
        let response = try RawResponse(head: head)
        let rest = parser.rest()
        let isChunked = response["transfer-encoding"]?.lowercased() == "chunked"
        return HTTPAnswer(response: response, body: isChunked ? try joined(chunks: rest) : rest)
    }

    private func joined(chunks: [UInt8]) throws -> [UInt8] {
        var rest = chunks[...]
        var body: [UInt8] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self).prefix { $0.isHexDigit }
            guard let count = Int(line, radix: 16) else { throw RawResponse.NotHTTP(line: String(line)) }
            let chunk = rest[(end + 1)...].prefix(count)
            body += chunk
            // A line break is behind each chunk.
            rest = rest[(end + 1)...].dropFirst(count + 2)
            if count == 0 { break }
        }
        return body
    }
}

/// Everything that comes until the other side ends the connection.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answers: Mailbox<[UInt8]>
    private var bytes: [UInt8] = []

    init(_ answers: Mailbox<[UInt8]>) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes += unwrapInboundIn(data).readableBytesView }
    func channelInactive(context: ChannelHandlerContext) { answers.put(bytes) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension RunningServer {
    /// A connection on which the beginning of a request was sent, and nothing more comes.
    func halfRequest(_ text: String) async throws -> any Channel {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        if !text.isEmpty { try await channel.writeAndFlush(ByteBuffer(string: text)) }
        return channel
    }
}
