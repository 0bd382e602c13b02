public import SpacetimeHost
public import SpacetimeSATS

/// What a procedure or a handler knows about its call, and what it can do.
///
/// It is outside of transactions: tables are reached inside of ``withTransaction(_:)`` only, and between two of them
/// anybody may have changed them.
///
/// ```swift
/// @Procedure static func translate(_ context: ProcedureContext, note: UInt64) async throws -> String {
///     let text = try await context.withTransaction { $0.db.note.id.find(note)?.text }
///     guard let text else { throw SenderError("there is no note \(note)") }
///     let answer = try await context.send(HTTP.Request(.post, "https://translate.example.com/en", text: text))
///     try await context.withTransaction { try $0.db.note.id.update(Note(id: note, text: answer.text)) }
///     return answer.text
/// }
/// ```
public struct ProcedureContext<Definition: ModuleDefinition>: Sendable {
    let call: ProcedureCall

    init(_ call: ProcedureCall) { self.call = call }

    /// The identity of the caller. The database's own in a scheduled procedure and in a handler, which have none.
    public var sender: Identity { call.caller.identity }

    /// The connection over which the call came; nil if it came over none.
    public var connectionID: ConnectionId? { call.caller.connection.isNone ? nil : call.caller.connection }

    /// The time of the call. It stands still, also when a durable procedure goes on after a restart.
    public var timestamp: Timestamp { call.timestamp }

    /// The time now, on the database's clock.
    public var now: Timestamp { call.now }

    /// The identity of the database.
    public var identity: Identity { call.identity }

    /// The owner of the database.
    public var owner: Identity { call.owner }

    /// Random numbers for this call: `Int.random(in: 1...6, using: &context.random)`. Copies share one sequence.
    ///
    /// It follows from the database's seed and the number of calls before; a durable procedure that goes on after a
    /// restart begins it anew, so that it draws the same. Not for secrets.
    public var random: ProcedureRandom {
        get { ProcedureRandom(call) }
        // All copies draw from the same generator, so there is nothing to write back.
        nonmutating set {}
    }

    /// A random UUID (version 4), from ``random``.
    public func newUUIDv4() -> Uuid {
        var random = random
        return .v4(random: UInt128(random.next()) << 64 | UInt128(random.next()))
    }

    /// A UUID (version 7) that sorts by the time of making and, within a call, by the order of making.
    public func newUUIDv7() -> Uuid {
        var random = random
        return .version7(at: now, counter: call.nextUUIDCounter(), random: random.next())
    }

    /// Writes to the module's log: `context.log.info("the answer had \(count) bytes")`.
    public var log: LogWriter { LogWriter(call) }

    // MARK: Transactions

    /// Runs a body as one transaction, on behalf of the caller, and returns what it returns.
    ///
    /// What it wrote is visible to everybody when this returns, and stays whatever becomes of the procedure; nothing of
    /// it has happened if the body throws. Suspends while another call runs. The body cannot suspend, and reducers are
    /// called in it as functions: `try Chat.send($0, room: "lobby", text: text)`.
    ///
    /// - Throws: what the body threw. ``DatabaseError`` with code `closed` or `writesRefused` if the database takes no
    ///   more writes, `procedureEnded` after the procedure has returned. `CancellationError` if it was cancelled.
    @discardableResult
    public func withTransaction<Value>(
        _ body: (borrowing Context<Definition>) throws -> Value
    ) async throws -> Value {
        try await call.withTransaction { transaction in
            let context = Context<Definition>(transaction)
            return try body(context)
        }
    }

    // MARK: The world

    /// Sends a request and waits for the whole answer, by the ``DatabaseOptions/http`` of the database.
    ///
    /// - Parameters:
    ///   - request: is sent as it is.
    ///   - timeout: how long it may take; at most three minutes.
    /// - Throws: ``DatabaseError`` with code `httpFailure` if there is no answer. An answer with a status of 400 or
    ///   more is one.
    public func send(_ request: HTTP.Request, timeout: Duration = .seconds(30)) async throws -> HTTP.Response {
        try await call.send(request, timeout: timeout)
    }

    /// Waits until the database's clock shows a time. At once if it is past.
    ///
    /// - Throws: `CancellationError` if the procedure is cancelled meanwhile, as all are when the database is closed.
    public func sleep(until time: Timestamp) async throws { try await call.sleep(until: time) }

    /// Waits for so long on the database's clock.
    public func sleep(for duration: Duration) async throws { try await call.sleep(until: call.now + duration) }

    // MARK: Steps

    /// Runs a step of a durable procedure and keeps its result: after a restart the step is not run again, and this
    /// returns what it returned then.
    ///
    /// It runs **at least once**, since the process may end between its effect and the note of it, and its result is
    /// used exactly once. The result is on disk when this returns. If the body throws, nothing is kept: the procedure
    /// may begin the step again, or let the error end it.
    ///
    /// Steps come one after the other, in the same order whenever the code runs; what decides about the order must be
    /// an argument, ``timestamp``, ``random``, or the result of an earlier step.
    ///
    /// - Parameters:
    ///   - name: what the step is called. If interrupted calls meet another name there, they do not go on.
    ///   - body: what is to be done once.
    /// - Throws: what the body threw. ``DatabaseError`` with code `stepMismatch` if the code is not what it was,
    ///   `notPossible` if the procedure is not durable or another step runs.
    @discardableResult
    public func step<Value: SpacetimeType>(
        _ name: String, _ body: () async throws -> Value
    ) async throws -> Value {
        try value(of: name, await call.step(name) { try await body().bsatn() })
    }

    /// Runs a step that has no result.
    public func step(_ name: String, _ body: () async throws -> Void) async throws {
        _ = try await call.step(name) {
            try await body()
            return []
        }
    }

    /// Runs a step that is one transaction, and keeps its result in the same: it happens **exactly once**.
    @discardableResult
    public func transactionStep<Value: SpacetimeType>(
        _ name: String, _ body: (borrowing Context<Definition>) throws -> Value
    ) async throws -> Value {
        try value(
            of: name,
            await call.transactionStep(name) { transaction in
                let context = Context<Definition>(transaction)
                return try body(context).bsatn()
            })
    }

    /// Runs a step that is one transaction and has no result.
    public func transactionStep(_ name: String, _ body: (borrowing Context<Definition>) throws -> Void) async throws {
        _ = try await call.transactionStep(name) { transaction in
            let context = Context<Definition>(transaction)
            try body(context)
            return []
        }
    }

    private func value<Value: SpacetimeType>(of step: String, _ bytes: [UInt8]) throws -> Value {
        do throws(BSATNError) { return try Value(bsatn: bytes) } catch { throw call.unreadable(step, error) }
    }
}

/// The random numbers of a procedure's call. Copies share one sequence.
public struct ProcedureRandom: RandomNumberGenerator {
    let call: ProcedureCall

    init(_ call: ProcedureCall) { self.call = call }

    public mutating func next() -> UInt64 { call.nextRandom() }
}
