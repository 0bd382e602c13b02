import Crypto
import FoundationEssentials
import NIOCore
import NIOHTTP1
import SpacetimeProtocol
import SpacetimeSATS

/// A request to open a WebSocket that was granted: who asks, and for what.
struct GrantedUpgrade: Sendable {
    let server: SpacetimeServer
    let request: UpgradeRequest.Accepted
    let principal: Principal

    var responseHead: HTTPResponseHead {
        HTTPResponseHead(
            version: .http1_1, status: .switchingProtocols,
            headers: [
                "upgrade": "websocket", "connection": "Upgrade",
                "sec-websocket-accept": Self.acceptance(of: request.key),
                "sec-websocket-protocol": request.subprotocol.name,
                "spacetime-identity": principal.identity.hex, "spacetime-identity-token": principal.token,
            ])
    }

    /// What serves the client from now on. The session that it named is released when that ends.
    func makeHandler(on eventLoop: any EventLoop) -> WebSocketHandler {
        let options = server.options.webSocket
        let connection = ClientConnection(
            request.database, principal, request.parameters, request.subprotocol, options,
            server.delivery(of: eventLoop), server.ledger(for: request.database, principal))
        return WebSocketHandler(connection, options)
    }

    /// The connection has ended before it was a WebSocket.
    func release() {
        guard let session = request.parameters.sessionID else { return }
        request.database.sessions.release(session, of: principal.identity)
    }

    /// What proves to a client that the server has read its key (RFC 6455, section 4.2.2).
    static func acceptance(of key: String) -> String {
        var hash = Insecure.SHA1()
        hash.update(data: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return Data(hash.finalize()).base64EncodedString()
    }
}

extension SpacetimeServer {
    /// Judges a request to open a WebSocket, and waits until the session that it names is free.
    func grant(_ head: HTTPRequestHead) async throws(Refusal) -> GrantedUpgrade {
        let (request, principal) = try await judge(
            method: head.method.rawValue, uri: head.uri, header: { head.headers[$0] })
        if let session = request.parameters.sessionID {
            try await request.database.sessions.claim(session, of: principal.identity)
        }
        return GrantedUpgrade(server: self, request: request, principal: principal)
    }

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
        let halves = uri.parts(at: "?", maxSplits: 1)
        guard halves.count == 2 else { return (uri, []) }
        let query = halves[1].parts(at: "&").lazy.filter { !$0.isEmpty }.map { part in
            let pair = part.parts(at: "=", maxSplits: 1)
            return (name: decoded(pair[0]), value: pair.count > 1 ? decoded(pair[1]) : "")
        }
        return (String(halves[0]), Array(query))
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
