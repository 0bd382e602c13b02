import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL

typealias HTTPChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

/// A connection to the server: HTTP at first, and a WebSocket from a request on that asks for one and is granted.
struct ServerChannel: HTTPChannelHandler {
    struct Value: ServerChildChannelValue {
        let upgrade: EventLoopFuture<Upgrade>
        let channel: any Channel
    }

    let server: SpacetimeServer
    let responder: HTTPChannelHandler.Responder
    /// Nil if connections are not encrypted.
    let certificates: TLSCertificates?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            if let certificates {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificates.context))
            }
            guard admit(channel) else {
                try channel.pipeline.syncOperations.addHandler(
                    CrowdedHandler(handshakeTimeout: server.options.limits.handshakeTimeout))
                return Value(
                    upgrade: channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel), channel: channel)
            }
            UnsentBytes.bound(channel)
            let handshake = HandshakeHandler(timeout: server.options.limits.handshakeTimeout, server.metrics)
            // The answers are written one after the other, in well-formed headers, and errors are answered by the responder, or
            // by the gate.
            let (encoder, decoder) = (HTTPResponseEncoder(), RequestGate.makeDecoder())
            try channel.pipeline.syncOperations.addHandlers(handshake, encoder, decoder)
            let outcome = channel.eventLoop.makePromise(of: Upgrade.self)
            let gate = RequestGate(server, handshake, encoder: encoder, decoder: decoder, outcome: outcome) { channel in
                try carry(channel, logger)
            }
            do { try channel.pipeline.syncOperations.addHandler(gate) } catch {
                outcome.fail(error)
                throw error
            }
            return Value(upgrade: outcome.futureResult, channel: channel)
        }
    }

    /// Has the requests of a connection answered by the responder.
    private func carry(_ channel: any Channel, _ logger: Logger) throws -> HTTPCarrier {
        let limits = server.options.limits
        let handlers: [any RemovableChannelHandler] = [
            HTTP1ToHTTPServerCodec(secure: certificates != nil), ContinueHandler(),
            SlowBodyHandler(timeout: limits.bodyTimeout, server.metrics),
            SlowAnswerHandler(timeout: limits.sendTimeout, server.metrics),
            HTTPConnectionStateHandler(idleTimeout: limits.messageTimeout, logger: logger),
        ]
        try channel.pipeline.syncOperations.addHandlers(handlers)
        return HTTPCarrier(
            channel: try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)),
            handlers: handlers)
    }

    /// Counts the connection until it is closed.
    ///
    /// - Returns: false if there are too many from its address.
    private func admit(_ channel: any Channel) -> Bool {
        let origin = ConnectionCounter.Origin(channel.remoteAddress)
        let counter = server.connectionCounter
        guard counter.enter(origin) else {
            server.metrics.refused(by: .connectionsPerAddress)
            return false
        }
        channel.closeFuture.whenComplete { _ in counter.leave(origin) }
        return true
    }

    func handle(value: Value, logger: Logger) async {
        // A connection that ends before its first request has come has become nothing.
        guard case .http(let channel)? = try? await value.upgrade.get() else { return }
        await handleHTTP(asyncChannel: channel, logger: logger)
    }
}
