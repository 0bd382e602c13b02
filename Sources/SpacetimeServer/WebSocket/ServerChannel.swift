import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL

typealias HTTPChannel = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

/// A connection to the server: HTTP at first, and a WebSocket if its first request asks for one that is granted.
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
            let isSecure = certificates != nil
            let handshake = HandshakeHandler(timeout: server.options.limits.handshakeTimeout, server.metrics)
            try channel.pipeline.syncOperations.addHandler(handshake)
            let upgrades = NIOTypedHTTPServerUpgradeConfiguration<Upgrade>(
                upgraders: [WebSocketUpgrader(server)],
                notUpgradingCompletionHandler: { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.handler(type: FirstRequest.self).replay()
                        try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
                        try channel.pipeline.syncOperations.addHandler(ContinueHandler())
                        try channel.pipeline.syncOperations.addHandler(
                            SlowBodyHandler(timeout: server.options.limits.bodyTimeout, server.metrics))
                        try channel.pipeline.syncOperations.addHandler(
                            HTTPConnectionStateHandler(
                                idleTimeout: server.options.limits.messageTimeout, logger: logger))
                        return .http(
                            try NIOAsyncChannel(
                                wrappingChannelSynchronously: channel,
                                configuration: .init(isOutboundHalfClosureEnabled: true)))
                    }
                })
            var configuration = NIOUpgradableHTTPServerPipelineConfiguration(upgradeConfiguration: upgrades)
            // The answers are written one after the other, in well-formed headers, and errors are answered by the responder, or
            // by the handler of the first request.
            configuration.enablePipelining = false
            configuration.enableErrorHandling = false
            configuration.enableResponseHeaderValidation = false
            let upgrade = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                configuration: configuration)
            let upgradeHandler = try channel.pipeline.syncOperations.handler(
                type: NIOTypedHTTPServerUpgradeHandler<Upgrade>.self)
            try channel.pipeline.syncOperations.addHandler(FirstRequest(), position: .before(upgradeHandler))
            upgrade.whenComplete { _ in handshake.end() }
            return Value(upgrade: upgrade, channel: channel)
        }
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
        // A connection that ends before its first request is over has become nothing.
        guard case .http(let channel)? = try? await value.upgrade.get() else { return }
        await handleHTTP(asyncChannel: channel, logger: logger)
    }
}
