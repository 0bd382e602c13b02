import HTTPTypes
import Hummingbird
import NIOCore
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import SpacetimeServerTestSupport
import Synchronization
import Testing

@testable import SpacetimeServer

/// A server with an arena and a vault, whose routes are called without a socket.
struct TestServer {
    let server: SpacetimeServer
    let arena: Database<Arena>
    let vault: Database<Vault>
    let documents = StubDocuments()

    /// Whose token is that of the owner of both databases.
    static let ownerSubject = "11111111-2222-4333-8444-555555555555"

    init(_ change: (inout ServerOptions) -> Void = { _ in }) throws {
        var options = ServerOptions.test()
        options.tokens.documents = documents
        change(&options)
        server = SpacetimeServer(options: options)
        arena = try Arena.open()
        var vaultOptions = DatabaseOptions()
        vaultOptions.owner = Arena.owner
        vault = try Database.open(.inMemory, module: Vault.self, options: vaultOptions)
        try server.host(arena, as: "arena")
        try server.host(vault, as: "vault")
    }

    /// A token of the owner of both databases.
    var owner: String { token(Self.ownerSubject) }

    func token(_ subject: String) -> String { server.authority.issue(to: subject).token }

    /// What came back.
    struct Reply {
        let status: Int
        let headers: HTTPFields
        let bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var json: JSON { get throws { try JSON(parsing: bytes) } }
        func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
        var type: String? { headers[.contentType] }
    }

    /// - Parameter token: of the bearer; nil for nobody.
    func send(
        _ method: HTTPRequest.Method, _ path: String, as token: String? = nil, type: String? = nil,
        headers: HTTPFields = HTTPFields(), body: [UInt8] = []
    ) async throws -> Reply {
        var fields = headers
        if let token { fields[.authorization] = "Bearer \(token)" }
        if let type { fields[.contentType] = type }
        let request = Request(
            head: HTTPRequest(
                method: method, scheme: "http", authority: "arena.example:3000", path: path, headerFields: fields),
            body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let response = try #require(try await HTTPService(server: server).respond(to: request, from: nil))
        let collected = Collected()
        try await response.body.write(Writer(collected: collected))
        return Reply(
            status: response.status.code, headers: response.headers, bytes: collected.bytes.withLock { $0 })
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, as token: String? = nil, type: String? = nil, text: String
    ) async throws -> Reply {
        try await send(method, path, as: token, type: type, body: Array(text.utf8))
    }

    /// Calls a function with arguments in JSON.
    func call(_ path: String, _ arguments: String, as token: String? = nil) async throws -> Reply {
        try await send(.post, "/v1/database/\(path)", as: token, type: "application/json", text: arguments)
    }

    private final class Collected: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    private struct Writer: ResponseBodyWriter {
        let collected: Collected

        mutating func write(_ buffer: ByteBuffer) async throws {
            collected.bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
        }
        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
