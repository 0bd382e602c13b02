import SpacetimeHost

/// A function of a module that answers HTTP requests, as a value: what `@Handler` makes of a static function.
///
/// In a module built at run time it is made from a closure:
///
/// ```swift
/// let health = Handler("health", .get, "/health") { (context: ProcedureContext<DynamicModule>, request) in
///     HTTP.Response(text: "well at \(context.now)")
/// }
/// ```
public struct Handler<Definition: ModuleDefinition>: Sendable {
    /// The name of the function.
    public let name: StaticString
    private let method: HandlerMethod
    private let path: String
    private let body: @Sendable (ProcedureContext<Definition>, HTTP.Request) async throws -> HTTP.Response

    /// Makes a handler out of a function or a closure.
    ///
    /// - Parameters:
    ///   - name: tells it from other functions of the module.
    ///   - method: which requests it answers.
    ///   - path: as it stands in the URL, compared byte by byte: `a`-`z`, `0`-`9`, `-`, `_`, `~` and `/`, with a `/`
    ///     first, or nothing at all. Another handler must not answer the same requests.
    ///   - body: makes the answer. If it throws, the client gets status 500 and no more, and
    ///     ``DatabaseOptions/onProcedureFailure`` is told.
    public init(
        _ name: StaticString, _ method: HandlerMethod, _ path: String,
        body: @escaping @Sendable (ProcedureContext<Definition>, HTTP.Request) async throws -> HTTP.Response
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.body = body
    }

    var description: HandlerDescription {
        let body = body
        return HandlerDescription(name: name.description, method: method, path: path) { call, request in
            try await body(ProcedureContext(call), request)
        }
    }
}

/// Which requests a ``Handler`` answers.
public enum HandlerMethod: Hashable, Sendable {
    case any, get, head, options, put, delete, post, patch
}

/// Everything about a handler that the database needs to call it.
struct HandlerDescription: Sendable {
    let name: String
    let method: HandlerMethod
    let path: String
    let run: @Sendable (ProcedureCall, HTTP.Request) async throws -> HTTP.Response

    init(
        name: String, method: HandlerMethod, path: String,
        run: @escaping @Sendable (ProcedureCall, HTTP.Request) async throws -> HTTP.Response
    ) {
        self.name = name
        self.method = method
        self.path = path
        self.run = run
    }
}
