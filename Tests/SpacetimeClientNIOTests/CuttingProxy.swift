import NIOCore
import NIOPosix
import Synchronization

/// Stands between clients and a server, passes bytes on, and cuts connections when it is told to.
final class CuttingProxy: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var listener: (any Channel)?
    }

    private let state = Mutex(State())

    /// Where it listens.
    var port: Int { state.withLock { $0.listener?.localAddress?.port } ?? 0 }

    /// Listens on a free port for connections to one of this machine's ports.
    static func start(to target: Int) async throws -> CuttingProxy {
        let proxy = CuttingProxy()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { inner in
                ClientBootstrap(group: inner.eventLoop)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outer in
                        proxy.state.withLock { $0.channels += [inner, outer] }
                        try inner.pipeline.syncOperations.addHandler(Passing(to: outer))
                        try outer.pipeline.syncOperations.addHandler(Passing(to: inner))
                    }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.state.withLock { $0.listener = listener }
        return proxy
    }

    /// Ends all connections without a word.
    func cut() {
        let channels = state.withLock { state in
            defer { state.channels = [] }
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }

    /// Takes no connections any more.
    func stop() async throws {
        let listener = state.withLock { $0.listener }
        try await listener?.close()
        cut()
    }
}

private final class Passing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(to other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
