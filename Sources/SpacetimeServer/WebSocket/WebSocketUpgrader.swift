import Crypto
import FoundationEssentials
import NIOCore
import NIOHTTP1
import SpacetimeProtocol
import SpacetimeSATS

/// What a connection to the server has become after its first request.
enum Upgrade: Sendable {
    /// A client on a WebSocket, which its handler serves.
    case webSocket
    case http(HTTPChannel)
}

/// Opens WebSockets: one for each channel, whose first request it judges.
///
/// `Sendable` is unchecked: what changes does so on the channel's event loop only.
final class WebSocketUpgrader: NIOTypedHTTPServerProtocolUpgrader, @unchecked Sendable {
    let supportedProtocol = "websocket"
    let requiredUpgradeHeaders: [String] = []

    private let server: SpacetimeServer
    private var accepted: (request: UpgradeRequest.Accepted, principal: Principal)?
    private var isUpgraded = false

    init(_ server: SpacetimeServer) { self.server = server }

    /// Fails if the upgrade is refused: the request is then answered as any other, by a route that says why.
    func buildUpgradeResponse(
        channel: any Channel, upgradeRequest: HTTPRequestHead, initialResponseHeaders: HTTPHeaders
    ) -> EventLoopFuture<HTTPHeaders> {
        let (server, eventLoop) = (server, channel.eventLoop)
        return eventLoop.makeFutureWithTask {
            let accepted = try await server.judge(
                method: upgradeRequest.method.rawValue, uri: upgradeRequest.uri,
                header: { upgradeRequest.headers[$0] })
            if let session = accepted.request.parameters.sessionID {
                try await accepted.request.database.sessions.claim(session, of: accepted.principal.identity)
            }
            return accepted
        }.map { accepted in
            self.accepted = accepted
            if let session = accepted.request.parameters.sessionID {
                // A channel that closes before it is a WebSocket has no connection that would release the session.
                channel.closeFuture.whenComplete { _ in
                    if self.isUpgraded { return }
                    accepted.request.database.sessions.release(session, of: accepted.principal.identity)
                }
            }
            var headers = initialResponseHeaders
            headers.replaceOrAdd(name: "upgrade", value: "websocket")
            headers.replaceOrAdd(name: "connection", value: "Upgrade")
            headers.add(name: "sec-websocket-accept", value: Self.acceptance(of: accepted.request.key))
            headers.add(name: "sec-websocket-protocol", value: accepted.request.subprotocol.name)
            headers.add(name: "spacetime-identity", value: accepted.principal.identity.hex)
            headers.add(name: "spacetime-identity-token", value: accepted.principal.token)
            return headers
        }
    }

    func upgrade(channel: any Channel, upgradeRequest: HTTPRequestHead) -> EventLoopFuture<Upgrade> {
        channel.eventLoop.makeCompletedFuture {
            guard let (request, principal) = accepted else { throw ChannelError.operationUnsupported }
            let options = server.options.webSocket
            let connection = ClientConnection(
                request.database, principal, request.parameters, request.subprotocol, options,
                server.delivery(of: channel.eventLoop), server.ledger(for: request.database, principal))
            isUpgraded = true
            let first = try channel.pipeline.syncOperations.handler(type: FirstRequest.self)
            channel.pipeline.syncOperations.removeHandler(first, promise: nil)
            try channel.pipeline.syncOperations.addHandler(WebSocketHandler(connection, options))
            return .webSocket
        }
    }

    /// What proves to a client that the server has read its key (RFC 6455, section 4.2.2).
    static func acceptance(of key: String) -> String {
        var hash = Insecure.SHA1()
        hash.update(data: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return Data(hash.finalize()).base64EncodedString()
    }
}

extension SpacetimeServer {
    /// Judges a request to open a WebSocket: who asks, and then what.
    func judge(
        method: String, uri: String, header: @Sendable (String) -> [String]
    ) async throws(Refusal) -> (request: UpgradeRequest.Accepted, principal: Principal) {
        let (path, query) = RequestTarget.split(uri)
        guard let segment = UpgradeRequest.database(inPath: path) else { throw Refusal(404, "") }
        let principal = try await authority.authenticate(
            authorization: header("authorization").first, queryToken: query.last { $0.name == "token" }?.value)
        let request = try UpgradeRequest.evaluate(
            segment, method: method, query: query, header: header, in: registry)
        return (request, principal)
    }
}

/// The target of a request, taken apart.
enum RequestTarget {
    /// The path as it is written, and the names and values of the query, percent-decoded.
    static func split(_ uri: String) -> (path: String, query: [(name: String, value: String)]) {
        guard let mark = uri.firstIndex(of: "?") else { return (uri, []) }
        let query = uri[uri.index(after: mark)...].split(separator: "&").map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: decoded(pair[0]), value: pair.count > 1 ? decoded(pair[1]) : "")
        }
        return (String(uri[..<mark]), query)
    }

    /// A text without its percent signs; one that is not well-formed stays what it is.
    private static func decoded(_ text: Substring) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let value = UInt8(Substring(rest.prefix(2)), radix: 16), rest.count >= 2 else {
                    return String(text)
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self) ?? String(text)
    }
}
