import CWasmtime
import SpacetimeHost
import SpacetimeSATS

/// One instance of a module, with a memory of its own, and what it takes to make it anew.
///
/// It belongs to one thread at a time: whoever runs it has taken it out of a ``GuestLane`` or a ``GuestPool``.
///
/// A guest that traps cannot go on: its memory may be in any state. Only the instance is thrown away then; functions,
/// types and code stay, and the memory is a copy-on-write image, so that the next instance is there within microseconds.
final class Guest {
    let program: WASMProgram
    // In this order they go: the instance before the functions of the host that it has, and those before what they work on.
    private var store: WasmtimeStore?
    private let template: WasmtimeTemplate
    private let linker: WasmtimeLinker
    private let owner: GuestStateOwner
    /// What the host's functions work on.
    let reference: GuestReference
    /// By which the ticker knows that the guest runs.
    private let registration: EpochTicker.Registration
    /// Arguments and results of calls.
    private let values: CallValues

    /// - Parameter identity: the database's.
    /// - Throws: `invalidModule` if the module does not fit the functions of the host.
    init(_ program: WASMProgram, identity: Identity) throws(DatabaseError) {
        let engine = program.engine
        let registration = EpochTicker.Registration(engine.ticker)
        let owner = GuestStateOwner(
            GuestState(engine, registration.time, program.limits, identity: identity, seed: program.seed))
        let linker = WasmtimeLinker(engine)
        for function in program.shape.imports { try linker.define(function, for: owner.reference) }
        let template = try linker.template(of: program.code.code)
        self.template = template
        values = CallValues()
        self.program = program
        self.registration = registration
        reference = owner.reference
        self.owner = owner
        self.linker = linker
    }

    deinit { endCall() }

    /// What the host's functions work on.
    var state: GuestState {
        @inline(__always) unsafeAddress { unsafe reference.constantAddress }
        @inline(__always) unsafeMutableAddress { unsafe reference.address }
    }

    // MARK: Starting

    /// Throws the instance away.
    private func stop() {
        store = nil
        state.forgetInstance()
    }

    /// Whether it was stopped, and its instance is still to be thrown away.
    var isStopped: Bool { store != nil && state.context == nil }

    /// Hands out the instance if it was stopped, so that somebody else may throw it away.
    func takeStopped() -> WasmtimeStore? {
        guard isStopped else { return nil }
        defer { store = nil }
        return store
    }

    /// Throws the instance away if it was stopped: its memory may be large.
    func discardStopped() { if isStopped { stop() } }

    /// Of the database that it runs for.
    var identity: Identity { state.identity }

    /// Makes the instance, if there is none.
    ///
    /// - Returns: what the module said when it was asked to describe itself; nil if there is an instance already.
    /// - Throws: `invalidModule` if the module does not start.
    @discardableResult
    func start() throws(DatabaseError) -> [UInt8]? {
        if state.context != nil { return nil }
        stop()
        try requireStack()
        let limits = program.limits
        let store = WasmtimeStore(program.engine, limits)
        self.store = store
        let context = store.context
        state.context = context
        state.activity = .start
        state.random = DeterministicRandom(seed: program.seed)
        state.timers = ConsoleTimers()
        // Those of a start that failed were told by its error; a guest that fails with each call would gather them.
        state.earlyLines = []
        beginTime(context, program.startTicks, isNew: true)
        state.time.begin()
        defer { state.time.end() }
        do throws(DatabaseError) {
            let description = try initialize(context)
            endCall()
            return description
        } catch {
            endCall()
            stop()
            throw error
        }
    }

    private func initialize(_ context: WasmtimeContext) throws(DatabaseError) -> [UInt8] {
        let instance: WasmtimeInstance
        do throws(GuestTrap) { instance = try context.instance(of: template) } catch {
            if InstancePool.isExhausted(error.message) {
                throw DatabaseError(
                    .limitReached,
                    "there is no room for another guest in this program (\(error.message)); try again when procedures or "
                        + "databases have ended")
            }
            throw broken("it cannot be instantiated", error)
        }
        guard let memory = context.memory(named: "memory", of: instance) else { throw broken("it has no memory") }
        state.exportedMemory = memory
        state.lookAtMemory()
        let shape = program.shape
        for name in (shape.hasInitialize ? [ModuleShape.initialize] : []) + shape.initializers {
            _ = try runStart(name, 0, instance, context)
        }
        if shape.hasSetup { try setUp(instance, context) }
        openSinks(1)
        _ = try runStart(ModuleShape.describe, 1, instance, context)
        state.exports = exports(instance, context)
        return state.sinks[0].bytes
    }

    private func setUp(_ instance: WasmtimeInstance, _ context: WasmtimeContext) throws(DatabaseError) {
        openSinks(1)
        switch try runStart(ModuleShape.setup, 1, instance, context) {
        case 0: break
        case 1: throw broken("its '\(ModuleShape.setup)' says: \(sinkText(0))")
        case let code: throw broken("its '\(ModuleShape.setup)' returned \(code)")
        }
        closeSinks()
    }

    /// Calls a function that the module starts with.
    ///
    /// - Parameter argument: for one that takes one; else 0.
    private func runStart(
        _ name: String, _ argument: Int64, _ instance: WasmtimeInstance, _ context: WasmtimeContext
    ) throws(DatabaseError) -> Int32 {
        guard let function = context.function(named: name, of: instance) else { throw broken("it has no '\(name)'") }
        values[0] = argument
        let outcome = context.call(function, values)
        if let trap = outcome.reason(program.engine.wasmtime) { throw broken("its '\(name)' broke off", trap) }
        return Int32(truncatingIfNeeded: values[0])
    }

    private func broken(_ what: String, _ trap: GuestTrap) -> DatabaseError {
        let reason =
            trap.isInterrupt
            ? "it took longer than \(program.limits.startDuration), which is WASMLimits.startDuration" : trap.message
        return broken("\(what): \(reason)\(limitHint(trap.message))\(Self.text(of: trap.trace))")
    }

    /// Which limit it is that a module runs into which cannot even be started.
    private func limitHint(_ reason: String) -> String {
        if reason.contains("exceeds memory limits") {
            return "; WASMLimits.memoryByteLimit is \(program.limits.memoryByteLimit) bytes"
        }
        if reason.contains("exceeds table limits") {
            return "; WASMLimits.tableElementLimit is \(program.limits.tableElementLimit)"
        }
        return ""
    }

    private static func text(of trace: [LogRecord.Frame]) -> String {
        trace.prefix(8).map { "\n    in \($0.function ?? "?")" }.joined()
    }

    /// - Parameter reason: may be the module's own words, or have its names.
    private func broken(_ reason: String) -> DatabaseError {
        let reason = reason.cut(toByteCount: 8_000)
        return DatabaseError(.invalidModule, "the module in WebAssembly does not start: \(reason)\(startLines)")
    }

    /// The last lines that the module wrote to the log while it was started, for errors: there is no log yet. Empty if it
    /// wrote none.
    var startLines: String {
        let lines = state.earlyLines.suffix(3).map { "\n    it says: \($0.message.cut(toByteCount: 1_000))" }
        return lines.joined()
    }

    private func exports(_ instance: WasmtimeInstance, _ context: WasmtimeContext) -> GuestExports {
        func function(_ name: String) -> WasmtimeFunction {
            guard program.shape.functions.contains(name) else { return .none }
            return context.function(named: name, of: instance) ?? .none
        }
        return GuestExports(
            reducer: function(ModuleShape.reducer), procedure: function(ModuleShape.procedure),
            view: function(ModuleShape.view), anonymousView: function(ModuleShape.anonymousView),
            handler: function(ModuleShape.handler))
    }

    // MARK: Calls

    /// Less stack than a guest may use, and the program would run over the end of it.
    @inline(__always)
    func requireStack() throws(DatabaseError) {
        if cwasmtime_remaining_stack() < WASMEngine.stackByteLimit + WASMEngine.stackReserve { throw Self.noStack() }
    }

    @inline(never)
    private static func noStack() -> DatabaseError {
        DatabaseError(
            .moduleFailure,
            "a module in WebAssembly was called with \(cwasmtime_remaining_stack()) bytes of stack left, and needs "
                + "\(WASMEngine.stackByteLimit + WASMEngine.stackReserve); call from a thread with a larger stack, and not "
                + "from deep within other calls")
    }

    /// - Parameter isNew: the instance is, and has no deadline yet.
    @inline(__always)
    private func beginTime(_ context: WasmtimeContext, _ ticks: UInt64, isNew: Bool = false) {
        state.logBytesLeft = state.limits.logByteLimit
        let deadline = state.time.ticks &+ ticks
        // Most calls begin in the same tick as the one before, and then have its deadline.
        if state.deadline == deadline, !isNew { return }
        context.setDeadline(ticks)
        state.deadline = deadline
    }

    /// Prepares a call: there is an instance, and nothing of an earlier call is left.
    @inline(__always)
    func beginCall(_ activity: GuestActivity, _ transaction: TransactionReference?) throws(DatabaseError) {
        if state.context == nil { try start() }
        try requireStack()
        state.activity = activity
        state.transaction = transaction
        state.immediateCallsLeft = state.limits.immediateCallLimit
        state.writtenBytesLeft = state.limits.writtenByteLimit
        state.immediateBytesLeft = state.limits.resultByteLimit
        if !state.earlyLines.isEmpty { reference.writeEarlyLines() }
    }

    /// Gives a call's bytes to the guest, without copying them. They have to stay where they are until the call ends.
    ///
    /// - Returns: the number of the source; 0 if there are none.
    @unsafe
    @inline(__always)
    func lend(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        if bytes.count == 0 { return 0 }
        state.sources.append(unsafe ByteSource(borrowing: bytes))
        return Int64(state.sources.count)
    }

    /// Two at most.
    @inline(__always)
    func openSinks(_ count: Int) { state.sinkCount = count }

    /// What the guest has written to a sink, as text.
    func sinkText(_ sink: Int) -> String { String(decoding: state.sinks[sink].bytes, as: UTF8.self) }

    @inline(__always)
    private func closeSinks() {
        state.sinkCount = 0
        if state.hasWritten { emptySinks() }
    }

    @inline(never)
    private func emptySinks() {
        state.hasWritten = false
        for sink in state.sinks.indices {
            if state.sinks[sink].bytes.capacity > Self.keptByteLimit {
                state.sinks[sink].bytes = []
            } else {
                state.sinks[sink].bytes.removeAll(keepingCapacity: true)
            }
        }
    }

    /// Memory for more bytes than this is given back after a call.
    private static let keptByteLimit = 64 << 10

    /// Forgets all that belongs to the call that is over.
    @inline(__always)
    func endCall() {
        for position in 0..<state.sources.count { state.sources[position].free() }
        state.sources.removeAll()
        state.answerCount = 0
        state.answerByteCount = 0
        closeSinks()
        state.iterators.removeAll()
        state.transaction = nil
        state.activity = .none
    }

    /// Sets an argument of the call to come.
    @inline(__always)
    func set(_ position: Int, _ value: Int64) { values[position] = value }

    /// Sets four arguments to an identity.
    @inline(__always)
    func set(_ position: Int, _ identity: Identity) {
        // It is its bytes, of which there are 32.
        unsafe withUnsafeBytes(of: identity) { words in
            for word in 0..<4 {
                values[position + word] = unsafe words.loadUnaligned(fromByteOffset: word * 8, as: Int64.self)
            }
        }
    }

    /// Calls a function of the guest, with the arguments that were set.
    ///
    /// - Parameter function: one of those of the instance, which it has.
    /// - Returns: its result.
    /// - Throws: why it was stopped. There is no instance any more then.
    @inline(__always)
    func run(_ function: WasmtimeFunction) throws -> Int32 {
        guard let context = state.context else {
            throw DatabaseError(.internalInconsistency, "a module in WebAssembly was called that is not there")
        }
        beginTime(context, program.callTicks)
        state.time.begin()
        let outcome = context.call(function, values)
        state.time.end()
        if !outcome.isWhole { throw stopped(outcome) }
        return Int32(truncatingIfNeeded: values[0])
    }

    @inline(never)
    private func stopped(_ outcome: WasmtimeContext.Outcome) -> any Error {
        let cause = state.failure
        state.failure = nil
        let trap = outcome.reason(program.engine.wasmtime)
        let reason =
            trap?.isInterrupt == true
            ? "it ran for longer than \(program.limits.callDuration), the limit of a call" : trap?.message ?? ""
        if !(cause is CancellationError) {
            reference.currentLog?.append(
                .panic, "the module was stopped: \(reason)", function: reference.currentFunctionName,
                trace: trap?.trace ?? [])
        }
        if state.transaction != nil { try? state.procedure?.rollBack() }
        endCall()
        state.forgetInstance()
        return cause
            ?? DatabaseError(
                .moduleFailure,
                "the module was stopped, and what the call did was undone: \(reason). The log has where it happened")
    }
}
