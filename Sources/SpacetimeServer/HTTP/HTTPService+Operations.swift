import HTTPTypes
import HummingbirdCore
import NIOCore
import ServiceLifecycle
import SpacetimeHost
import SpacetimeSATS

/// What is asked by those who run a server, and by their tools: how it is, what it counts, and what its modules say.
extension HTTPService {
    /// 503, and what is stuck, if something is.
    var liveness: Response {
        let problems = server.checkHealth()
        let list = problems.map { problem in
            let database = problem.database.map { [JSON.Member("database", .string($0))] } ?? []
            return JSON.object(
                [JSON.Member("part", .string(problem.part.rawValue))] + database + [
                    JSON.Member("text", .string(problem.text))
                ])
        }
        return .json(
            problems.isEmpty ? 200 : 503,
            .object([
                JSON.Member("status", .string(problems.isEmpty ? "ok" : "stuck")),
                JSON.Member("problems", .array(list)),
            ]))
    }

    /// In the text format of Prometheus.
    var metrics: Response {
        server.metrics.sample(server.namedDatabases)
        return .text(200, server.metrics.registry.text())
    }

    /// The log of a module, a record on each line.
    func logs(
        _ segment: String, _ exchange: Exchange, _ principal: Principal
    ) throws(Refusal) -> Response {
        let log = try ownDatabase(segment, principal, "read logs").core.log
        var count: Int?
        if let text = exchange.parameter("num_lines") {
            guard let number = Int(text), number >= 0 else {
                throw Refusal(400, "the parameter 'num_lines' has to be an integer that is not negative")
            }
            count = number
        }
        let follows = try exchange.flag("follow", default: false)
        let headers: HTTPFields = [.contentType: "application/x-ndjson", .cacheControl: "no-cache"]
        guard follows else {
            let lines = log.last(count).flatMap(\.jsonLine)
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: lines)))
        }
        // The most that followers get of what was before, as with the originals.
        let records = log.follow(backlog: min(count ?? 0, 2_500)).cancelOnGracefulShutdown()
        let body = exchange.body.handOver()
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                // A follower that has gone is let go at once, and not when the next record comes.
                try await body.consumeWithCancellationOnInboundClose { _ in
                    // Who does not read is waited for here, and loses what the log forgets meanwhile.
                    for try await record in records { try await writer.write(ByteBuffer(bytes: record.jsonLine)) }
                }
                try await writer.finish(nil)
            })
    }
}
