import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS
import Testing

@testable import SpacetimeServer

/// What methods and paths lead to.
@Suite struct RouteTests {
    static let hex = "c2003a649183275719a1176e2b7de9767e15116140665412d14aab473d731a35"
    static let identity = Identity(hex: hex) ?? .zero

    static let routes: [(HTTPRequest.Method, String, Route)] = [
        (.post, "/v1/identity", .newIdentity),
        (.get, "/v1/identity/public-key", .publicKey),
        (.post, "/v1/identity/websocket-token", .webSocketToken),
        (.get, "/v1/identity/\(hex)/verify", .verify(identity)),
        (.get, "/v1/identity/\(hex.uppercased())/databases", .databases(of: identity)),
        (.post, "/v1/database", .create), (.put, "/v1/database/arena", .publish("arena")),
        (.get, "/v1/database/arena", .info("arena")), (.delete, "/v1/database/arena", .delete("arena")),
        (.get, "/v1/database/arena/identity", .identity(of: "arena")),
        (.get, "/v1/database/arena/names", .names(of: "arena")),
        (.post, "/v1/database/arena/names", .addName(to: "arena")),
        (.put, "/v1/database/arena/names", .replaceNames(of: "arena")),
        (.get, "/v1/database/arena/subscribe", .subscribe("arena")),
        (.post, "/v1/database/arena/call/add_user", .call("arena", function: "add_user")),
        (.post, "/v1/database/arena/call/a%2Fb%20%C3%BC", .call("arena", function: "a/b ü")),
        (.get, "/v1/database/arena/schema", .schema("arena")), (.post, "/v1/database/arena/sql", .sql("arena")),
        (.post, "/v1/database/arena/pre_publish", .plan("arena")),
        (.put, "/v1/database/arena/reset", .reset("arena")), (.post, "/v1/database/arena/lock", .lock("arena")),
        (.post, "/v1/database/arena/unlock", .unlock("arena")),
        (.get, "/v1/database/arena/unstable/timestamp", .timestamp("arena")),
        (.post, "/v1/database/arena/mcp", .tools("arena")),
        (.get, "/v1/database/arena/route", .handler("arena", path: "")),
        (.patch, "/v1/database/arena/route/", .handler("arena", path: "/")),
        (.get, "/v1/database/arena/route/a/b", .handler("arena", path: "/a/b")),
        (.get, "/v1/database/arena/route//a/", .handler("arena", path: "//a/")),
        (.get, "/v1/database/arena/route/%61", .handler("arena", path: "/%61")),
        (.post, "/v1/mcp", .hostTools), (.get, "/v1/energy/\(hex)", .energy), (.post, "/v1/energy/\(hex)", .addEnergy),
        (.put, "/v1/energy/\(hex)", .setEnergy), (.get, "/v1/ping", .ping), (.head, "/v1/ping", .ping),
        (.get, "/v1/health", .health), (.get, "/v1/health/live", .liveness), (.get, "/v1/metrics", .metrics),
        (.get, "/v1/database/arena/logs", .logs("arena")), (.get, "/v1/prometheus/sd_config", .discovery),
    ]

    @Test(arguments: routes) func eachRouteIsFound(method: HTTPRequest.Method, path: String, route: Route) {
        #expect(Route.find(method, path) == .found(route))
    }

    @Test(arguments: [
        "/", "", "/v1", "/v1/", "/v2/ping", "/v1/ping/", "//v1/ping", "/v1//ping", "/v1/identity/", "/v1/database/",
        "/v1/database/arena/", "/v1/database//names", "/v1/database/arena/names/", "/v1/database/arena/call",
        "/v1/database/arena/call/", "/v1/database/arena/call/a/b", "/v1/database/arena/subscribe/",
        "/v1/database/arena/unstable", "/v1/database/arena/routes", "/v1/nothing", "/v1/identity/a/b/c", "/v1/Ping",
    ]) func otherPathsLeadNowhere(path: String) {
        for method in [HTTPRequest.Method.get, .post, .put, .delete, .patch] {
            #expect(Route.find(method, path) == .nothing)
        }
    }

    static let methods: [(String, HTTPRequest.Method, [HTTPRequest.Method])] = [
        ("/v1/ping", .post, [.get, .head]),
        ("/v1/identity", .get, [.post]), ("/v1/database", .put, [.post]),
        ("/v1/database/arena", .post, [.get, .head, .put, .delete]),
        ("/v1/database/arena/names", .delete, [.get, .head, .post, .put]),
        ("/v1/database/arena/subscribe", .post, [.get, .head]), ("/v1/database/arena/sql", .get, [.post]),
    ]

    @Test(arguments: methods) func otherMethodsHearWhichThereAre(
        path: String, method: HTTPRequest.Method, methods: [HTTPRequest.Method]
    ) {
        #expect(Route.find(method, path) == .otherMethods(methods))
    }

    /// A slash and an accent behind it are one character to Swift, and two signs to everybody else.
    @Test func addressesAreTakenApartSignBySign() {
        let accent = "\u{301}"
        #expect(Route.find(.get, "/v1/database/\(accent)arena") == Route.find(.get, "/v1/database/%CC%81arena"))
        #expect(Route.find(.get, "/v1/ping/\(accent)") == .nothing)
        #expect(
            Route.find(.get, "/v1/database/arena/route/\(accent)x") == .found(.handler("arena", path: "/\(accent)x")))
        let (path, query) = RequestTarget.split("/v1/ping?\(accent)a=\(accent)1&\(accent)b=2&&c")
        #expect(path == "/v1/ping")
        #expect(
            query.map(\.name) == ["\(accent)a", "\(accent)b", "c"] && query.map(\.value) == ["\(accent)1", "2", ""])
        let request = HTTP.Request(.get, "https://example.com/\(accent)x?\(accent)token=secret")
        #expect(request.path == "/\(accent)x" && request.query == "\(accent)token=secret")
        #expect(request.urlWithoutQuery == "https://example.com/\(accent)x")
    }

    @Test(arguments: [
        "/v1/identity/\(hex)0/verify", "/v1/identity/0x\(hex)/verify", "/v1/identity/arena/databases",
        "/v1/energy/arena", "/v1/database/%ff", "/v1/database/%zz/names", "/v1/database/%f/route",
    ]) func whatCannotBeUnderstoodIsMalformed(path: String) {
        guard case .malformed = Route.find(.get, path) else {
            Issue.record("\(Route.find(.get, path))")
            return
        }
    }
}
