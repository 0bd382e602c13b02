import SpacetimeKit
import SpacetimeSATS

/// The database of the specification's examples, which holds Ann already.
func arena() throws -> Database<Arena> {
    let database = try Arena.open()
    if try database.read({ $0.user.id.find(1) }) == nil { try database.call(Arena.addUser, 1, "Ann") }
    return database
}

/// The messages that more than one client sends, as their bytes.
enum Say {
    static func subscribe(_ request: UInt32, _ set: UInt32, _ queries: String...) -> [UInt8] {
        [0] + littleEndian(request) + littleEndian(set) + littleEndian(UInt32(queries.count)) + queries.flatMap(counted)
    }

    /// As all clients do, it asks for the rows that are dropped.
    static func unsubscribe(_ request: UInt32, _ set: UInt32) -> [UInt8] {
        [1] + littleEndian(request) + littleEndian(set) + [1]
    }

    static func query(_ request: UInt32, _ query: String) -> [UInt8] { [2] + littleEndian(request) + counted(query) }

    static func call(_ request: UInt32, _ reducer: String, _ arguments: [UInt8] = []) -> [UInt8] {
        [3] + littleEndian(request) + [0] + counted(reducer) + counted(arguments)
    }

    static func addUser(_ request: UInt32, _ id: UInt32, _ name: String) -> [UInt8] {
        call(request, "add_user", littleEndian(id) + counted(name))
    }

    static func procedure(_ request: UInt32, _ name: String, _ arguments: [UInt8]) -> [UInt8] {
        [4] + littleEndian(request) + [0] + counted(name) + counted(arguments)
    }
}

extension RunningServer {
    /// A token as clients have it who were here before: the one that came with the answer to the first upgrade.
    func token() async throws -> String {
        let client = try await connect("/v1/database/arena/subscribe", protocols: "v2.bsatn.spacetimedb")
        let token = client.response["spacetime-identity-token"]
        try await client.vanish()
        guard let token, !token.isEmpty else { throw NoToken(status: client.response.status) }
        return token
    }

    struct NoToken: Error { let status: Int }

    /// The text of a field of an object in JSON, which has no escapes.
    static func field(_ name: String, of json: String) throws -> String {
        let value = json.split(separator: "\"\(name)\":\"", maxSplits: 1).dropFirst().first
        guard let value, let end = value.firstIndex(of: "\"") else { throw RawResponse.NotHTTP(line: json) }
        return String(value[..<end])
    }
}

/// What an `InitialConnection` says.
struct Greeting {
    let identity: [UInt8]
    let connectionID: [UInt8]
    let token: String
    /// What follows it in the same frame, on v3.
    let rest: [UInt8]

    init(_ payload: [UInt8]) throws {
        guard payload.count >= 54, payload[0] == 0, payload[1] == 0 else { throw NoGreeting(payload: payload) }
        identity = Array(payload[2..<34])
        connectionID = Array(payload[34..<50])
        let end = 54 + payload[50..<54].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard end <= payload.count else { throw NoGreeting(payload: payload) }
        token = String(decoding: payload[54..<end], as: UTF8.self)
        rest = Array(payload[end...])
    }

    struct NoGreeting: Error { let payload: [UInt8] }
}
