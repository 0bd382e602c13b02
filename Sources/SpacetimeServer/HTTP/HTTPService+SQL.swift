import Hummingbird
import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS

/// SQL.
extension HTTPService {
    func sql(_ segment: String, _ exchange: Exchange, _ principal: Principal) async throws(Refusal) -> Response {
        let isConfirmed = try exchange.flag("confirmed", default: true)
        let text = try await exchange.text(limit: options.bodyByteLimit)
        let query = SQLCall(
            database: try database(segment), text: text, isConfirmed: isConfirmed, limits: options.sql)
        let began = ContinuousClock.now
        let json = try await ConnectedWork(database: query.database, principal: principal).run {
            caller throws(Refusal) in try await query.run(caller)
        }
        return Response.bytes(200, json, type: "application/json").took(ContinuousClock.now - began)
    }
}

/// A statement, and the JSON that it is answered with.
struct SQLCall: Sendable {
    let database: HostedDatabase
    let text: String
    /// Whether the answer waits until everything that it shows is on disk.
    let isConfirmed: Bool
    let limits: QueryLimits

    /// - Throws: 400 if the statement is refused, 503 if the database takes none.
    func run(_ caller: Caller) async throws(Refusal) -> [UInt8] {
        do throws(DatabaseError) {
            let result = try await database.run(Statements.Request(text, as: caller, limits: limits))
            if isConfirmed { try await database.core.runner.durable(result.offset) }
            return try Self.json(result)
        } catch {
            if let unavailable = Refusal(unavailable: error) { throw unavailable }
            let isOurs = error.code == .internalInconsistency || error.code == .moduleFailure
            throw Refusal(isOurs ? 500 : 400, error.message)
        }
    }

    private static func json(_ result: StatementResult) throws(DatabaseError) -> [UInt8] {
        var bytes = Array(#"[{"schema":"#.utf8) + result.columns.json.utf8
        bytes += #","rows":["#.utf8
        let type = AlgebraicType.product(result.columns)
        var isFirst = true
        try result.rows.forEach { row throws(DatabaseError) in
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes += try text(Array(row), type).utf8
        }
        let counts = JSON.object([
            .init("rows_inserted", .integer(result.changes.inserted)),
            .init("rows_deleted", .integer(result.changes.deleted)),
            .init("rows_updated", .integer(result.changes.updated)),
        ])
        let duration = TimeDuration(result.duration).microseconds
        bytes += #"],"total_duration_micros":\#(duration),"stats":"#.utf8
        bytes += counts.utf8
        bytes += "}]".utf8
        return bytes
    }

    private static func text(_ row: [UInt8], _ type: AlgebraicType) throws(DatabaseError) -> String {
        do {
            return try AlgebraicValue(bsatn: row, type: type).json(style: .untyped, type: type)
        } catch {
            throw DatabaseError(
                .internalInconsistency, "a row of a result is not of the type of its columns: \(error)", cause: error)
        }
    }
}
