import SpacetimeSATS
import SpacetimeSchema

/// Which handler answers which requests. Paths are compared as they are written: `/a` and `/a/` are two, and so are the
/// empty one and `/`.
package struct HTTPRoutes: Sendable {
    private let routes: [String: [(method: RawMethodOrAny, handler: Int)]]

    init(_ schema: ModuleSchema) {
        var routes: [String: [(method: RawMethodOrAny, handler: Int)]] = [:]
        for route in schema.httpRoutes {
            routes[route.path, default: []].append((route.method, route.handler))
        }
        self.routes = routes
    }

    /// The position of the handler that answers such requests; nil if none does.
    package func handler(for method: HTTP.Method, _ path: String) -> Int? {
        routes[path]?.first { route in
            switch route.method {
            case .any: true
            case .method(let known): known.name == method.name
            }
        }?.handler
    }
}

extension DatabaseCore {
    /// Has the module answer a request. It says so in its answer if it cannot.
    ///
    /// - Parameter path: the path that routes are compared with; nil for that of the request's URL. A server gives what
    ///   follows its own prefix.
    package func handle(_ request: HTTP.Request, path: String? = nil) async -> HTTP.Response {
        guard let handler = routes.handler(for: request.method, path ?? request.path) else {
            return HTTP.Response(status: 404, text: "no route matches the request\n")
        }
        do {
            let answer = try await procedures.answer(request, by: handler)
            guard 200...599 ~= answer.status else {
                let error = DatabaseError(
                    .moduleFailure,
                    "the handler answered with status \(answer.status), which ends no request; choose one from 200 to 599"
                )
                // What a handler throws is in the log already.
                runner.log.note(error, of: catalog.schema.httpHandlers[handler].sourceName)
                throw error
            }
            return answer
        } catch let error as DatabaseError where error.code == .closed || error.code == .limitReached {
            return HTTP.Response(status: 503, text: "the database takes no requests now\n")
        } catch {
            // What went wrong is not for strangers.
            procedures.options.onFailure?(
                ProcedureFailure(
                    name: catalog.schema.httpHandlers[handler].sourceName, caller: catalog.identity,
                    timestamp: runner.clock.now(), error: error))
            return HTTP.Response(status: 500, text: "the request could not be answered\n")
        }
    }
}
