public import SpacetimeClient
import SpacetimeHost
public import SpacetimeKit
public import SpacetimeSATS

extension DatabaseClient {
    /// Calls a reducer of a module that the program shares with the server, shows at once what it would change, and waits until it was
    /// carried out.
    ///
    /// ```swift
    /// try await client.predict(Chat.send, "lobby", "hello")
    /// ```
    ///
    /// The reducer runs here on the rows that are in the cache, and what it would insert, update and delete is seen from then on as if
    /// the server had said so: by reads, callbacks and sequences alike. When the answer comes, the server's rows take the place of
    /// those that were foreseen; if they are the same, nothing is told. If the call is refused or lost, they are taken back. Of several
    /// calls under way each runs on what those before it have left, again and again while rows come from the server.
    ///
    /// The first call takes a copy of the cached rows, which is kept up to date from then on. Each call, and each message that comes
    /// while calls are under way, costs a run of all of them, with the client's lock held: this is for reducers that take microseconds.
    /// See <doc:PredictingCalls>.
    ///
    /// - Parameters:
    ///   - reducer: a reducer of the module.
    ///   - arguments: its arguments; the compiler checks number and types.
    /// - Throws: as `call`; and `DatabaseError` if the module's definition breaks rules, before anything is sent.
    public func predict<Definition: ModuleDefinition, each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument
    ) async throws {
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        guard try isForeseen(Definition.self) else { return try await call(reducer, repeat each arguments) }
        do {
            try await predict(wireName(reducer.name), arguments: writer.toArray(), at: predictedTime)
        } catch { throw Self.moduleError(error) }
    }

    /// Calls a reducer and shows at once what it would change, without waiting for the server: for loops that must not.
    ///
    /// With `ClientOptions.Delivery.onFrameTick` reads see what is foreseen at once, and callbacks are told in the next tick.
    ///
    /// - Parameters:
    ///   - reducer: a reducer of the module.
    ///   - arguments: its arguments.
    ///   - completion: is told what `predict` would throw.
    /// - Throws: `ClientError` if the call cannot be sent.
    public func post<Definition: ModuleDefinition, each Argument: SpacetimeType>(
        predicting reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        completion: (@Sendable (Result<Void, any Error>) -> Void)? = nil
    ) throws {
        guard try isForeseen(Definition.self) else {
            return try post(reducer, repeat each arguments, completion: completion)
        }
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        try postPredicting(wireName(reducer.name), arguments: writer.toArray(), at: predictedTime) { outcome in
            completion?(outcome.mapError { Self.moduleError($0) })
        }
    }

    /// Whether this module's calls are run here: a client has one database, and so one module.
    private func isForeseen<Definition: ModuleDefinition>(_ module: Definition.Type) throws -> Bool {
        let predictor = try predictor { try ModulePredictor(module) }
        return (predictor as? ModulePredictor)?.module == ObjectIdentifier(module)
    }

    /// What the server's clock shows when a call arrives that is made now, as far as is known.
    private var predictedTime: Timestamp { serverTime?.now ?? SystemClock().now() }
}
