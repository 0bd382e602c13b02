import SpacetimeHost
import SpacetimeSATS

/// Work that a client without a connection has done: for that time it is connected, as the module sees it.
struct ConnectedWork: Sendable {
    let database: HostedDatabase
    let principal: Principal

    /// Runs the module's `client_connected`, the work, and `client_disconnected`, whatever happened, and whether or not the
    /// client still waits.
    ///
    /// - Throws: if the client was not let in; what the work throws.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable (Caller) async throws(Refusal) -> Value
    ) async throws(Refusal) -> Value {
        // A task of its own is not cancelled with the one that waits for it.
        let task = Task { () -> Result<Value, Refusal> in
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
        return try await task.value.get()
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
