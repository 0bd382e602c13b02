/// Queries that a client watches: over all of its connections, until they are given up or fail.
public final class ClientSubscription: Sendable {
    /// How far a subscription is.
    public enum State: Sendable, Hashable {
        /// The first rows have not come yet.
        case pending
        /// The cache has its rows.
        case active
        /// It is not watched any more; without an error, because the program wanted it.
        case ended(ClientError?)
    }

    /// The texts of the queries.
    public let queries: [String]
    let number: UInt32
    private let engine: ClientEngine

    init(_ queries: [String], _ number: UInt32, _ engine: ClientEngine) {
        self.queries = queries
        self.number = number
        self.engine = engine
    }

    deinit { engine.forgetSubscription(number) }

    /// How far it is.
    public var state: State { engine.subscriptionState(number) }

    /// Waits until all first rows are in the cache.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/subscription`` if the server refused a query, or another if the
    ///   client has ended; `CancellationError`.
    public func applied() async throws {
        let reached = try await engine.waitForSubscription(number) { $0 == .pending }
        if case .ended(let error) = reached {
            throw error ?? ClientError(.disconnected, "the subscription was given up before its rows came")
        }
    }

    /// Waits until it is not watched any more.
    ///
    /// One whose rows have come may fail later: a new module of the database may have no such table, or have made it private.
    ///
    /// - Throws: the error that the subscription ended with, none if the program has given it up; `CancellationError`.
    public func ended() async throws {
        let reached = try await engine.waitForSubscription(number) { state in
            if case .ended = state { false } else { true }
        }
        if case .ended(let error?) = reached { throw error }
    }

    /// Gives it up, without waiting until its rows have gone. While there is no connection, they stay until the next one is up to
    /// date.
    public func cancel() { engine.unsubscribe(number) }

    /// Gives it up, and waits until the rows that no other subscription delivers have gone from the cache.
    ///
    /// - Throws: the error that the subscription ended with; `CancellationError`.
    public func unsubscribe() async throws {
        engine.unsubscribe(number)
        try await ended()
    }
}
