import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection on which the body of an HTTP request takes too long in all, however steadily a little of it comes.
final class SlowBodyHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let timeout: TimeAmount
    private let metrics: ServerMetrics
    private var timer: Scheduled<Void>?

    init(timeout: Duration, _ metrics: ServerMetrics) {
        self.timeout = TimeAmount(timeout)
        self.metrics = metrics
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: begin(context)
        case .body: break
        case .end: end()
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    private func begin(_ context: ChannelHandlerContext) {
        end()
        let (channel, metrics) = (context.channel, metrics)
        timer = context.eventLoop.scheduleTask(in: timeout) {
            metrics.refused(by: .slowMessage)
            channel.close(promise: nil)
        }
    }

    private func end() {
        timer?.cancel()
        timer = nil
    }
}
