public import Hummingbird
import HummingbirdCore

/// Answers, in an application of Hummingbird's, the requests that are a ``SpacetimeServer``'s, and passes on all others.
///
/// ```swift
/// let server = SpacetimeServer()
/// try server.host(db, as: "library")
/// let router = Router()
/// router.add(middleware: SpacetimeMiddleware(server))
/// router.get("/") { _, _ in "Hello" }
/// let application = Application(router: router, server: server.serverBuilder, services: [server.upkeep])
/// try await application.runService()
/// ```
///
/// The application has to be built with ``SpacetimeServer/serverBuilder``, which opens the WebSocket connections, and to run
/// ``SpacetimeServer/upkeep``, which sees to a good end. Add the
/// middleware before the routes: one that is added later does not see the requests that they answer.
public struct SpacetimeMiddleware<Context: RequestContext>: RouterMiddleware {
    private let service: HTTPService

    /// - Parameter server: whose requests are answered.
    public init(_ server: SpacetimeServer) { service = HTTPService(server: server) }

    /// Answers a request, or has the next one do so.
    public func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        let address = (context as? any RemoteAddressRequestContext)?.remoteAddress
        guard let response = try await service.respond(to: request, from: address) else {
            return try await next(request, context)
        }
        service.server.metrics.answered(status: response.status.code)
        return response
    }
}
