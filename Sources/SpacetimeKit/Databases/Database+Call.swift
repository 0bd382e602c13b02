public import SpacetimeHost
public import SpacetimeSATS

extension Database {
    /// Runs a reducer as one transaction, on behalf of the owner.
    ///
    /// When it returns, the changes are visible to everybody. Waits for a call that another thread is making.
    ///
    /// - Throws: what the reducer threw, as it is; then nothing has changed. ``DatabaseError`` with code
    ///   `nestedTransaction` if a reducer or a read is running on this thread.
    @inlinable
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument
    ) throws {
        try _run(core, core.beginCall(reducer.name), reducer, repeat each arguments)
    }

    /// Runs a reducer as one transaction, on behalf of the owner.
    @inlinable
    public func call<each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument
    ) async throws {
        try _run(core, core.beginCall(reducer.name), reducer, repeat each arguments)
    }

    /// Runs a reducer that is known by name, with arguments in BSATN, one after the other.
    ///
    /// - Throws: ``DatabaseError`` with code `noSuchReducer` or `badArguments` if the call was refused, else what the
    ///   reducer threw.
    public func call(_ reducer: String, arguments: [UInt8]) throws {
        try core.call(reducer, arguments: arguments, as: core.owner)
    }
}

/// The typed call, once it has begun. Everything in it is inlined into the caller but commit and abort.
@inlinable @inline(__always)
func _run<Definition: ModuleDefinition, each Argument: SpacetimeType>(
    _ core: DatabaseCore, _ serial: UInt64, _ reducer: Reducer<Definition, repeat each Argument>,
    _ arguments: repeat each Argument
) throws {
    // Made before `do`, not within it: the optimizer of Swift 6.3 crashes over a non-copyable temporary there.
    let context = Context<Definition>(TransactionReference(core: core, serial: serial))
    do {
        try reducer.body(context, repeat each arguments)
    } catch {
        core.abortCall()
        throw error
    }
    if core.state.pointee.recordsArguments {
        let scratch = core.argumentScratch
        scratch.pointee.removeAll(keepingCapacity: true)
        repeat (each arguments).encode(to: &scratch.pointee)
    }
    try core.commitCall()
}
