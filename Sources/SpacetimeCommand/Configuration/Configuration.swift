import SpacetimeSATS

/// What the command remembers between its runs: servers, and who the user is to each.
struct Configuration: Equatable {
    /// A server that was named, or one that the user has a token of.
    struct Server: Equatable {
        /// Nil if it is known by its address only.
        var name: String?
        var address: ServerAddress
        var token: String?
    }

    var servers: [Server] = []
    /// The name of the server that is meant where none is said.
    var defaultName: String?

    /// What is there before anything was added: a server on this machine.
    static let initial = Configuration(
        servers: [Server(name: "local", address: .local, token: nil)], defaultName: "local")

    func named(_ name: String) -> Server? { servers.first { $0.name == name } }

    /// The server that is meant where none is said.
    var defaultServer: Server? { defaultName.flatMap(named) }

    /// The token to show to a server.
    func token(for address: ServerAddress) -> String? {
        servers.first { $0.address == address && $0.token != nil }?.token
    }

    /// Remembers a token, or forgets it, for all names of an address.
    mutating func setToken(_ token: String?, for address: ServerAddress) {
        if token != nil, !servers.contains(where: { $0.address == address }) {
            servers.append(Server(name: nil, address: address, token: nil))
        }
        for index in servers.indices where servers[index].address == address { servers[index].token = token }
        servers.removeAll { $0.name == nil && $0.token == nil }
    }
}

// MARK: - The file

extension Configuration {
    /// `{"default":"local","servers":[{"name":"local","url":"http://127.0.0.1:3000","token":"…"}]}`
    var json: JSON {
        let list = servers.map { server in
            JSON.object(
                [
                    server.name.map { JSON.Member("name", .string($0)) },
                    JSON.Member("url", .string(server.address.text)),
                    server.token.map { JSON.Member("token", .string($0)) },
                ].compactMap(\.self))
        }
        return .object(
            [
                defaultName.map { JSON.Member("default", .string($0)) }, JSON.Member("servers", .array(list)),
            ].compactMap(\.self))
    }

    /// The same as a text with lines, since people look into it.
    var text: String {
        let lines = servers.indices.map { index in "    \(json["servers"]?.arrayValue?[index].description ?? "")" }
        let name = defaultName.map { "  \"default\": \(JSON.string($0)),\n" } ?? ""
        let list = lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n  ]"
        return "{\n\(name)  \"servers\": \(list)\n}\n"
    }

    /// Why a text is no configuration.
    struct Problem: Error { let text: String }

    init(text: String) throws(Problem) {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: text) } catch { throw Problem(text: "\(error)") }
        guard case .object = json else { throw Problem(text: "it is no object") }
        defaultName = json["default"]?.stringValue
        guard let list = json["servers"]?.arrayValue else { throw Problem(text: "it has no array 'servers'") }
        for (position, server) in list.enumerated() {
            guard let url = server["url"]?.stringValue else {
                throw Problem(text: "server \(position + 1) has no text 'url'")
            }
            guard let address = ServerAddress(url) else {
                throw Problem(text: "server \(position + 1) has a url that is none: '\(url)'")
            }
            servers.append(
                Server(name: server["name"]?.stringValue, address: address, token: server["token"]?.stringValue))
        }
    }
}
