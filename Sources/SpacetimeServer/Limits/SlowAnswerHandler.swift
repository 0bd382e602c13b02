import NIOCore

/// Closes a connection on which somebody has asked for something and takes nothing of the answer for too long: what waits to
/// be sent would stay in memory for as long as he likes.
final class SlowAnswerHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let timeout: TimeAmount
    private let metrics: ServerMetrics
    private var timer: Scheduled<Void>?

    init(timeout: Duration, _ metrics: ServerMetrics) {
        self.timeout = TimeAmount(timeout)
        self.metrics = metrics
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        end()
        if !context.channel.isWritable { watch(context.channel, before: .max) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    /// Looks twice within the time whether less is waiting. Nothing is added meanwhile: whoever answers waits, too.
    private func watch(_ channel: any Channel, before: Int) {
        timer = channel.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(timeout.nanoseconds / 2)) {
            let now = Self.waitingByteCount(channel)
            guard now >= before else { return self.watch(channel, before: now) }
            self.metrics.refused(by: .slowReader)
            channel.close(promise: nil)
        }
    }

    private static func waitingByteCount(_ channel: any Channel) -> Int {
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func end() {
        timer?.cancel()
        timer = nil
    }
}
