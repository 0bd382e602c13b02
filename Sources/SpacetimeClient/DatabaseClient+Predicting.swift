package import SpacetimeSATS
import Synchronization

/// Calls whose outcome is shown before it is known, for modules that bring along what runs them.
extension DatabaseClient {
    /// What runs calls on the client's rows; made when it is first needed, and then kept up to date.
    package func predictor(_ make: () throws -> any RowPredictor) throws -> any RowPredictor {
        if let known = engine.state.withLock({ $0.core.cache.foresight.predictor }) { return known }
        let predictor = try make()
        return engine.state.withLock { state in
            state.core.cache.foresee(by: predictor)
            return state.core.cache.foresight.predictor ?? predictor
        }
    }

    /// Calls a reducer, shows what it would change, and waits until it was carried out.
    ///
    /// - Parameter timestamp: what the reducer sees as the time of the call while it is not known.
    package func predict(_ reducer: String, arguments: [UInt8], at timestamp: Timestamp) async throws {
        _ = try await engine.request { core throws(ClientError) in
            try core.predict(reducer, arguments, at: timestamp)
        }.bytes()
    }

    /// The same without waiting.
    package func postPredicting(
        _ reducer: String, arguments: [UInt8], at timestamp: Timestamp,
        completion: (@Sendable (Result<Void, ClientError>) -> Void)?
    ) throws {
        try post(completion) { core throws(ClientError) in try core.predict(reducer, arguments, at: timestamp) }
    }
}
