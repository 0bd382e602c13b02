import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import SpacetimeSATS

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A server that commands send requests to.
struct ServerConnection: Sendable {
    let address: ServerAddress
    /// Shown with each request; nil for nobody.
    let token: Token?
    private let client: HTTPClient

    /// Speaks to a server for as long as `body` takes.
    static func with<Value>(
        _ target: ServerTarget, in session: CommandSession, _ body: (ServerConnection) async throws -> Value
    ) async throws -> Value {
        var configuration = HTTPClient.Configuration()
        // A token is for the server that was named, and not for whoever it may point to.
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        // Nobody who waits for an answer wants to hear after ten seconds that the port is closed.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let path = session.variable("SPACETIMEKIT_CA") {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.file(path)]
            configuration.tlsConfiguration = tls
        }
        let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        let connection = ServerConnection(address: target.address, token: target.token, client: client)
        do {
            let value = try await body(connection)
            try? await client.shutdown()
            return value
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// The same server for somebody else.
    func showing(_ token: Token?) -> ServerConnection {
        ServerConnection(address: address, token: token, client: client)
    }

    private init(address: ServerAddress, token: Token?, client: HTTPClient) {
        self.address = address
        self.token = token
        self.client = client
    }

    // MARK: Requests

    /// What goes along with a request.
    enum Body {
        case none
        case json(JSON)
        case text(String)
        /// Many bytes; what was sent so far is reported meanwhile.
        case upload([UInt8], @Sendable (Int) -> Void)
    }

    /// The largest answer that is taken, in bytes.
    private static let answerLimit = 1 << 30

    /// Sends a request and reads the whole answer.
    ///
    /// - Parameters:
    ///   - path: its parts, not encoded.
    ///   - query: as it stands behind the question mark, without one.
    /// - Throws: with the status `unreachable` if no server answers.
    func send(
        _ method: HTTPMethod, _ path: [String], query: [(String, String)] = [], _ body: Body = .none
    ) async throws(CommandFailure) -> Reply {
        do {
            let answer = try await client.execute(request(method, path, query, body), timeout: .hours(24))
            let bytes = try await answer.body.collect(upTo: Self.answerLimit)
            return Reply(status: answer.status.code, headers: answer.headers, bytes: Array(bytes.readableBytesView))
        } catch {
            throw explained(error)
        }
    }

    /// Sends a request whose answer comes line by line, and may have no end.
    ///
    /// - Parameter database: see ``pieces(_:query:of:_:)``.
    /// - Throws: what the server said if it refused; what `body` throws.
    func lines(
        _ path: [String], query: [(String, String)], of database: String, _ body: ([UInt8]) throws -> Void
    ) async throws {
        var rest: [UInt8] = []
        try await pieces(path, query: query, of: database) { piece in
            rest += piece
            var start = rest.startIndex
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try body(Array(rest[start..<end]))
                start = end + 1
            }
            rest.removeSubrange(..<start)
        }
        if !rest.isEmpty { try body(rest) }
    }

    /// Sends a request whose answer comes in pieces, however large it is.
    ///
    /// - Parameter database: the database that is asked for, if one is, for a better word about one that is not there.
    /// - Throws: what the server said if it refused; what `body` throws.
    func pieces(
        _ path: [String], query: [(String, String)] = [], of database: String? = nil,
        _ body: ([UInt8]) throws -> Void
    ) async throws {
        let answer: HTTPClientResponse
        do { answer = try await client.execute(request(.GET, path, query, .none), deadline: .distantFuture) } catch {
            throw explained(error)
        }
        guard 200..<300 ~= answer.status.code else {
            let bytes = try await answer.body.collect(upTo: 1 << 20)
            let reply = Reply(
                status: answer.status.code, headers: answer.headers, bytes: Array(bytes.readableBytesView))
            if let database { _ = try reply.ofDatabase(database) }
            _ = try reply.successful()
            return
        }
        var iterator = answer.body.makeAsyncIterator()
        while true {
            let piece: ByteBuffer?
            do { piece = try await iterator.next() } catch {
                throw CommandFailure(.unreachable, "the connection to \(address.text) broke: \(error)")
            }
            guard let piece else { return }
            try body(Array(piece.readableBytesView))
        }
    }

    private func request(
        _ method: HTTPMethod, _ path: [String], _ query: [(String, String)], _ body: Body
    ) throws(CommandFailure) -> HTTPClientRequest {
        for part in path { try Self.requireName(part) }
        var url = address.text + "/v1/" + path.map(Self.encoded).joined(separator: "/")
        if !query.isEmpty {
            url += "?" + query.map { "\(Self.encoded($0))=\(Self.encoded($1))" }.joined(separator: "&")
        }
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers.add(name: "user-agent", value: "spacetimekit")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token.text)") }
        switch body {
        case .none: break
        case .json(let json):
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: json.utf8))
        case .text(let text): request.body = .bytes(ByteBuffer(string: text))
        case .upload(let bytes, let report):
            request.body = .stream(UploadPieces(bytes: bytes, report: report), length: .known(Int64(bytes.count)))
        }
        return request
    }

    /// - Throws: for what could only be asked for at some other address.
    private static func requireName(_ text: String) throws(CommandFailure) {
        if text.isEmpty { throw CommandFailure(.usage, "a name is empty; give that of a database, or its identity") }
        if text == "." || text == ".." { throw CommandFailure(.usage, "'\(text)' is no name") }
    }

    /// With what means something in an address spelled as numbers.
    static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    // MARK: Failures

    private func explained(_ error: any Error) -> CommandFailure {
        if error is CancellationError || error is CommandFailure { return CommandFailure(any: error) }
        let reason: String
        switch error {
        case let error as NIOConnectionError:
            if error.dnsAError != nil || error.dnsAAAAError != nil {
                return CommandFailure(
                    .unreachable, "there is no host '\(error.host)' (\(address.text)); look at its spelling")
            }
            let codes = error.connectionErrors.compactMap { ($0.error as? IOError)?.errnoCode }
            if codes.contains(ECONNREFUSED) { return noServer }
            reason = error.connectionErrors.first.map { "\($0.error)" } ?? "\(error)"
        case let error as IOError where error.errnoCode == ECONNREFUSED: return noServer
        case let error as HTTPClientError where error == .connectTimeout || error == .deadlineExceeded:
            return CommandFailure(
                .unreachable,
                "no server answers at \(address.text) in time; look at the address, and at what lies between")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            reason = "it was closed without an answer; is it a server of HTTP?"
        case is NIOSSLError, is BoringSSLError:
            return CommandFailure(
                .unreachable,
                "the server at \(address.text) did not prove who it is (\(error)); if its certificate is one of your own, name "
                    + "the file of whoever signed it in SPACETIMEKIT_CA")
        default: reason = "\(error)"
        }
        return CommandFailure(.unreachable, "the connection to \(address.text) failed: \(reason)")
    }

    private var noServer: CommandFailure {
        CommandFailure(
            .unreachable,
            "no server answers at \(address.text); start one with 'spacetimekit start', or name another with --server")
    }
}

/// Bytes in pieces, with a word about each.
private struct UploadPieces: AsyncSequence, Sendable {
    let bytes: [UInt8]
    let report: @Sendable (Int) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        let pieces: UploadPieces
        var start = 0

        mutating func next() async -> ByteBuffer? {
            guard start < pieces.bytes.count else { return nil }
            let end = Swift.min(start + 65_536, pieces.bytes.count)
            defer { start = end }
            pieces.report(end)
            return ByteBuffer(bytes: pieces.bytes[start..<end])
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pieces: self) }
}
