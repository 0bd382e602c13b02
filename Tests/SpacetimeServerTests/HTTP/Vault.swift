import HTTPTypes
import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

/// What strangers may not see.
@Table struct Secret {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
}

/// Who came, as the module saw it.
@Table(.public) struct Visit {
    @PrimaryKey @AutoIncrement var id: UInt64
    var visitor: Identity
    var hasLeft: Bool
}

@Table(.public) struct Thing {
    @PrimaryKey var id: UInt32
    var owner: Identity
    var at: Timestamp
    var note: String?
}

/// A module with everything that the arena lacks: what is private, fails, watches its clients, answers requests.
@Module enum Vault {
    static let tables = Tables(Secret.self, Visit.self, Thing.self)

    @Reducer(.clientConnected) static func arrived(_ context: borrowing Context) throws {
        if context.sender == banned { throw SenderError("you are not welcome") }
        try context.db.visit.insert(Visit(id: 0, visitor: context.sender, hasLeft: false))
    }

    @Reducer(.clientDisconnected) static func left(_ context: borrowing Context) throws {
        try context.db.visit.insert(Visit(id: 0, visitor: context.sender, hasLeft: true))
    }

    @Reducer(.private) static func hide(_ context: borrowing Context, text: String) throws {
        try context.db.secret.insert(Secret(id: 0, text: text))
    }

    @Reducer static func putThing(_ context: borrowing Context, id: UInt32, note: String?) throws {
        try context.db.thing.insert(Thing(id: id, owner: context.sender, at: context.timestamp, note: note))
    }

    @Procedure(.private) static func reveal(_ context: ProcedureContext) async throws -> [String] {
        try await context.withTransaction { $0.db.secret.rows.map(\.text) }
    }

    @Procedure static func describe(_ context: ProcedureContext, note: String?) async throws -> Thing {
        Thing(id: 1, owner: context.sender, at: context.timestamp, note: note)
    }

    @Procedure static func fail(_ context: ProcedureContext) async throws { throw SenderError("it went wrong") }

    @Handler(.get, "/echo") static func echo(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        HTTP.Response(
            status: 201, headers: ["x-kind": "echo", "content-type": "text/x-echo", "content-length": "1"],
            body: Array("\(request.method) \(request.url) \(request.headers["authorization"] ?? "nobody")".utf8))
    }

    @Handler(.any, "") static func root(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        HTTP.Response(text: "\(request.method) root \(request.text)")
    }

    @Handler(.post, "/") static func slash(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        HTTP.Response(text: "slash")
    }

    @Handler(.get, "/broken") static func broken(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        throw SenderError("a secret reason")
    }

    /// Answers with the status that the request asks for, and a body.
    @Handler(.get, "/status") static func status(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        HTTP.Response(status: UInt16(request.headers["x-status"] ?? "") ?? 200, body: Array("body".utf8))
    }

    static let banned = Identity(issuer: "localhost", subject: "banned")
}
