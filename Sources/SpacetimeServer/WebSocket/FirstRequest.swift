import NIOCore
import NIOHTTP1

/// Keeps the first request of a connection until it is known whether it opens a WebSocket.
///
/// NIO's handler for upgrades, behind this one, forgets a request whose upgrade was refused. It is to be answered like any
/// other, by a route that says why it was refused.
final class FirstRequest: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private var context: ChannelHandlerContext?
    /// What NIO's handler has taken of a request that asks for a WebSocket.
    private var taken: [HTTPServerRequestPart] = []
    /// Behind the first request there may be bytes of a WebSocket instead of parts of requests.
    private var isOver = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isOver { return context.fireChannelRead(data) }
        var part = unwrapInboundIn(data)
        switch part {
        case .head(var head):
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

    /// Hands on once more what NIO's handler has forgotten: it keeps what comes from now on, until whoever answers is there.
    func replay() {
        let parts = taken
        taken = []
        for part in parts { context?.fireChannelRead(wrapInboundOut(part)) }
    }
}
