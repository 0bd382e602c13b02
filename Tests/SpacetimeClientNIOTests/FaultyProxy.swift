import NIOCore
import NIOPosix
import SpacetimeTestSupport
import Synchronization

/// Stands between clients and a server, passes bytes on, and is as bad as a network when it is told to be.
final class FaultyProxy: Sendable {
    private struct Line {
        let toClient: any Channel
        let toServer: any Channel
        let isSlow: NIOLoopBound<Slowness>
    }

    private struct State {
        var lines: [Line] = []
        var listener: (any Channel)?
        var isSlow = false
        var connections = 0
    }

    /// Which end hears that nothing more comes.
    enum End: CaseIterable { case client, server }

    private let state = Mutex(State())
    private let seed: UInt64

    private init(_ seed: UInt64) { self.seed = seed }

    /// Where it listens.
    var port: Int { state.withLock { $0.listener?.localAddress?.port } ?? 0 }

    /// How many connections were made.
    var connections: Int { state.withLock { $0.connections } }

    /// Listens on a free port for connections to one of this machine's ports.
    static func start(to target: Int, seed: UInt64 = 1) async throws -> FaultyProxy {
        let proxy = FaultyProxy(seed)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // Half of a connection may be over.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { inner in
                ClientBootstrap(group: inner.eventLoop)
                    .channelOption(.allowRemoteHalfClosure, value: true)
                    .connect(host: "127.0.0.1", port: target)
                    .flatMapThrowing { outer in try proxy.join(inner, outer) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        proxy.state.withLock { $0.listener = listener }
        return proxy
    }

    private func join(_ inner: any Channel, _ outer: any Channel) throws {
        let (isSlow, number) = state.withLock { state in
            state.connections += 1
            return (state.isSlow, UInt64(state.connections))
        }
        let slowness = Slowness(isSlow, RandomValues(seed: seed &+ number))
        try inner.pipeline.syncOperations.addHandler(Passing(to: outer, slowness))
        try outer.pipeline.syncOperations.addHandler(Passing(to: inner, slowness))
        let line = Line(
            toClient: inner, toServer: outer, isSlow: NIOLoopBound(slowness, eventLoop: inner.eventLoop))
        state.withLock { $0.lines.append(line) }
    }

    private func takeLines() -> [Line] {
        state.withLock { state in
            defer { state.lines = [] }
            return state.lines
        }
    }

    /// Ends all connections without a word.
    func cut() {
        for line in takeLines() {
            line.toClient.close(promise: nil)
            line.toServer.close(promise: nil)
        }
    }

    /// Has one end hear that nothing more comes, while it may go on talking.
    func halfClose(to end: End) {
        for line in takeLines() {
            switch end {
            case .client: line.toClient.close(mode: .output, promise: nil)
            case .server: line.toServer.close(mode: .output, promise: nil)
            }
        }
    }

    /// From now on bytes come late and in small pieces, or do not any more.
    func setSlow(_ isSlow: Bool) {
        let lines = state.withLock { state in
            state.isSlow = isSlow
            return state.lines
        }
        for line in lines { line.toClient.eventLoop.execute { line.isSlow.value.isSlow = isSlow } }
    }

    /// Takes no connections any more.
    func stop() async throws {
        let listener = state.withLock { $0.listener }
        try await listener?.close()
        cut()
    }
}

/// Whether both directions of a line are slow. Used on its event loop only.
private final class Slowness {
    var isSlow: Bool
    var dice: RandomValues

    init(_ isSlow: Bool, _ dice: RandomValues) {
        self.isSlow = isSlow
        self.dice = dice
    }
}

private final class Passing: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel
    private let slowness: Slowness
    /// What has come and was not passed on yet; nil for the end.
    private var waiting: [ByteBuffer?] = []
    private var isWaiting = false
    /// Whether nothing can be said here any more, either.
    private var isGone = false

    init(to other: any Channel, _ slowness: Slowness) {
        self.other = other
        self.slowness = slowness
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        waiting.append(unwrapInboundIn(data))
        passOn(on: context.eventLoop)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            waiting.append(nil)
            passOn(on: context.eventLoop)
        }
    }

    private func passOn(on loop: any EventLoop) {
        while !isWaiting, let next = waiting.first {
            guard var buffer = next else {
                waiting = []
                return isGone ? other.close(promise: nil) : other.close(mode: .output, promise: nil)
            }
            guard slowness.isSlow else {
                waiting.removeFirst()
                other.writeAndFlush(buffer, promise: nil)
                continue
            }
            let piece = buffer.readSlice(length: min(buffer.readableBytes, 1 + slowness.dice.below(100)))
            if buffer.readableBytes > 0 { waiting[0] = buffer } else { waiting.removeFirst() }
            if let piece { other.writeAndFlush(piece, promise: nil) }
            isWaiting = true
            let bound = NIOLoopBound(self, eventLoop: loop)
            loop.scheduleTask(in: .microseconds(Int64(slowness.dice.below(500)))) {
                bound.value.isWaiting = false
                bound.value.passOn(on: bound.eventLoop)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        waiting.append(nil)
        passOn(on: context.eventLoop)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
