import CWasmtime
import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// One instance of a module, with a memory of its own, and what it takes to make it anew.
///
/// It belongs to one thread at a time: whoever runs it has taken it out of a ``GuestLane`` or a ``GuestPool``.
///
/// A guest that traps cannot go on: its memory may be in any state. Only the instance is thrown away then; functions,
/// types and code stay, and the memory is a copy-on-write image, so that the next instance is there within microseconds.
final class Guest {
    let program: WASMProgram
    let state: UnsafeMutablePointer<GuestState>
    /// Arguments and results of calls.
    private let values: UnsafeMutablePointer<wasmtime_val_raw_t>
    private let linker: OpaquePointer
    private let template: OpaquePointer
    private var store: OpaquePointer?
    /// By which the ticker knows that the guest runs.
    private let activity: EpochTicker.Activity

    private var api: UnsafePointer<cwasmtime_api_t> { state.pointee.api }

    static let valueCount = 10

    /// - Parameter identity: the database's.
    /// - Throws: `invalidModule` if the module does not fit the functions of the host.
    init(_ program: WASMProgram, identity: Identity) throws(DatabaseError) {
        self.program = program
        let engine = program.engine
        let api = engine.wasmtime.api
        activity = engine.ticker.register()
        let state = UnsafeMutablePointer<GuestState>.allocate(capacity: 1)
        state.initialize(
            to: GuestState(
                engine, GuestTime(engine.ticker, activity), program.limits, identity: identity, seed: program.seed))
        self.state = state
        values = .allocate(capacity: Self.valueCount)
        values.initialize(repeating: wasmtime_val_raw_t(i64: 0), count: Self.valueCount)
        linker = api.pointee.wasmtime_linker_new(engine.raw)
        do throws(DatabaseError) {
            for function in program.shape.imports { try Self.define(function, linker, state, engine) }
            template = try Self.template(linker, program)
        } catch {
            engine.ticker.unregister(activity)
            api.pointee.wasmtime_linker_delete(linker)
            state.pointee.deallocate()
            state.deinitialize(count: 1).deallocate()
            values.deallocate()
            throw error
        }
    }

    deinit {
        stop()
        program.engine.ticker.unregister(activity)
        api.pointee.wasmtime_instance_pre_delete(template)
        api.pointee.wasmtime_linker_delete(linker)
        endCall()
        state.pointee.deallocate()
        state.deinitialize(count: 1).deallocate()
        values.deallocate()
    }

    private static func define(
        _ function: HostFunction, _ linker: OpaquePointer, _ state: UnsafeMutablePointer<GuestState>,
        _ engine: WASMEngine
    ) throws(DatabaseError) {
        let (module, name) = (Array(function.module.utf8CString), Array(function.name.utf8CString))
        let type = engine.wasmtime.functionType(function.signature)
        defer { engine.wasmtime.api.pointee.wasm_functype_delete(type) }
        let error = module.withUnsafeBufferPointer { module in
            name.withUnsafeBufferPointer { name in
                engine.wasmtime.api.pointee.wasmtime_linker_define_func_unchecked(
                    linker, module.baseAddress.unsafelyUnwrapped, module.count - 1, name.baseAddress.unsafelyUnwrapped,
                    name.count - 1, type, function.body, state, nil)
            }
        }
        if let error { throw DatabaseError(.moduleFailure, engine.wasmtime.take(error: error)) }
    }

    private static func template(
        _ linker: OpaquePointer, _ program: WASMProgram
    ) throws(DatabaseError) -> OpaquePointer {
        var template: OpaquePointer?
        let wasmtime = program.engine.wasmtime
        if let error = wasmtime.api.pointee.wasmtime_linker_instantiate_pre(linker, program.code.raw, &template) {
            throw DatabaseError(
                .invalidModule, "the module in WebAssembly cannot be linked: \(wasmtime.take(error: error))")
        }
        guard let template else { throw DatabaseError(.moduleFailure, "the module in WebAssembly cannot be linked") }
        return template
    }

    // MARK: Starting

    /// Throws the instance away.
    private func stop() {
        if let store { api.pointee.wasmtime_store_delete(store) }
        store = nil
        forgetInstance()
    }

    /// Nothing can be done with the instance any more, but to throw it away.
    private func forgetInstance() {
        state.pointee.context = nil
        state.pointee.base = nil
        state.pointee.byteCount = 0
    }

    /// Whether it was stopped, and its instance is still to be thrown away.
    var isStopped: Bool { store != nil && state.pointee.context == nil }

    /// Throws the instance away if it was stopped: its memory may be large.
    func discardStopped() { if isStopped { stop() } }

    /// Of the database that it runs for.
    var identity: Identity { state.pointee.identity }

    /// Makes the instance, if there is none.
    ///
    /// - Returns: what the module said when it was asked to describe itself; nil if there is an instance already.
    /// - Throws: `invalidModule` if the module does not start.
    @discardableResult
    func start() throws(DatabaseError) -> [UInt8]? {
        if state.pointee.context != nil { return nil }
        stop()
        try requireStack()
        let limits = program.limits
        let store = api.pointee.wasmtime_store_new(program.engine.raw, nil, nil)
        self.store = store
        // To Wasmtime a negative number is none.
        api.pointee.wasmtime_store_limiter(
            store, Int64(max(0, limits.memoryByteLimit)), Int64(max(0, limits.tableElementLimit)), 1, 64, 1)
        let context = api.pointee.wasmtime_store_context(store)
        state.pointee.context = context
        state.pointee.activity = .start
        state.pointee.random = DeterministicRandom(seed: program.seed)
        state.pointee.timers = ConsoleTimers()
        beginTime(context, program.startTicks, isNew: true)
        state.pointee.time.begin()
        defer { state.pointee.time.end() }
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

    private func initialize(_ context: OpaquePointer) throws(DatabaseError) -> [UInt8] {
        var instance = wasmtime_instance_t()
        var trap: OpaquePointer?
        // That of the instance before, if there was one, is gone.
        state.pointee.hasMemory = false
        let error = api.pointee.wasmtime_instance_pre_instantiate(template, context, &instance, &trap)
        try requireStarted("it cannot be instantiated", error, trap)
        guard let memory = export("memory", instance, context), memory.kind == 3 else {
            throw broken("it has no memory")
        }
        state.pointee.memory = memory.of.memory
        state.pointee.hasMemory = true
        state.lookAtMemory()
        let shape = program.shape
        for name in (shape.hasInitialize ? [ModuleShape.initialize] : []) + shape.initializers {
            _ = try runStart(name, [], instance, context)
        }
        if shape.hasSetup { try setUp(instance, context) }
        openSinks(1)
        _ = try runStart(ModuleShape.describe, [1], instance, context)
        state.pointee.exports = exports(instance, context)
        return state.pointee.sinks[0].bytes
    }

    private func setUp(_ instance: wasmtime_instance_t, _ context: OpaquePointer) throws(DatabaseError) {
        openSinks(1)
        switch try runStart(ModuleShape.setup, [1], instance, context) {
        case 0: break
        case 1: throw broken("its '\(ModuleShape.setup)' says: \(sinkText(0))")
        case let code: throw broken("its '\(ModuleShape.setup)' returned \(code)")
        }
        closeSinks()
    }

    /// Calls a function that the module starts with.
    private func runStart(
        _ name: String, _ arguments: [Int32], _ instance: wasmtime_instance_t, _ context: OpaquePointer
    ) throws(DatabaseError) -> Int32 {
        guard let function = export(name, instance, context), function.kind == 0 else {
            throw broken("it has no '\(name)'")
        }
        var target = function.of.func
        values[0].i64 = 0
        for (position, argument) in arguments.enumerated() { values[position].i64 = Int64(argument) }
        var trap: OpaquePointer?
        let error = api.pointee.wasmtime_func_call_unchecked(context, &target, values, 1, &trap)
        try requireStarted("its '\(name)' broke off", error, trap)
        return values[0].i32
    }

    private func requireStarted(
        _ what: String, _ error: OpaquePointer?, _ trap: OpaquePointer?
    ) throws(DatabaseError) {
        guard let trap = GuestTrap(program.engine.wasmtime, error: error, trap: trap) else { return }
        let reason =
            trap.isInterrupt
            ? "it took longer than \(program.limits.startDuration), which is WASMLimits.startDuration" : trap.message
        throw broken("\(what): \(reason)\(limitHint(trap.message))\(Self.text(of: trap.trace))")
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

    private func broken(_ reason: String) -> DatabaseError {
        DatabaseError(.invalidModule, "the module in WebAssembly does not start: \(reason)\(startLines)")
    }

    /// The last lines that the module wrote to the log while it was started, for errors: there is no log yet. Empty if it
    /// wrote none.
    var startLines: String {
        let lines = state.pointee.earlyLines.suffix(3).map { "\n    it says: \($0.message.prefix(1_000))" }
        return lines.joined()
    }

    private func exports(_ instance: wasmtime_instance_t, _ context: OpaquePointer) -> GuestExports {
        func function(_ name: String) -> wasmtime_func_t {
            guard program.shape.functions.contains(name), let found = export(name, instance, context), found.kind == 0
            else { return wasmtime_func_t() }
            return found.of.func
        }
        return GuestExports(
            reducer: function(ModuleShape.reducer), procedure: function(ModuleShape.procedure),
            view: function(ModuleShape.view), anonymousView: function(ModuleShape.anonymousView),
            handler: function(ModuleShape.handler))
    }

    private func export(
        _ name: String, _ instance: wasmtime_instance_t, _ context: OpaquePointer
    ) -> wasmtime_extern_t? {
        var (instance, found) = (instance, wasmtime_extern_t())
        let isThere = name.withCString {
            api.pointee.wasmtime_instance_export_get(context, &instance, $0, name.utf8.count, &found)
        }
        return isThere ? found : nil
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
    private func beginTime(_ context: OpaquePointer, _ ticks: UInt64, isNew: Bool = false) {
        state.pointee.logBytesLeft = state.pointee.limits.logByteLimit
        let deadline = state.pointee.time.ticks &+ ticks
        // Most calls begin in the same tick as the one before, and then have its deadline.
        if state.pointee.deadline == deadline, !isNew { return }
        api.pointee.wasmtime_context_set_epoch_deadline(context, ticks)
        state.pointee.deadline = deadline
    }

    /// Prepares a call: there is an instance, and nothing of an earlier call is left.
    @inline(__always)
    func beginCall(_ activity: GuestActivity, _ transaction: TransactionReference?) throws(DatabaseError) {
        if state.pointee.context == nil { try start() }
        try requireStack()
        state.pointee.activity = activity
        state.pointee.transaction = transaction
        state.pointee.immediateCallsLeft = state.pointee.limits.immediateCallLimit
        state.pointee.writtenBytesLeft = state.pointee.limits.writtenByteLimit
        state.pointee.immediateBytesLeft = state.pointee.limits.resultByteLimit
        if !state.pointee.earlyLines.isEmpty { state.writeEarlyLines() }
    }

    /// Gives a call's bytes to the guest, without copying them.
    ///
    /// - Returns: the number of the source; 0 if there are none.
    @inline(__always)
    func lend(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        if bytes.isEmpty { return 0 }
        state.pointee.sources.append(ByteSource(borrowing: bytes))
        return Int64(state.pointee.sources.count)
    }

    /// Two at most.
    @inline(__always)
    func openSinks(_ count: Int) { state.pointee.sinkCount = count }

    /// What the guest has written to a sink, as text.
    func sinkText(_ sink: Int) -> String { String(decoding: state.pointee.sinks[sink].bytes, as: UTF8.self) }

    @inline(__always)
    private func closeSinks() {
        state.pointee.sinkCount = 0
        if state.pointee.hasWritten { emptySinks() }
    }

    @inline(never)
    private func emptySinks() {
        state.pointee.hasWritten = false
        for sink in state.pointee.sinks.indices {
            if state.pointee.sinks[sink].bytes.capacity > Self.keptByteLimit {
                state.pointee.sinks[sink].bytes = []
            } else {
                state.pointee.sinks[sink].bytes.removeAll(keepingCapacity: true)
            }
        }
    }

    /// Memory for more bytes than this is given back after a call.
    private static let keptByteLimit = 64 << 10

    /// Forgets all that belongs to the call that is over.
    @inline(__always)
    func endCall() {
        for position in 0..<state.pointee.sources.count { state.pointee.sources[position].free() }
        state.pointee.sources.removeAll()
        closeSinks()
        state.pointee.iterators.removeAll()
        state.pointee.transaction = nil
        state.pointee.activity = .none
    }

    /// Sets an argument of the call to come.
    @inline(__always)
    func set(_ position: Int, _ value: Int64) { values[position].i64 = value }

    /// Sets four arguments to an identity.
    @inline(__always)
    func set(_ position: Int, _ identity: Identity) {
        withUnsafeBytes(of: identity) { words in
            for word in 0..<4 {
                values[position + word].i64 = words.loadUnaligned(fromByteOffset: word * 8, as: Int64.self)
            }
        }
    }

    /// Calls a function of the guest, with the arguments that were set.
    ///
    /// - Parameter function: one of those of the instance, which it has.
    /// - Returns: its result.
    /// - Throws: why it was stopped. There is no instance any more then.
    @inline(__always)
    func run(_ function: UnsafeMutablePointer<wasmtime_func_t>) throws -> Int32 {
        guard let context = state.pointee.context else {
            throw DatabaseError(.internalInconsistency, "a module in WebAssembly was called that is not there")
        }
        beginTime(context, program.callTicks)
        var trap: OpaquePointer?
        state.pointee.time.begin()
        let error = api.pointee.wasmtime_func_call_unchecked(context, function, values, Self.valueCount, &trap)
        state.pointee.time.end()
        if error != nil || trap != nil { throw stopped(error, trap) }
        return values[0].i32
    }

    @inline(never)
    private func stopped(_ error: OpaquePointer?, _ trap: OpaquePointer?) -> any Error {
        let cause = state.pointee.failure
        state.pointee.failure = nil
        let trap = GuestTrap(program.engine.wasmtime, error: error, trap: trap)
        let reason =
            trap?.isInterrupt == true
            ? "it ran for longer than \(program.limits.callDuration), the limit of a call" : trap?.message ?? ""
        if !(cause is CancellationError) {
            state.currentLog?.append(
                .panic, "the module was stopped: \(reason)", function: state.currentFunctionName,
                trace: trap?.trace ?? [])
        }
        if state.pointee.transaction != nil { try? state.pointee.procedure?.rollBack() }
        endCall()
        forgetInstance()
        return cause
            ?? DatabaseError(
                .moduleFailure,
                "the module was stopped, and what the call did was undone: \(reason). The log has where it happened")
    }
}
