import SpacetimeHost
import SpacetimeSATS

/// Work that a client without a connection has done: for that time it is connected, as the module sees it.
struct ConnectedWork: Sendable {
    let database: HostedDatabase
    let principal: Principal

    /// Runs the module's `client_connected`, the work, and `client_disconnected`, whatever happened, and whether or not the
    /// client still waits.
    ///
    /// - Throws: if the client was not let in; what the work throws; 503 if the task that waits is cancelled, because the client
    ///   has gone, or because the server ends, which cannot wait for procedures that may sleep as long as they like.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable (Caller) async throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        let (outcomes, feed) = AsyncStream.makeStream(of: Result<Value, Refusal>.self)
        // A task of its own is not cancelled with the one that waits for it.
        Task { feed.yield(await perform(work)) }
        for await outcome in outcomes { return try outcome.get() }
        throw Refusal(
            503, "the server ends, or nobody waits for the answer any more; what was asked for may still be done")
    }

    private func perform<Value: Sendable>(
        _ work: @Sendable (Caller) async throws(Refusal) -> Value
    ) async -> Result<Value, Refusal> {
        do throws(Refusal) {
            let caller = try await connect()
            let outcome: Result<Value, Refusal>
            do throws(Refusal) { outcome = .success(try await work(caller)) } catch { outcome = .failure(error) }
            // Its failure is for the module's log; the client has its answer.
            if caller.connection != .none {
                _ = try? await database.withCore { try await $0.connections.disconnect(caller) }
            }
            return outcome
        } catch { return .failure(error) }
    }

    private func connect() async throws(Refusal) -> Caller {
        do {
            return try await database.withCore {
                try await $0.connections.connect(principal.identity, credentials: principal.claims)
            }
        } catch {
            // Whoever looks after a database whose disk has failed has to see what is in it. Others could be some that the
            // module would not have let in.
            if (error as? DatabaseError)?.code == .writesRefused, principal.identity == database.owner {
                return Caller(identity: principal.identity)
            }
            if let unavailable = Refusal(unavailable: error) { throw unavailable }
            let isTrap = (error as? DatabaseError)?.code == .moduleFailure
            throw Refusal(isTrap ? 500 : 403, FailureText.of(error))
        }
    }
}

extension Refusal {
    /// 503 if the database takes no calls, so that it was no fault of the call's; else nil.
    init?(unavailable error: any Error) {
        if error is CancellationError {
            self.init(503, FailureText.of(error))
            return
        }
        guard let error = error as? DatabaseError,
            [.closed, .writesRefused, .storageFailure].contains(error.code)
        else { return nil }
        self.init(503, error.message)
    }
}
