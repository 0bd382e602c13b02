import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// The least that a server on NIO does for the same messages: it opens WebSockets, takes frames apart, and answers each frame
/// with one of the size that the answers to its calls have.
enum EchoChild {
    static func run() throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in
                channel.eventLoop.makeSucceededFuture(["Sec-WebSocket-Protocol": "v3.bsatn.spacetimedb"])
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(EchoHandler())
                }
            })
        let channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4_096)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline(
                    withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        ServerChild.answer("port \(channel.localAddress?.port ?? 0)")
        try ServerChild.commands { _ in nil }
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private static let callByteCount = 38
    private var answers = 0

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        // The first message, which clients wait for.
        write(Array(repeating: 0, count: 66), context)
        context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var frame = unwrapInboundIn(data)
        guard frame.opcode == .binary else { return }
        if let mask = frame.maskKey { frame.data.webSocketUnmask(mask) }
        answers += frame.data.readableBytes / Self.callByteCount
    }

    /// All that was read at once is answered at once.
    func channelReadComplete(context: ChannelHandlerContext) {
        guard answers > 0 else { return }
        var buffer = context.channel.allocator.buffer(capacity: 1 + SpacetimeWire.answerByteCount * answers)
        buffer.writeInteger(0 as UInt8)
        for _ in 0..<answers {
            buffer.writeInteger(6 as UInt8)
            buffer.writeRepeatingByte(0, count: SpacetimeWire.answerByteCount - 1)
        }
        answers = 0
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .binary, data: buffer)), promise: nil)
    }

    private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        let frame = WebSocketFrame(fin: true, opcode: .binary, data: ByteBuffer(bytes: bytes))
        context.write(wrapOutboundOut(frame), promise: nil)
    }
}
