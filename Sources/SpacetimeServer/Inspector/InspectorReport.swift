import Hummingbird
import SpacetimeHost
import SpacetimeSATS

/// What the inspector shows of a database and no other route tells: what its tables take, how its schedules are doing, and
/// what the queries cost that clients watch.
enum InspectorReport {
    private static let prefix = "/inspect/report/"

    /// The segment that names the database in the path of a report; nil for other paths.
    static func database(inPath path: String) -> String? {
        path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
    }

    /// Holds the database's lock for a time in proportion to its pages and to the queries that are watched.
    static func json(_ core: DatabaseCore) throws(DatabaseError) -> JSON {
        let memory = try core.memoryReport()
        let schedules = try core.scheduleReport()
        let live = try core.sessions.report()
        return .object([
            .init("bytes", .integer(memory.byteCount)),
            .init("tables", .array(memory.tables.map(table))),
            .init("schedules", .array(schedules.jobs.map(job))),
            .init("queries", .array(live.kinds.map(kind))),
            .init("views", .array(live.views.map(view))),
        ])
    }

    private static func table(_ table: MemoryReport.Table) -> JSON {
        .object([
            .init("name", .string(table.name)), .init("rows", .integer(table.rowCount)),
            .init("bytes", .integer(table.byteCount)),
        ])
    }

    private static func job(_ job: ScheduleReport.Job) -> JSON {
        .object([
            .init("function", .string(job.function)), .init("table", .string(job.table)),
            .init("next_due", job.nextDue.map { .integer($0.microsecondsSinceUnixEpoch) } ?? .null),
            .init("calls", .integer(job.callCount)), .init("failures", .integer(job.failureCount)),
            .init("last_failure", job.lastFailure.map { .string("\($0.error)") } ?? .null),
            .init("skipped", .integer(job.skippedCount)), .init("late", .integer(job.lateCount)),
            .init("greatest_lateness", .integer(TimeDuration(job.greatestLateness).microseconds)),
        ])
    }

    private static func kind(_ kind: LiveQueryReport.Kind) -> JSON {
        .object([
            .init("tables", .array(kind.tables.map(JSON.string))), .init("plan", .string(kind.plan)),
            .init("is_found_by_look_up", .bool(kind.isFoundByLookUp)),
            .init("problem", kind.liveProblem.map(JSON.string) ?? .null),
            .init("queries", .integer(kind.queryCount)), .init("subscribers", .integer(kind.subscriberCount)),
            .init("changes", .integer(kind.changeCount)), .init("rows_examined", .integer(kind.rowsExamined)),
            .init("rows_produced", .integer(kind.rowsProduced)), .init("bytes_produced", .integer(kind.bytesProduced)),
        ])
    }

    private static func view(_ view: LiveQueryReport.View) -> JSON {
        .object([
            .init("name", .string(view.name)), .init("instances", .integer(view.instanceCount)),
            .init("followed", .integer(view.followedCount)), .init("evaluations", .integer(view.evaluationCount)),
        ])
    }
}

extension HTTPService {
    /// The answer to a request for the inspector's page, one of its files, or a report; nil for other paths.
    func inspect(_ request: Request, _ exchange: Exchange) async -> Response? {
        guard server.options.inspector else { return nil }
        if let page = InspectorPage.respond(to: request) { return page }
        guard let segment = InspectorReport.database(inPath: exchange.path) else { return nil }
        do throws(Refusal) {
            guard request.method == .get else { return .empty(405).with(.allow, "GET") }
            let database = try ownDatabase(segment, try await principal(exchange), "inspect")
            return .json(try report(database))
        } catch {
            return Response(error)
        }
    }

    private func report(_ database: HostedDatabase) throws(Refusal) -> JSON {
        do throws(DatabaseError) { return try InspectorReport.json(database.core) } catch {
            throw Refusal(503, error.message)
        }
    }
}
