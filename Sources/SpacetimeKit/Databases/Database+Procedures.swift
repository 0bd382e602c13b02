public import SpacetimeHost
public import SpacetimeSATS

extension Database {
    /// Runs a procedure on behalf of the owner, and waits for its result.
    ///
    /// It runs as a task of its own. Cancelling the task that waits cancels it, unless it is durable, which goes on by
    /// itself.
    ///
    /// - Parameters:
    ///   - procedure: a procedure of the module, as `Chat.summarise`.
    ///   - arguments: its arguments; the compiler checks number and types.
    ///   - level: `.durable` waits until the last commit that it made is synced to disk.
    /// - Throws: what the procedure threw, as it is; the transactions that it had made before stay. ``DatabaseError``
    ///   with code `limitReached` if too many run (``DatabaseOptions/procedureLimit``), `closed` after ``close()``.
    @discardableResult
    public func call<Result: SpacetimeType, each Argument: SpacetimeType>(
        _ procedure: Procedure<Definition, Result, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) async throws -> Result {
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        return try await core.result(of: procedure.name, writer.toArray(), as: core.owner, until: level)
    }

    /// Runs a procedure that is known by name, with arguments in BSATN, one after the other.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchProcedure` or `badArguments` if the call was refused, else what the
    ///   procedure threw.
    /// - Returns: BSATN of the result.
    public func callProcedure(
        _ procedure: String, arguments: [UInt8], until level: CommitLevel = .committed
    ) async throws -> [UInt8] {
        try await core.procedures.call(procedure, arguments: arguments, as: core.owner, until: level)
    }

    /// Has the module answer an HTTP request, as a server would: by the handler whose method and path it has.
    ///
    /// Throws nothing: what goes wrong is told by the status. 404 if no handler answers such requests, 500 if the
    /// handler threw (``DatabaseOptions/onProcedureFailure`` is told why), 503 if the database was closed or too much
    /// runs.
    ///
    /// - Parameters:
    ///   - request: what the client sent.
    ///   - path: what paths of handlers are compared with, if it is not the path of the request's URL, because a server
    ///     adds something in front.
    public func handle(_ request: HTTP.Request, path: String? = nil) async -> HTTP.Response {
        await core.handle(request, path: path)
    }

    /// The durable procedures that were called and have not ended. Linear in them and their steps.
    public func durableCalls() throws -> [DurableCall] { try core.procedures.durableCalls() }

    /// The durable procedures that were called and have not ended. Suspends while another call is running.
    public func durableCalls() async throws -> [DurableCall] { try await core.procedures.durableCalls() }

    /// Ends a durable procedure where it stands: cancels it if it runs, and forgets it. For those that cannot go on.
    ///
    /// - Parameter id: as ``durableCalls()`` lists it.
    /// - Returns: false if there is none.
    @discardableResult
    public func removeDurableCall(_ id: UInt64) async throws -> Bool {
        try await core.procedures.removeDurableCall(id)
    }
}

extension Connection {
    /// Runs a procedure on behalf of this client, and waits for its result.
    ///
    /// Cancelling the task that waits cancels it, unless it is durable. Ending the connection does not.
    ///
    /// - Throws: as ``Database/call(_:_:until:)``; also ``DatabaseError`` with code `disconnected`.
    @discardableResult
    public func call<Result: SpacetimeType, each Argument: SpacetimeType>(
        _ procedure: Procedure<Definition, Result, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) async throws -> Result {
        try requireOpen()
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        return try await core.result(of: procedure.name, writer.toArray(), as: caller, until: level)
    }

    /// Runs a procedure that is known by name, with arguments in BSATN, one after the other.
    ///
    /// - Throws: as ``Database/callProcedure(_:arguments:until:)``; also ``DatabaseError`` with code `disconnected`.
    public func callProcedure(
        _ procedure: String, arguments: [UInt8], until level: CommitLevel = .committed
    ) async throws -> [UInt8] {
        try requireOpen()
        return try await core.procedures.call(procedure, arguments: arguments, as: caller, until: level)
    }
}

extension DatabaseCore {
    fileprivate func result<Result: SpacetimeType>(
        of procedure: StaticString, _ arguments: [UInt8], as caller: Caller, until level: CommitLevel
    ) async throws -> Result {
        let bytes = try await procedures.call(source: procedure, arguments: arguments, as: caller, until: level)
        do throws(BSATNError) { return try Result(bsatn: bytes) } catch {
            throw DatabaseError(
                .internalInconsistency, "the result of '\(procedure)' is not of its type: \(error)", cause: error)
        }
    }
}
