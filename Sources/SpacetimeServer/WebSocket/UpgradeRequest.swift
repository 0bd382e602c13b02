import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

/// A request to open a WebSocket, judged without a look at anything but its head and the names of databases.
enum UpgradeRequest {
    /// What was asked for, all of it in order.
    struct Accepted: Sendable {
        let database: HostedDatabase
        let subprotocol: Subprotocol
        let parameters: ConnectionParameters
        /// The client's part of the handshake.
        let key: String
    }

    /// The database that a path asks to subscribe to, as it is written there; nil if that is not what the path is for.
    static func database(inPath path: String) -> String? {
        let parts = path.parts(at: "/")
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "v1", parts[2] == "database", parts[4] == "subscribe"
        else {
            return nil
        }
        return String(parts[3])
    }

    /// Judges a request, in the order in which a client may rely on it. Who asks is found out before.
    ///
    /// - Parameters:
    ///   - segment: of the path, where the database is named.
    ///   - query: names and values, percent-decoded.
    ///   - header: the values of a header.
    static func evaluate(
        _ segment: String, method: String, query: [(name: String, value: String)], header: (String) -> [String],
        in registry: DatabaseRegistry
    ) throws(Refusal) -> Accepted {
        let parameters: ConnectionParameters
        do throws(ConnectionParameters.Problem) { parameters = try ConnectionParameters(query) } catch {
            throw Refusal(400, "\(error)")
        }
        let identity: Identity?
        do throws(DatabaseRegistry.Missing) { identity = try registry.identity(of: segment) } catch {
            guard case .name = error else { throw Refusal(error) }
            identity = nil
        }
        guard method == "GET" else {
            throw Refusal(405, "a WebSocket is opened with GET", headers: ["allow": "GET"])
        }
        guard tokens(header("connection")).contains("upgrade"), tokens(header("upgrade")).contains("websocket") else {
            throw Refusal(
                426, "this path is for WebSockets; send Connection: Upgrade and Upgrade: websocket, with HTTP/1.1",
                headers: ["connection": "Upgrade", "upgrade": "websocket"])
        }
        guard header("sec-websocket-version") == ["13"] else { throw Refusal(400, "Sec-WebSocket-Version must be 13") }
        guard let key = header("sec-websocket-key").first, !key.isEmpty else {
            throw Refusal(400, "Sec-WebSocket-Key is missing")
        }
        if let problem = parameters.refusal { throw Refusal(400, "\(problem)") }
        guard identity != nil else { throw Refusal(.name(segment)) }
        guard let subprotocol = Subprotocol.negotiate(header("sec-websocket-protocol")) else {
            throw Refusal(
                400, "no common subprotocol; offer one of \(Subprotocol.allCases.map(\.name).joined(separator: ", "))")
        }
        let database: HostedDatabase
        do throws(DatabaseRegistry.Missing) { database = try registry.database(segment) } catch { throw Refusal(error) }
        return Accepted(database: database, subprotocol: subprotocol, parameters: parameters, key: key)
    }

    /// The words of a header that is a list, in small letters.
    private static func tokens(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",") }.map {
            $0.lowercased().split(separator: " ").joined(separator: " ")
        }
    }
}

extension Refusal {
    /// A database that is not there.
    init(_ missing: DatabaseRegistry.Missing) {
        switch missing {
        case .malformed(let text):
            self.init(400, "'\(text)' is neither the name of a database nor an identity of 64 hexadecimal digits")
        case .name(let name): self.init(404, "`\(name)` not found")
        case .database: self.init(404, "No such database.")
        case .closed: self.init(404, "Database is not scheduled on this host")
        }
    }
}
