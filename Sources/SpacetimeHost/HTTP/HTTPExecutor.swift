/// What sends the requests of procedures and handlers: a client of your choice, or a test's stand-in. The database has
/// none of its own.
///
/// ```swift
/// struct Rates: HTTPExecutor {
///     func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
///         HTTP.Response(text: request.path == "/rates/eur" ? "1.08" : "1")
///     }
/// }
/// ```
///
/// Guests of a server are not to reach its inner network through it: an executor that serves modules which are not
/// trusted refuses private and loopback addresses after it has resolved a name, and on every redirect.
public protocol HTTPExecutor: Sendable {
    /// Sends a request and reads the whole answer.
    ///
    /// Called many times at once. The database stops waiting after `timeout` whatever the executor does, and cancels
    /// its task then.
    ///
    /// - Throws: if there is no answer. An answer that tells of an error is an answer.
    func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response
}
