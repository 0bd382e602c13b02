import NIOCore
import NIOHTTP1

/// Keeps the first request of a connection until it is known whether it opens a WebSocket.
///
/// NIO's handler for upgrades, behind this one, forgets a request whose upgrade was refused. It is to be answered like any
/// other, by a route that says why it was refused. Nor does anybody behind this one answer what is no request at all.
final class FirstRequest: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var context: ChannelHandlerContext?
    /// What NIO's handler has taken of a request that asks for a WebSocket.
    private var taken: [HTTPServerRequestPart] = []
    /// Behind the first request there may be bytes of a WebSocket instead of parts of requests.
    private var isOver = false
    /// Whether somebody else answers, since the head of a request has come.
    private var hasBegun = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return context.fireChannelRead(data) }
        var part = unwrapInboundIn(data)
        switch part {
        case .head(var head):
            hasBegun = true
            // Clients of this version keep a connection only if they say so, and wait for its end otherwise.
            if head.version == .http1_0, !head.isKeepAlive {
                head.headers.replaceOrAdd(name: "connection", value: "close")
            }
            // Whoever offers other protocols, as curl does with HTTP/2, takes an answer without an upgrade too.
            if head.headers[canonicalForm: "upgrade"].contains(where: { $0.lowercased() == "websocket" }) {
                taken.append(part)
            } else {
                head.headers.remove(name: "upgrade")
                part = .head(head)
                isOver = true
            }
        case .body: break
        case .end:
            if !taken.isEmpty { taken.append(part) }
            isOver = true
        }
        context.fireChannelRead(wrapInboundOut(part))
    }

    /// Says what is wrong with the first bytes of a connection, and lets it end: nothing that follows can be understood.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !hasBegun, let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        hasBegun = true
        let status: HTTPResponseStatus = error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest
        let text =
            error == .headerOverflow
            ? "the head of the request is too large; send fewer or shorter headers, and a shorter path\n"
            : "this is no request of HTTP/1.1 (\(error)); the server speaks it, and WebSocket over it, on this port\n"
        let headers: HTTPHeaders = [
            "content-type": "text/plain; charset=utf-8", "content-length": String(text.utf8.count),
            "connection": "close",
        ]
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // Bytes that were not read would take the answer along if all were closed. A client that stays is closed in time.
        let channel = context.channel
        context.close(mode: .output).whenFailure { _ in channel.close(promise: nil) }
    }

    /// Hands on once more what NIO's handler has forgotten: it keeps what comes from now on, until whoever answers is there.
    func replay() {
        let parts = taken
        taken = []
        for part in parts { context?.fireChannelRead(wrapInboundOut(part)) }
    }
}
