import HTTPTypes
import Hummingbird
import NIOCore
import SpacetimeHost
import SpacetimeSATS

/// Answers the HTTP requests of a server, whoever carries them.
struct HTTPService: Sendable {
    let server: SpacetimeServer

    var registry: DatabaseRegistry { server.registry }
    var options: HTTPOptions { server.options.http }

    /// The answer to a request; nil if its path is none of the server's.
    func respond(to request: Request, from address: SocketAddress?) async throws -> Response? {
        let exchange = Exchange(request, from: address)
        if let inspection = await inspect(request, exchange) { return inspection }
        guard exchange.path == "/v1" || exchange.path.hasPrefix("/v1/") else {
            return clientLibrary(request, exchange)
        }
        if request.method == .options { return Self.preflight }
        var response = await answer(exchange)
        // A client that is still sending would not see the answer.
        do throws(Refusal) { try await exchange.body.discard() } catch { response = Response(error) }
        if request.method == .head { response.body = ResponseBody() }
        return Self.open(response)
    }

    // MARK: Browsers

    /// Whatever page runs in a browser may ask anything.
    private static func open(_ response: Response) -> Response {
        response.with(.accessControlAllowOrigin, "*")
            .with(.vary, "origin, access-control-request-method, access-control-request-headers")
    }

    private static var preflight: Response {
        open(.empty()).with(.accessControlAllowMethods, "*")
            .with(.accessControlAllowHeaders, "authorization,accept,content-type")
    }

    // MARK: Routes

    private func answer(_ exchange: Exchange) async -> Response {
        switch Route.find(exchange.head.method, exchange.path) {
        case .nothing: return .empty(404)
        case .malformed(let text): return .text(400, text)
        case .otherMethods(let methods):
            return Response.empty(405).with(.allow, methods.map(\.rawValue).joined(separator: ", "))
        case .found(let route):
            do throws(Refusal) { return try await answer(route, exchange) } catch { return Response(error) }
        }
    }

    private func answer(_ route: Route, _ exchange: Exchange) async throws(Refusal) -> Response {
        switch route {
        case .newIdentity: return newIdentity()
        case .publicKey:
            return .bytes(
                200, Array(server.authority.publicKeyText.utf8), type: "application/pem-certificate-chain")
        case .webSocketToken: return webSocketToken(try await requiredPrincipal(exchange))
        case .verify(let identity):
            return .empty(try await requiredPrincipal(exchange).identity == identity ? 204 : 400)
        case .databases(let owner): return databases(of: owner)
        case .handler(let segment, let path): return try await handle(segment, path, exchange)
        case .energy: return energy
        case .addEnergy: return try addEnergy(exchange, try await requiredPrincipal(exchange))
        case .setEnergy: throw Refusal(401, "only the server itself may set a balance")
        case .ping:
            if presentsToken(exchange) { _ = try await principal(exchange) }
            return .empty()
        case .health: return health
        case .liveness: return liveness
        case .metrics: return metrics
        case .discovery: return discovery(exchange)
        default: return try await answerKnowingWho(route, exchange)
        }
    }

    /// Answers a request whose client is told who it is, whatever comes of it.
    private func answerKnowingWho(_ route: Route, _ exchange: Exchange) async throws(Refusal) -> Response {
        let principal = try await principal(exchange)
        let response: Response
        do throws(Refusal) {
            response = try await answer(route, exchange, principal)
        } catch { response = Response(error) }
        return response.with(.spacetimeIdentity, principal.identity.hex).with(.spacetimeToken, principal.token)
    }

    private func answer(
        _ route: Route, _ exchange: Exchange, _ principal: Principal
    ) async throws(Refusal) -> Response {
        switch route {
        case .create: try await publish(nil, exchange, principal)
        case .publish(let segment): try await publish(segment, exchange, principal)
        case .publishSet: try await publishSet(exchange, principal)
        case .planSet: try await planSet(exchange, principal)
        case .plan(let segment): try await plan(segment, exchange, principal)
        case .reset(let segment): try await reset(segment, exchange, principal)
        case .delete(let segment): try await delete(segment, principal)
        case .lock(let segment): try await setLocked(true, segment, principal)
        case .unlock(let segment): try await setLocked(false, segment, principal)
        case .info(let segment): info(try database(segment))
        case .identity(let segment): try identity(of: segment)
        case .names(let segment): try names(of: segment)
        case .addName(let segment): try await addName(to: segment, exchange, principal)
        case .replaceNames(let segment): try await replaceNames(of: segment, exchange, principal)
        case .subscribe(let segment): try subscribe(segment, exchange)
        case .schema(let segment): try schema(segment, exchange)
        case .logs(let segment): try logs(segment, exchange, principal)
        case .backup(let segment): try await backup(segment, principal)
        case .timestamp(let segment): timestamp(try database(segment))
        case .call(let segment, let function): try await call(segment, function, exchange, principal)
        case .sql(let segment): try await sql(segment, exchange, principal)
        case .tools(let segment): try await useTools(segment, exchange, principal)
        case .hostTools: try await useTools(nil, exchange, principal)
        default: .empty(404)
        }
    }

    // MARK: Who asks

    private func presentsToken(_ exchange: Exchange) -> Bool {
        exchange.head.headerFields[.authorization] != nil || exchange.parameter("token") != nil
    }

    func principal(_ exchange: Exchange) async throws(Refusal) -> Principal {
        try await server.authority.authenticate(
            authorization: exchange.head.headerFields[.authorization], queryToken: exchange.parameter("token"))
    }

    /// - Throws: 401 if no token is presented.
    private func requiredPrincipal(_ exchange: Exchange) async throws(Refusal) -> Principal {
        guard presentsToken(exchange) else { throw Refusal(401, "Authorization required") }
        return try await principal(exchange)
    }

    // MARK: Databases

    /// The database that a segment of a path names.
    ///
    /// - Throws: 400 if it names none, 404 if there is none.
    func database(_ segment: String) throws(Refusal) -> HostedDatabase {
        do throws(DatabaseRegistry.Missing) { return try registry.database(segment) } catch { throw Refusal(error) }
    }

    /// The database that a segment of a path names, which the client has to own.
    ///
    /// - Parameter action: what is to be done, for the refusal.
    func ownDatabase(
        _ segment: String, _ principal: Principal, _ action: String
    ) throws(Refusal) -> HostedDatabase {
        let database = try database(segment)
        try requireOwner(principal, of: database, action)
        return database
    }

    /// - Throws: 403.
    func requireOwner(_ principal: Principal, of database: HostedDatabase, _ action: String) throws(Refusal) {
        guard principal.identity == database.owner else {
            throw Self.notAuthorized(principal, database.identity, action)
        }
    }

    static func notAuthorized(_ principal: Principal, _ database: Identity, _ action: String) -> Refusal {
        Refusal(403, "\(principal.identity) is not authorized to perform action on database \(database): \(action)")
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
