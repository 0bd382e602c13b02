import NIOCore
import NIOHTTP1
import NIOPosix
public import NIOSSL
import NIOWebSocket
public import SpacetimeClient
import SpacetimeCompression
public import SpacetimeProtocol
import Synchronization

/// Opens WebSocket connections by SwiftNIO, on Linux and on Apple's systems, with TLS by BoringSSL.
///
/// It answers pings, asks a server that is silent for half a minute whether it is still there, and takes compressed messages
/// apart. All clients of a program share the threads of NIO's own group.
public struct NIOTransport: ClientTransport {
    /// What the server may compress messages of more than a kilobyte with.
    public var compression: Compression

    /// How `wss` addresses are spoken to; by default with the authorities that the system trusts.
    public var tls: TLSConfiguration

    /// A transport.
    ///
    /// - Parameters:
    ///   - compression: what the server may compress with. Within one machine, `.none` is faster.
    ///   - tls: whom to trust, for `wss` addresses.
    public init(compression: Compression = .gzip, tls: TLSConfiguration = .makeClientConfiguration()) {
        self.compression = compression
        self.tls = tls
    }

    /// gzip and Brotli.
    public var decompressor: any PayloadDecompressor { PayloadCodec() }

    public func open(
        _ opening: TransportOpening, _ receiver: TransportReceiver
    ) async throws(ClientError) -> OpenedTransport {
        // Such a request would not be sent, and nobody would answer it.
        for header in opening.headers where !header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            throw ClientError(
                .refused,
                "the header \(header.name) would have signs that none can have; is the token in the store a server's?")
        }
        let attempt = ConnectionAttempt(MultiThreadedEventLoopGroup.singleton.any())
        do {
            let security = opening.address.isSecure ? try NIOSSLContext(configuration: tls) : nil
            return try await withTaskCancellationHandler {
                ClientBootstrap(group: attempt.eventLoop)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            attempt.began(channel)
                            try Self.prepare(channel, opening, receiver, security, attempt)
                        }
                    }
                    .connect(host: opening.address.host, port: opening.address.port)
                    .whenFailure { attempt.fail($0) }
                return try await attempt.outcome.get()
            } onCancel: {
                attempt.cancel()
            }
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.unreachable, "\(opening.address) could not be reached: \(error)")
        }
    }

    private static func prepare(
        _ channel: any Channel, _ opening: TransportOpening, _ receiver: TransportReceiver,
        _ security: NIOSSLContext?, _ attempt: ConnectionAttempt
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if let security {
            // An address has no name that a certificate could be for.
            let host = opening.address.host
            let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            try pipeline.addHandler(NIOSSLClientHandler(context: security, serverHostname: isAddress ? nil : host))
        }
        let request = UpgradeRequestHandler(opening, attempt)
        let limit = opening.messageByteLimit
        let upgrader = NIOWebSocketClientUpgrader(
            maxFrameSize: min(limit, Int(UInt32.max)),
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(readTimeout: FrameHandler.silenceLimit))
                    try pipeline.addHandler(FrameHandler(receiver, messageByteLimit: limit))
                    let names = head.headers[canonicalForm: "Sec-WebSocket-Protocol"]
                    attempt.succeed(
                        OpenedTransport(
                            connection: NIOConnection(channel),
                            subprotocol: names.first.flatMap { Subprotocol(rawValue: String($0)) }))
                }
            })
        // The server may have said more than its answer already.
        try pipeline.addHTTPClientHandlers(
            leftOverBytesStrategy: .forwardBytes,
            withClientUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(name: UpgradeRequestHandler.name, promise: nil)
                }
            ))
        try pipeline.addHandler(request, name: UpgradeRequestHandler.name)
    }
}

/// An attempt to open a connection, which ends once: well, badly, or because nobody waits for it any more.
final class ConnectionAttempt: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isCancelled = false
    }

    let eventLoop: any EventLoop
    private let promise: EventLoopPromise<OpenedTransport>
    private let state = Mutex(State())

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        promise = eventLoop.makePromise()
    }

    var outcome: EventLoopFuture<OpenedTransport> { promise.futureResult }

    func began(_ channel: any Channel) {
        let isCancelled = state.withLock { state in
            state.channel = channel
            return state.isCancelled
        }
        if isCancelled { channel.close(promise: nil) }
    }

    // A promise takes the first outcome, and passes over others.
    func succeed(_ transport: OpenedTransport) { promise.succeed(transport) }
    func fail(_ error: any Error) { promise.fail(error) }

    func cancel() {
        let channel = state.withLock { state in
            state.isCancelled = true
            return state.channel
        }
        promise.fail(CancellationError())
        channel?.close(promise: nil)
    }
}
