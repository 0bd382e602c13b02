import NIOCore
import NIOHTTP1
import SpacetimeClient
import SpacetimeProtocol

/// Sends the request of the upgrade, and reads the answer if it is a refusal. It is gone once the connection is a WebSocket.
final class UpgradeRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    static let name = "SpacetimeKit.UpgradeRequest"
    /// How much of the text of a refusal is shown.
    private static let textLimit = 1_024

    private let opening: TransportOpening
    private let attempt: ConnectionAttempt
    private var status: HTTPResponseStatus?
    private var text: [UInt8] = []
    private var problem: (any Error)?

    init(_ opening: TransportOpening, _ attempt: ConnectionAttempt) {
        self.opening = opening
        self.attempt = attempt
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { sendRequest(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        sendRequest(context)
        context.fireChannelActive()
    }

    private func sendRequest(_ context: ChannelHandlerContext) {
        let address = opening.address
        var headers = HTTPHeaders()
        headers.add(name: "Host", value: address.hostAndPort)
        headers.add(
            name: "Sec-WebSocket-Protocol", value: opening.subprotocols.map(\.name).joined(separator: ", "))
        for header in opening.headers { headers.add(name: header.name, value: header.value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: opening.path, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body(let part): text += part.readableBytesView.prefix(Self.textLimit - text.count)
        case .end:
            refuse()
            context.close(promise: nil)
        }
    }

    private func refuse() {
        guard let status else { return }
        var what = "\(opening.address) refused with status \(status.code)"
        if !text.isEmpty { what += ": \(String(decoding: text, as: UTF8.self))" }
        switch status.code {
        case 401, 403:
            what += ". Remove the token from the store to connect as somebody new"
            attempt.fail(ClientError(.refused, what))
        case 400, 404, 405, 426: attempt.fail(ClientError(.refused, what))
        // A server that is busy, or one in front of it that does not find it, may be there a moment later.
        default: attempt.fail(ClientError(.unreachable, what))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        problem = error
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        refuse()
        let cause = problem.map { ": \($0)" } ?? " before it had answered"
        attempt.fail(ClientError(.unreachable, "\(opening.address) ended the connection\(cause)"))
        context.fireChannelInactive()
    }
}
