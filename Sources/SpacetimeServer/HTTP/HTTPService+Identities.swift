import HTTPTypes
import Hummingbird
import SpacetimeSATS

/// Who clients are, and small routes beside.
extension HTTPService {
    func newIdentity() -> Response {
        let principal = server.authority.issue()
        return .json(
            .object([.init("identity", .string(principal.identity.hex)), .init("token", .string(principal.token))]))
    }

    /// What follows is a WebSocket, which is opened by the first request of a connection only. So this connection ends: programs
    /// that keep theirs for later requests, as Node does, open another one.
    func webSocketToken(_ principal: Principal) -> Response {
        .json(.object([.init("token", .string(server.authority.webSocketToken(for: principal)))]))
            .with(.connection, "close")
    }

    func databases(of owner: Identity) -> Response {
        let identities = registry.all.filter { $0.owner == owner }.map { JSON.string($0.identity.hex) }
        return .json(.object([.init("identities", .array(identities))]))
    }

    // MARK: Energy

    /// Nothing is charged for here, so that everybody has as much as anybody.
    var energy: Response { .json(.object([.init("balance", .string("0"))])) }

    func addEnergy(_ exchange: Exchange, _ principal: Principal) throws(Refusal) -> Response {
        guard let text = exchange.parameter("amount"), UInt128(text) != nil else {
            throw Refusal(400, "the parameter 'amount' has to be an integer that is not negative")
        }
        return energy
    }

    // MARK: The server

    var health: Response {
        .json(
            .object([
                .init("package_name", .string("spacetimedb-client-api")), .init("version", .string("2.8.3")),
                .init("nodes", .array([.integer(0)])), .init("schedulable", .bool(true)),
            ]))
    }

    /// Where Prometheus finds metrics: at the address under which it asked.
    func discovery(_ exchange: Exchange) -> Response {
        let target = JSON.object([
            .init("targets", .array([.string(exchange.head.authority ?? "localhost")])), .init("labels", .object([])),
        ])
        return .json(.array([target]))
    }
}
