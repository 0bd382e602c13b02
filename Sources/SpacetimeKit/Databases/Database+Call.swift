public import SpacetimeHost
public import SpacetimeSATS

extension Database {
    /// Runs a reducer as one transaction, on behalf of the owner.
    ///
    /// When it returns, the changes are visible to everybody, and on disk if `level` asks for that. Blocks the thread while
    /// another call is running; in an `async` function the form that suspends is taken.
    ///
    /// - Parameters:
    ///   - reducer: a reducer of the module, as `Chat.send`.
    ///   - arguments: its arguments; the compiler checks number and types.
    ///   - level: `.durable` blocks until the commit is synced to disk.
    /// - Throws: what the reducer threw, as it is; then nothing has changed. ``DatabaseError`` with code
    ///   `nestedTransaction` if a reducer or a read of this database or of another one is running on this thread, `closed`
    ///   after ``close()``, `writesRefused` after the log has failed, `storageFailure` if the commit was made but did not
    ///   become durable.
    /// - Returns: the commit, or the last one before it if nothing changed.
    @inlinable @discardableResult
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) throws -> TxOffset {
        let offset = try _run(runner, runner.beginCall(reducer.name), reducer, repeat each arguments)
        if case .durable = level { try runner.waitUntilDurable(offset) }
        return offset
    }

    /// Runs a reducer as one transaction, on behalf of the owner.
    ///
    /// Suspends while another call is running, and blocks no thread. A call that need not wait costs what the other form
    /// costs and an asynchronous function call. Cancelling the task does not cancel the call.
    ///
    /// - Parameters:
    ///   - reducer: a reducer of the module, as `Chat.send`.
    ///   - arguments: its arguments; the compiler checks number and types.
    ///   - level: `.durable` waits until the commit is synced to disk, without blocking a thread.
    @inlinable @discardableResult
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        until level: CommitLevel = .committed
    ) async throws -> TxOffset {
        let offset = try await runner.takingLock(toWrite: true) {
            Result { try _run(runner, runner.beginCallHoldingLock(reducer.name), reducer, repeat each arguments) }
        }.get()
        if case .durable = level { try await runner.durable(offset) }
        return offset
    }

    /// Runs a reducer that is known by name, with arguments in BSATN, one after the other.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchReducer` or `badArguments` if the call was refused, else what the
    ///   reducer threw.
    @discardableResult
    public func call(_ reducer: String, arguments: [UInt8]) throws -> TxOffset {
        try runner.call(reducer, arguments: arguments, as: core.owner)
    }

    /// Runs a reducer that is known by name. Suspends while another call is running.
    @discardableResult
    public func call(_ reducer: String, arguments: [UInt8]) async throws -> TxOffset {
        try await runner.call(reducer, arguments: arguments, as: core.owner)
    }
}

/// The typed call, once it has begun. Everything in it is inlined into the caller but commit and abort.
@inlinable @inline(__always)
func _run<Definition: ModuleDefinition, each Argument: SpacetimeType>(
    _ runner: TransactionRunner, _ serial: UInt64, _ reducer: Reducer<Definition, repeat each Argument>,
    _ arguments: repeat each Argument
) throws -> TxOffset {
    // Made before `do`, not within it: the optimizer of Swift 6.3 crashes over a non-copyable temporary there.
    let context = Context<Definition>(TransactionReference(runner: runner, serial: serial))
    do {
        try reducer.body(context, repeat each arguments)
    } catch {
        runner.abortCall()
        throw error
    }
    if runner.state.recordsArguments {
        let scratch = runner.state.scratch
        scratch.beginArguments()
        repeat (each arguments).encode(to: &scratch.arguments.pointee)
    }
    return try runner.commitCall()
}
