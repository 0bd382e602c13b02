import NIOCore

/// Closes a connection on which nobody has said what is wanted: after some time, or when the server stops.
///
/// `Sendable` is unchecked: like all handlers it is used on its event loop only.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = NIOAny

    private let timeout: TimeAmount
    private let metrics: ServerMetrics
    private var deadline: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var isOver = true

    init(timeout: Duration, _ metrics: ServerMetrics) {
        self.timeout = TimeAmount(timeout)
        self.metrics = metrics
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        begin()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    /// Somebody is about to say what is wanted. Where that is so already, the time goes on.
    func begin() {
        guard isOver, let context else { return }
        isOver = false
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            self.metrics.refused(by: .handshake)
            channel.close(promise: nil)
        }
    }

    /// It is known what the connection is for, or it has ended.
    func end() {
        isOver = true
        deadline?.cancel()
        deadline = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, !isOver { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
