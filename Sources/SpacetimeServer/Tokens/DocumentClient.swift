import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import SpacetimeHost

/// Fetches the documents of issuers. It follows no redirects: an address that was not looked at is not asked.
struct DocumentClient: HTTPExecutor {
    let group: MultiThreadedEventLoopGroup

    /// With a client of its own, which ends with the request: issuers are asked every few minutes at most.
    ///
    /// - Throws: `DatabaseError` with code `httpFailure` for what is no address; what the client throws.
    func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
        guard DocumentAddress.isValid(request.url) else {
            throw DatabaseError(
                .httpFailure, "'\(request.url)' is no address of a document; give one of http or https, without a user")
        }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        var message = HTTPClientRequest(url: request.url)
        for field in request.headers.fields { message.headers.add(name: field.name, value: field.value) }
        let client = HTTPClient(eventLoopGroup: group, configuration: configuration)
        do {
            let answer = try await client.execute(message, timeout: TimeAmount(timeout))
            let body = try await answer.body.collect(upTo: KeyDiscovery.documentByteLimit)
            try await client.shutdown()
            return HTTP.Response(status: UInt16(answer.status.code), body: Array(buffer: body))
        } catch {
            try? await client.shutdown()
            throw error
        }
    }
}
