import Hummingbird
import SpacetimeHost
import SpacetimeSATS
import SpacetimeSchema

/// Calls of reducers and procedures.
extension HTTPService {
    func call(
        _ segment: String, _ function: String, _ exchange: Exchange, _ principal: Principal
    ) async throws(Refusal) -> Response {
        let arguments = try await exchange.jsonBytes(limit: options.bodyByteLimit)
        let database = try database(segment)
        let call = FunctionCall(database: database, name: function, arguments: arguments)
        try checkRate(of: call, exchange, principal)
        let outcome = try await ConnectedWork(database: database, principal: principal).run {
            caller throws(Refusal) in try await call.run(caller)
        }
        return outcome.response
    }

    /// - Throws: 429 if the caller has to wait before he may call the reducer again.
    private func checkRate(of call: FunctionCall, _ exchange: Exchange, _ principal: Principal) throws(Refusal) {
        let core = call.database.core
        let rates = core.rates(
            server.limits(of: principal, in: call.database),
            of: principal.isAnonymous ? .stranger(exchange.origin) : .identity(principal.identity),
            in: call.database.callRates)
        let reducers = core.catalog.schema.reducers
        guard !rates.isEmpty, let reducer = call.reducer, let position = reducers.firstIndex(of: reducer),
            let wait = rates.admit(position, at: .now())
        else { return }
        server.metrics.refused(by: .reducerRate)
        let seconds = (wait.nanoseconds + 999_999_999) / 1_000_000_000
        throw Refusal(
            429, ReducerRates.refusal(of: reducer.name, wait: wait), headers: ["retry-after": "\(seconds)"])
    }
}

/// A call of whatever has a name: a reducer, else a procedure.
struct FunctionCall: Sendable {
    let database: HostedDatabase
    /// As the client wrote it.
    let name: String
    /// JSON.
    let arguments: [UInt8]

    /// How a call ended that could be made.
    enum Outcome: Sendable {
        /// The reducer's changes are visible.
        case committed(Duration)
        /// The reducer failed, for this reason; its changes are undone.
        case failed(String, Duration)
        /// The procedure's result, as JSON.
        case returned([UInt8], Duration)
    }

    private var schema: ModuleSchema { database.core.catalog.schema }

    /// The reducer that is meant; nil if there is none of the name.
    var reducer: ReducerSchema? { schema.reducer(named: name) }

    /// - Throws: if there is nothing of the name that the caller may call, or not with these arguments; if a procedure fails.
    func run(_ caller: Caller) async throws(Refusal) -> Outcome {
        let isOwner = caller.identity == database.owner
        if let reducer {
            if let lifecycle = reducer.lifecycle {
                throw Refusal(400, "can't directly call special \(lifecycle.clientName) lifecycle reducer")
            }
            if reducer.isClientCallable || isOwner { return try await call(reducer, caller) }
        }
        guard let procedure = schema.procedure(named: name), procedure.isClientCallable || isOwner else {
            throw Refusal(404, "No such procedure")
        }
        return try await call(procedure, caller)
    }

    private func call(_ reducer: ReducerSchema, _ caller: Caller) async throws(Refusal) -> Outcome {
        let bytes = try argumentBytes(reducer.parametersType, "reducer")
        let began = ContinuousClock.now
        do {
            _ = try await database.withCore { try await $0.runner.call(reducer.name, arguments: bytes, as: caller) }
            return .committed(ContinuousClock.now - began)
        } catch {
            if let unavailable = Refusal(unavailable: error) { throw unavailable }
            return .failed(FailureText.of(error), ContinuousClock.now - began)
        }
    }

    private func call(_ procedure: ProcedureSchema, _ caller: Caller) async throws(Refusal) -> Outcome {
        let bytes = try argumentBytes(procedure.parametersType, "procedure")
        let began = ContinuousClock.now
        do {
            let result = try await database.core.procedures.call(procedure.name, arguments: bytes, as: caller)
            let value = try AlgebraicValue(bsatn: result, type: procedure.returnType, in: schema.typespace)
            let text = try value.json(style: .untyped, type: procedure.returnType, in: schema.typespace)
            return .returned(Array(text.utf8), ContinuousClock.now - began)
        } catch {
            if let unavailable = Refusal(unavailable: error) { throw unavailable }
            throw Refusal(500, FailureText.of(error))
        }
    }

    private func argumentBytes(_ type: ProductType, _ kind: String) throws(Refusal) -> [UInt8] {
        do throws(JSONError) {
            let json = try JSON(parsing: arguments)
            return try AlgebraicValue(json: json, type: .product(type), in: schema.typespace).bsatn()
        } catch {
            let names = type.elements.compactMap(\.name).joined(separator: ", ")
            throw Refusal(
                400, "invalid arguments for \(kind) \(name): \(error); it takes [\(names)], as a JSON array or object")
        }
    }
}

extension FunctionCall.Outcome {
    fileprivate var response: Response {
        switch self {
        case .committed(let duration):
            Response.empty().with(.spacetimeEnergyUsed, "0").took(duration)
        case .failed(let text, let duration):
            Response.text(530, text).with(.spacetimeEnergyUsed, "0").took(duration)
        case .returned(let json, let duration):
            Response.bytes(200, json, type: "application/json").took(duration)
        }
    }
}

extension ModuleSchema {
    /// The reducer of that canonical name, else of that source name.
    fileprivate func reducer(named name: String) -> ReducerSchema? {
        reducers.first { $0.name == name } ?? reducers.first { $0.sourceName == name }
    }

    /// The procedure of that canonical name, else of that source name.
    fileprivate func procedure(named name: String) -> ProcedureSchema? {
        procedures.first { $0.name == name } ?? procedures.first { $0.sourceName == name }
    }
}
