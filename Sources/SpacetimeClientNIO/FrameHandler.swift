import NIOCore
import NIOWebSocket
import SpacetimeClient

/// Puts messages together from frames, answers pings and good-byes, and looks whether the server is still there.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// How long nothing may arrive until the server is asked; twice as long until it is given up.
    static let silenceLimit = TimeAmount.seconds(30)

    private let receiver: TransportReceiver
    private let messageByteLimit: Int
    /// The message whose last fragment has not come.
    private var message: ByteBuffer?
    private var isAsked = false
    private var end = TransportEnd()
    private var hasEnded = false

    init(_ receiver: TransportReceiver, messageByteLimit: Int) {
        self.receiver = receiver
        self.messageByteLimit = messageByteLimit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isAsked = false
        var frame = unwrapInboundIn(data)
        guard frame.maskKey == nil else {
            return fail(.protocolError, "the server masked a frame, which only clients do", context)
        }
        switch frame.opcode {
        case .binary, .continuation: take(&frame, context)
        case .ping: write(.pong, frame.data, context)
        case .connectionClose: takeClose(frame.data, context)
        case .pong: break
        default: fail(.unacceptableData, "the server sent a frame that is not binary", context)
        }
    }

    private func take(_ frame: inout WebSocketFrame, _ context: ChannelHandlerContext) {
        guard (frame.opcode == .continuation) == (message != nil) else {
            return fail(.protocolError, "the server's fragments of messages do not fit together", context)
        }
        guard (message?.readableBytes ?? 0) + frame.data.readableBytes <= messageByteLimit else {
            return fail(.messageTooLarge, "a message of more than \(messageByteLimit) bytes came", context)
        }
        guard frame.fin else {
            if message == nil { message = frame.data } else { message?.writeBuffer(&frame.data) }
            return
        }
        guard var whole = message else { return receiver.receive(Array(buffer: frame.data)) }
        message = nil
        whole.writeBuffer(&frame.data)
        receiver.receive(Array(buffer: whole))
    }

    private func takeClose(_ data: ByteBuffer, _ context: ChannelHandlerContext) {
        var payload = data
        let code = payload.readInteger(as: UInt16.self)
        end = TransportEnd(code: code, reason: String(decoding: payload.readableBytesView, as: UTF8.self))
        // What the server said is said back; if it only answers, one good-bye more does no harm.
        write(.connectionClose, data, context)
        context.close(promise: nil)
    }

    private func fail(_ code: WebSocketErrorCode, _ reason: String, _ context: ChannelHandlerContext) {
        end = TransportEnd(reason: reason)
        var payload = context.channel.allocator.buffer(capacity: 2)
        payload.write(webSocketErrorCode: code)
        write(.connectionClose, payload, context)
        context.close(promise: nil)
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is IdleStateHandler.IdleStateEvent else { return context.fireUserInboundEventTriggered(event) }
        if isAsked {
            end = TransportEnd(reason: "the server was silent, and did not answer a ping")
            context.close(promise: nil)
        } else {
            isAsked = true
            write(.ping, ByteBuffer(), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end = TransportEnd(reason: "\(error)")
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        tellEnd()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { tellEnd() }

    private func tellEnd() {
        guard !hasEnded else { return }
        hasEnded = true
        receiver.end(end)
    }
}
