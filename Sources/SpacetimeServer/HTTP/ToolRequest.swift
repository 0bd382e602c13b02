import SpacetimeSATS

/// A request of the Model Context Protocol: a call of JSON-RPC 2.0.
struct ToolRequest: Hashable, Sendable {
    /// Repeated in the answer; nil if none is wanted.
    let id: JSON?
    let method: String?
    let parameters: JSON

    static let protocolVersion = "2025-06-18"

    /// An error of the protocol, as the originator of a message is told.
    struct Failure: Error, Hashable {
        let code: Int
        let text: String

        static func unreadable(_ error: JSONError) -> Failure { Failure(code: -32_700, text: "\(error)") }
        static let noMethod = Failure(code: -32_600, text: "the request names no method")
        static func unknownMethod(_ name: String) -> Failure {
            Failure(code: -32_601, text: "there is no method '\(name)'")
        }
        static func badParameters(_ text: String) -> Failure { Failure(code: -32_602, text: text) }
    }

    init(_ body: [UInt8]) throws(Failure) {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: body) } catch { throw .unreadable(error) }
        guard case .object = json else { throw .noMethod }
        id = json["id"]
        method = json["method"]?.stringValue
        parameters = json["params"] ?? .object([])
    }

    /// - Throws: if the parameter is missing.
    func text(_ name: String, in object: JSON) throws(Failure) -> String {
        guard let text = object[name]?.stringValue else {
            throw .badParameters("the parameter '\(name)' has to be a text")
        }
        return text
    }

    // MARK: Answers

    func answer(_ result: JSON) -> JSON { Self.message(id, .init("result", result)) }

    static func failure(_ failure: Failure, id: JSON?) -> JSON {
        message(
            id,
            .init(
                "error",
                .object([.init("code", .integer(failure.code)), .init("message", .string(failure.text))])))
    }

    private static func message(_ id: JSON?, _ member: JSON.Member) -> JSON {
        .object([.init("jsonrpc", .string("2.0")), .init("id", id ?? .null), member])
    }

    /// What a tool had to say.
    static func result(_ text: String, isError: Bool = false) -> JSON {
        .object([
            .init("content", .array([.object([.init("type", .string("text")), .init("text", .string(text))])])),
            .init("isError", .bool(isError)),
        ])
    }
}

/// What a program that speaks the protocol may use.
enum Tool: String, CaseIterable {
    case ping
    case schema = "get_schema"
    case sql
    case call
    case databases = "list_databases"

    /// Whether it is about one database.
    var needsDatabase: Bool { self == .schema || self == .sql || self == .call }

    private var summary: String {
        switch self {
        case .ping: "Answers with the message."
        case .schema: "Describes tables, reducers and types of a database as JSON."
        case .sql: "Runs one SQL statement and answers with its rows as JSON."
        case .call: "Calls a reducer or procedure with a JSON array of arguments."
        case .databases: "Lists the databases of this server with their names."
        }
    }

    private var parameters: [(name: String, type: String, isRequired: Bool)] {
        switch self {
        case .ping: [("message", "string", false)]
        case .schema, .databases: []
        case .sql: [("sql", "string", true), ("confirmed", "boolean", false)]
        case .call: [("reducer", "string", true), ("args", "array", false)]
        }
    }

    /// - Parameter namesDatabase: whether calls have to say which database they mean.
    func description(namesDatabase: Bool) -> JSON {
        var all = parameters
        if namesDatabase, needsDatabase { all.insert(("database", "string", true), at: 0) }
        let properties = all.map { JSON.Member($0.name, .object([.init("type", .string($0.type))])) }
        let input = JSON.object([
            .init("type", .string("object")), .init("properties", .object(properties)),
            .init("required", .array(all.filter(\.isRequired).map { .string($0.name) })),
        ])
        return .object([
            .init("name", .string(rawValue)), .init("description", .string(summary)), .init("inputSchema", input),
        ])
    }
}
