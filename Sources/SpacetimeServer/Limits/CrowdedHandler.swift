import NIOCore

/// Tells somebody that there are too many connections from where he is, once he has said what he wants, and closes.
///
/// `Sendable` is unchecked: like all handlers it is used on its event loop only.
final class CrowdedHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let body = "there are too many connections from this address; close some, or try again later\n"

    private let timeout: TimeAmount
    private var hasAnswered = false
    private var deadline: Scheduled<Void>?

    /// - Parameter handshakeTimeout: what somebody has whom there is room for. Here it is a tenth of that.
    init(handshakeTimeout: Duration) { timeout = TimeAmount(handshakeTimeout / 10) }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if hasAnswered { return }
        hasAnswered = true
        let text = """
            HTTP/1.1 503 Service Unavailable\r
            content-type: text/plain; charset=utf-8\r
            content-length: \(Self.body.utf8.count)\r
            connection: close\r
            \r
            \(Self.body)
            """
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { _ in channel.close(promise: nil)
        }
    }
}
