import HTTPTypes
import Hummingbird
import NIOCore

/// Answers the HTTP requests of a server, whoever carries them.
struct HTTPService: Sendable {
    let server: SpacetimeServer

    /// The answer to a request; nil if its path is none of the server's.
    func respond(to request: Request, from address: SocketAddress?) async throws -> Response? {
        if server.options.inspector, let page = InspectorPage.respond(to: request) { return page }
        let path = request.uri.path
        guard path == "/v1" || path.hasPrefix("/v1/") else { return nil }
        if path == "/v1/ping" { return Response(status: .ok) }
        return Response(status: .notFound)
    }
}

/// What the server knows of a request beside the request itself.
struct ServerRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Where the request came from.
    let remoteAddress: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}
