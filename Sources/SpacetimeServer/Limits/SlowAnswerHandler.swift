import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection on which somebody has asked for something and takes nothing of the answer for too long: what waits to
/// be sent would stay in memory for as long as he likes.
///
/// Whoever closes a connection behind an answer, as is done when the server stops, closes it when the answer has left. A large
/// one would be cut off otherwise.
final class SlowAnswerHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private let metrics: ServerMetrics
    private var timer: Scheduled<Void>?
    /// Comes about when the last answer has left, or never will.
    private var lastAnswer: EventLoopFuture<Void>?
    private var hasGivenUp = false

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

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        let promise = promise ?? context.eventLoop.makePromise()
        lastAnswer = promise.futureResult
        context.write(data, promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, !hasGivenUp, let lastAnswer else { return context.close(mode: mode, promise: promise) }
        let channel = context.channel
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) { self.giveUp(channel) }
        lastAnswer.assumeIsolated().whenComplete { _ in
            timer.cancel()
            context.close(mode: mode, promise: promise)
        }
    }

    private func giveUp(_ channel: any Channel) {
        if hasGivenUp { return }
        hasGivenUp = true
        metrics.refused(by: .slowReader)
        channel.close(promise: nil)
    }

    /// Looks twice within the time whether less is waiting. Nothing is added meanwhile: whoever answers waits, too.
    private func watch(_ channel: any Channel, before: Int) {
        timer = channel.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(timeout.nanoseconds / 2)) {
            let now = Self.waitingByteCount(channel)
            guard now >= before else { return self.watch(channel, before: now) }
            self.giveUp(channel)
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
