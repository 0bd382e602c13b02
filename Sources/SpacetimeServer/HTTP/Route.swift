import HTTPTypes
import SpacetimeSATS

/// What a request is for, as its method and path say. Names of databases are as they stand in the path: whether there is
/// such a database is found out later.
enum Route: Hashable, Sendable {
    case newIdentity, publicKey, webSocketToken
    case verify(Identity)
    case databases(of: Identity)

    /// Publishes a module under a new identity, without a name.
    case create
    case publish(String)
    case info(String)
    case delete(String)
    case identity(of: String)
    case names(of: String)
    case addName(to: String)
    case replaceNames(of: String)
    case subscribe(String)
    case call(String, function: String)
    case schema(String)
    case sql(String)
    case plan(String)
    /// Publishes a module to several databases at once.
    case publishSet
    case planSet
    case reset(String)
    case lock(String)
    case unlock(String)
    case timestamp(String)
    case logs(String)
    case backup(String)
    case tools(String)
    /// A handler of the module's own, whatever the method.
    case handler(String, path: String)

    case hostTools
    case energy, addEnergy, setEnergy
    case ping, health, liveness, metrics, discovery
}

extension Route {
    /// What a method and a path lead to.
    enum Finding: Hashable, Sendable {
        case found(Route)
        /// There is nothing at the path.
        case nothing
        /// There is something at the path, for other methods.
        case otherMethods([HTTPRequest.Method])
        /// The path says what cannot be understood.
        case malformed(String)
    }

    /// Finds what a request is for, by the path alone, without query: byte for byte, so that a slash at the end makes another
    /// path. Who may do `GET` may ask for the head alone.
    static func find(_ method: HTTPRequest.Method, _ path: String) -> Finding {
        let parts = path.parts(at: "/").dropFirst()
        guard path.utf8.first == UInt8(ascii: "/"), parts.first == "v1" else { return .nothing }
        if let found = moduleRoute(path) { return found }
        var segments: [String] = []
        for part in parts.dropFirst() {
            guard !part.isEmpty else { return .nothing }
            guard let segment = PercentEncoding.decoded(part) else {
                return .malformed("the path is not percent-encoded UTF-8: '\(part)'")
            }
            segments.append(segment)
        }
        let routes: Routes?
        do throws(Malformed) { routes = try self.routes(segments) } catch { return .malformed(error.text) }
        guard let routes else { return .nothing }
        let wanted = method == .head ? .get : method
        if let route = routes.first(where: { $0.method == wanted })?.route { return .found(route) }
        return .otherMethods(routes.flatMap { $0.method == .get ? [.get, .head] : [$0.method] })
    }

    private typealias Routes = [(method: HTTPRequest.Method, route: Route)]

    private struct Malformed: Error {
        let text: String
    }

    /// A path below `/v1/database/{db}/route` is the module's to understand, and stays as it is written.
    private static func moduleRoute(_ path: String) -> Finding? {
        let parts = path.parts(at: "/", maxSplits: 5)
        guard parts.count >= 5, parts[2] == "database", parts[4] == "route", !parts[3].isEmpty else { return nil }
        guard let database = PercentEncoding.decoded(parts[3]) else {
            return .malformed("the path is not percent-encoded UTF-8: '\(parts[3])'")
        }
        return .found(.handler(database, path: parts.count == 5 ? "" : "/\(parts[5])"))
    }

    /// What there is at a path below `/v1`; nil if nothing.
    private static func routes(_ segments: [String]) throws(Malformed) -> Routes? {
        switch segments.first {
        case "identity": try identityRoutes(Array(segments.dropFirst()))
        case "database": databaseRoutes(Array(segments.dropFirst()))
        case "energy": try energyRoutes(Array(segments.dropFirst()))
        default:
            switch segments {
            case ["ping"]: [(.get, .ping)]
            case ["health"]: [(.get, .health)]
            case ["health", "live"]: [(.get, .liveness)]
            case ["metrics"]: [(.get, .metrics)]
            case ["prometheus", "sd_config"]: [(.get, .discovery)]
            case ["mcp"]: [(.post, .hostTools)]
            case ["databases"]: [(.put, .publishSet)]
            case ["databases", "pre_publish"]: [(.post, .planSet)]
            default: nil
            }
        }
    }

    private static func identityRoutes(_ segments: [String]) throws(Malformed) -> Routes? {
        switch segments {
        case []: return [(.post, .newIdentity)]
        case ["public-key"]: return [(.get, .publicKey)]
        case ["websocket-token"]: return [(.post, .webSocketToken)]
        default:
            guard segments.count == 2 else { return nil }
            switch segments[1] {
            case "verify": return [(.get, .verify(try parsed(segments[0])))]
            case "databases": return [(.get, .databases(of: try parsed(segments[0])))]
            default: return nil
            }
        }
    }

    private static func energyRoutes(_ segments: [String]) throws(Malformed) -> Routes? {
        guard segments.count == 1 else { return nil }
        _ = try parsed(segments[0])
        return [(.get, .energy), (.post, .addEnergy), (.put, .setEnergy)]
    }

    private static func parsed(_ segment: String) throws(Malformed) -> Identity {
        guard segment.utf8.count == 64, let identity = Identity(hex: segment) else {
            throw Malformed(text: "an identity has 64 hexadecimal digits, and '\(segment)' is none")
        }
        return identity
    }

    private static func databaseRoutes(_ segments: [String]) -> Routes? {
        guard let name = segments.first else { return [(.post, .create)] }
        switch Array(segments.dropFirst()) {
        case []: return [(.get, .info(name)), (.put, .publish(name)), (.delete, .delete(name))]
        case ["identity"]: return [(.get, .identity(of: name))]
        case ["names"]: return [(.get, .names(of: name)), (.post, .addName(to: name)), (.put, .replaceNames(of: name))]
        case ["subscribe"]: return [(.get, .subscribe(name))]
        case ["schema"]: return [(.get, .schema(name))]
        case ["sql"]: return [(.post, .sql(name))]
        case ["pre_publish"]: return [(.post, .plan(name))]
        case ["reset"]: return [(.put, .reset(name))]
        case ["lock"]: return [(.post, .lock(name))]
        case ["unlock"]: return [(.post, .unlock(name))]
        case ["logs"]: return [(.get, .logs(name))]
        case ["backup"]: return [(.get, .backup(name))]
        case ["unstable", "timestamp"]: return [(.get, .timestamp(name))]
        case ["mcp"]: return [(.post, .tools(name))]
        default:
            guard segments.count == 3, segments[1] == "call" else { return nil }
            return [(.post, .call(name, function: segments[2]))]
        }
    }
}
