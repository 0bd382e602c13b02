import SpacetimeProtocol
public import SpacetimeSATS
import Synchronization

extension DatabaseClient {
    // MARK: Calls

    /// Calls a reducer, and waits until it was carried out. The cache has what it changed by then.
    ///
    /// ```swift
    /// try await client.call("send", "lobby", "hello")
    /// ```
    ///
    /// Calls are carried out in the order in which they are made. They need not be waited for one by one: many may be under way.
    ///
    /// - Parameters:
    ///   - reducer: the name that the server calls it.
    ///   - arguments: in the order of its parameters, and of exactly their types: write `3 as UInt32` for a number.
    /// - Throws: ``ClientError``: ``ClientError/Code/rejected`` with the module's own text if the reducer threw;
    ///   ``ClientError/Code/failed`` if it could not be called; ``ClientError/Code/connectionLost`` if it is not known whether it was
    ///   carried out. `CancellationError` if the task is cancelled; the call goes on.
    public func call<each Argument: SpacetimeType>(
        _ reducer: String, _ arguments: repeat each Argument
    ) async throws {
        let bytes = encoded(repeat each arguments)
        try await call(reducer, arguments: bytes)
    }

    /// Calls a reducer with the BSATN of its arguments. See ``call(_:_:)``.
    public func call(_ reducer: String, arguments: [UInt8]) async throws {
        _ = try await engine.request { core throws(ClientError) in try core.callReducer(reducer, arguments) }.bytes()
    }

    /// Calls a reducer without waiting for it: for loops that must not. What becomes of it is told to `completion`, with the
    /// other callbacks.
    ///
    /// - Throws: ``ClientError`` if the call cannot be sent.
    public func post<each Argument: SpacetimeType>(
        _ reducer: String, _ arguments: repeat each Argument,
        completion: (@Sendable (Result<Void, ClientError>) -> Void)? = nil
    ) throws {
        let bytes = encoded(repeat each arguments)
        try post(reducer, arguments: bytes, completion: completion)
    }

    /// Calls a reducer with the BSATN of its arguments, without waiting for it. See ``post(_:_:completion:)``.
    ///
    /// - Parameters:
    ///   - reducer: the name that the server calls it.
    ///   - arguments: one behind the other.
    ///   - completion: is told what becomes of it.
    public func post(
        _ reducer: String, arguments: [UInt8], completion: (@Sendable (Result<Void, ClientError>) -> Void)? = nil
    ) throws {
        try post(completion) { core throws(ClientError) in try core.callReducer(reducer, arguments) }
    }

    /// Makes a call, whose outcome is told to `completion`.
    func post(
        _ completion: (@Sendable (Result<Void, ClientError>) -> Void)?,
        _ make: @Sendable (inout ClientCore) throws(ClientError) -> UInt32
    ) throws {
        let ticket = engine.state.withLock { $0.program.makeTicket() }
        let refusal = engine.begin(ticket, make) { outcome in
            // Nobody can cancel it, so there is an outcome.
            guard let completion, let outcome = try? outcome.get() else { return }
            do throws(ClientError) {
                _ = try outcome.bytes()
                completion(.success(()))
            } catch { completion(.failure(error)) }
        }
        if let refusal { throw refusal }
    }

    /// Calls a procedure, and waits for what it returns.
    ///
    /// ```swift
    /// let sum = try await client.callProcedure("sum", 2 as UInt32, 3 as UInt32, returning: UInt64.self)
    /// ```
    ///
    /// - Throws: ``ClientError``: ``ClientError/Code/failed`` if it could not be called or threw, ``ClientError/Code/undecodable`` if
    ///   it returned something else; see ``call(_:_:)``.
    public func callProcedure<each Argument: SpacetimeType, Value: SpacetimeType>(
        _ procedure: String, _ arguments: repeat each Argument, returning type: Value.Type
    ) async throws -> Value {
        let bytes = encoded(repeat each arguments)
        return try await callProcedure(procedure, arguments: bytes, returning: type)
    }

    /// Calls a procedure with the BSATN of its arguments. See ``callProcedure(_:_:returning:)``.
    ///
    /// - Parameters:
    ///   - procedure: the name that the server calls it.
    ///   - arguments: one behind the other.
    ///   - type: what it returns.
    public func callProcedure<Value: SpacetimeType>(
        _ procedure: String, arguments: [UInt8], returning type: Value.Type
    ) async throws -> Value {
        let outcome = try await engine.request { core throws(ClientError) in
            try core.callProcedure(procedure, arguments)
        }
        let result = try outcome.bytes()
        do throws(BSATNError) { return try Value(bsatn: result) } catch {
            throw ClientError(.undecodable, "procedure \(procedure) returned no \(Value.self): \(error)")
        }
    }

    // MARK: Queries

    /// Asks for rows once, without watching them.
    ///
    /// - Parameters:
    ///   - sql: a query of whole rows of one table, in the grammar of subscriptions.
    ///   - row: what the rows are.
    /// - Throws: ``ClientError``: ``ClientError/Code/failed`` with the server's text, ``ClientError/Code/undecodable`` if the rows are
    ///   something else; see ``call(_:_:)``.
    public func query<Row: SpacetimeType>(_ sql: String, as row: Row.Type) async throws -> [Row] {
        let outcome = try await engine.request { core throws(ClientError) in try core.query(sql) }
        var rows: [Row] = []
        for table in try outcome.tables() {
            for bytes in table.rows.rows {
                do throws(BSATNError) { rows.append(try Row(bsatn: bytes)) } catch {
                    throw ClientError(.undecodable, "a row of table \(table.table) is no \(Row.self): \(error)")
                }
            }
        }
        return rows
    }

    // MARK: Subscriptions

    /// Watches queries, and waits until the rows are in the cache.
    ///
    /// - Parameter queries: each a query of whole rows of one table. All of them are added at one point between two transactions,
    ///   or none.
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/subscription`` if the server refuses one; `CancellationError`, after
    ///   which they are not watched.
    @discardableResult
    public func subscribe(_ queries: String...) async throws -> ClientSubscription {
        let subscription = try beginSubscribing(queries)
        do { try await subscription.applied() } catch {
            subscription.cancel()
            throw error
        }
        return subscription
    }

    /// Watches queries, without waiting for the rows: for loops that must not, and before there is a connection.
    ///
    /// - Throws: ``ClientError`` if they cannot be sent.
    public func beginSubscribing(_ queries: [String]) throws(ClientError) -> ClientSubscription {
        ClientSubscription(queries, try engine.subscribe(queries), engine)
    }

    private func encoded<each Argument: SpacetimeType>(_ arguments: repeat each Argument) -> [UInt8] {
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        return writer.toArray()
    }
}

extension RequestOutcome {
    func bytes() throws(ClientError) -> [UInt8] {
        switch self {
        case .returned(let bytes): return bytes
        case .failed(let error): throw error
        // The core matches answers with requests.
        case .rows: throw ClientError(.protocolViolation, "rows came for a call")
        }
    }

    func tables() throws(ClientError) -> [V2.TableRows] {
        switch self {
        case .rows(let tables): return tables
        case .failed(let error): throw error
        case .returned: throw ClientError(.protocolViolation, "a result of a call came for a query")
        }
    }
}
