public import SpacetimeHost
public import SpacetimeKit
public import SpacetimeSATS
import Synchronization

extension TestDatabase {
    /// Runs a procedure on behalf of the database's owner, and waits for its result.
    ///
    /// One that sleeps does not end before somebody moves the clock: start it in a task of its own then.
    ///
    /// - Throws: what the procedure threw.
    @discardableResult
    public func call<Result: SpacetimeType, each Argument: SpacetimeType>(
        _ procedure: Procedure<Definition, Result, repeat each Argument>, _ arguments: repeat each Argument
    ) async throws -> Result {
        try await database.call(procedure, repeat each arguments)
    }

    /// Waits until every procedure that was started has ended or sleeps. Nothing happens after that until the clock
    /// moves.
    ///
    /// One that waits for anything else than the clock, such as a ``StubHTTP`` that waits itself, is waited for as well.
    public func settle() async { await database.core.procedures.settle() }

    /// Moves the clock, as `clock.advance(by:)` does, and lets procedures run whenever they are awake: what wakes up on
    /// the way goes on at that time, and has ended or sleeps again before the clock goes on.
    public func advance(by duration: Duration) async {
        let end = clock.now() + duration
        while true {
            await settle()
            // What is due now may start procedures.
            clock.advance(by: .zero)
            guard database.core.procedures.isSettled else { continue }
            guard let next = clock.nextStop(until: end) else { break }
            clock.advance(by: (next - clock.now()).duration)
        }
        clock.advance(by: (end - clock.now()).duration)
    }
}

extension TestClient {
    /// Runs a procedure on behalf of this client, and waits for its result.
    ///
    /// - Throws: what the procedure threw; `DatabaseError` with code `disconnected` after ``disconnect()``.
    @discardableResult
    public func call<Result: SpacetimeType, each Argument: SpacetimeType>(
        _ procedure: Procedure<Definition, Result, repeat each Argument>, _ arguments: repeat each Argument
    ) async throws -> Result {
        try await connection.call(procedure, repeat each arguments)
    }
}

/// Answers the requests of procedures by a closure, and keeps them.
///
/// ```swift
/// let http = StubHTTP { request in HTTP.Response(text: request.text.uppercased()) }
/// let test = try TestDatabase(Notes.self, http: http)
/// ```
///
/// A server that does not answer is played by ``noAnswer``: `StubHTTP { _ in throw StubHTTP.noAnswer }`. The procedure then
/// sleeps until its request times out, on the test's clock.
public final class StubHTTP: HTTPExecutor {
    private let sent = Mutex<[HTTP.Request]>([])
    private let answer: @Sendable (HTTP.Request) async throws -> HTTP.Response

    /// What a stub throws if no answer is to come, until the request's time is up.
    public static var noAnswer: any Error { UnansweredRequest() }

    /// - Parameter answer: called for each request; what it throws is what the procedure's request fails by.
    public init(_ answer: @escaping @Sendable (HTTP.Request) async throws -> HTTP.Response) { self.answer = answer }

    /// What was sent so far, in that order.
    public var requests: [HTTP.Request] { sent.withLock { $0 } }

    public func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
        sent.withLock { $0.append(request) }
        return try await answer(request)
    }
}
