import CWasmtime
import SpacetimeHost

/// What an instance of a module lives in: all of its memory goes with it.
@safe
final class WasmtimeStore {
    private let wasmtime: Wasmtime
    private let raw: OpaquePointer

    init(_ engine: WASMEngine, _ limits: WASMLimits) {
        wasmtime = engine.wasmtime
        unsafe raw = engine.wasmtime.api.wasmtime_store_new(engine.raw, nil, nil)
        // To Wasmtime a negative number is none.
        unsafe wasmtime.api.wasmtime_store_limiter(
            raw, Int64(max(0, limits.memoryByteLimit)), Int64(max(0, limits.tableElementLimit)), 1, 64, 1)
    }

    deinit { unsafe wasmtime.api.wasmtime_store_delete(raw) }

    var context: WasmtimeContext { unsafe WasmtimeContext(wasmtime, wasmtime.api.wasmtime_store_context(raw)) }
}

/// A store, as whoever runs something in it sees it.
///
/// `@safe`: whoever has it forgets it before the store goes, see ``Guest``; and a store belongs to one thread at a time.
@safe
struct WasmtimeContext {
    private let wasmtime: Wasmtime
    private let raw: OpaquePointer

    fileprivate init(_ wasmtime: Wasmtime, _ raw: OpaquePointer) {
        self.wasmtime = wasmtime
        unsafe self.raw = raw
    }

    /// Sets after how many ticks the engine stops what runs.
    @inline(__always)
    func setDeadline(_ ticks: UInt64) { unsafe wasmtime.api.wasmtime_context_set_epoch_deadline(raw, ticks) }

    // MARK: Instances

    /// Makes an instance, which runs its start section.
    ///
    /// - Throws: why that broke off.
    func instance(of template: WasmtimeTemplate) throws(GuestTrap) -> WasmtimeInstance {
        var instance = wasmtime_instance_t()
        var trap: OpaquePointer?
        let error = unsafe wasmtime.api.wasmtime_instance_pre_instantiate(template.raw, raw, &instance, &trap)
        if let trap = unsafe GuestTrap(wasmtime, error: error, trap: trap) { throw trap }
        return WasmtimeInstance(raw: instance)
    }

    func function(named name: String, of instance: WasmtimeInstance) -> WasmtimeFunction? {
        guard let found = unsafe export(name, instance), unsafe found.kind == 0 else { return nil }
        return unsafe WasmtimeFunction(raw: found.of.func)
    }

    func memory(named name: String, of instance: WasmtimeInstance) -> WasmtimeMemory? {
        guard let found = unsafe export(name, instance), unsafe found.kind == 3 else { return nil }
        return unsafe WasmtimeMemory(raw: found.of.memory)
    }

    private func export(_ name: String, _ instance: WasmtimeInstance) -> wasmtime_extern_t? {
        var instance = instance.raw
        var found = unsafe wasmtime_extern_t()
        let isThere = unsafe wasmtime.api.wasmtime_instance_export_get(raw, &instance, name, name.utf8.count, &found)
        return unsafe isThere ? found : nil
    }

    // MARK: Running

    /// Calls a function, with the arguments in `values`, where its result is then.
    ///
    /// - Parameter function: one of an instance in this store. One of another store, or of none, ends the program.
    @inline(__always)
    func call(_ function: WasmtimeFunction, _ values: borrowing CallValues) -> Outcome {
        var function = unsafe function.raw
        var trap: OpaquePointer?
        let error = unsafe wasmtime.api.wasmtime_func_call_unchecked(
            raw, &function, values.address, CallValues.count, &trap)
        return unsafe Outcome(error: error, trap: trap)
    }

    /// What a call came to.
    @safe
    struct Outcome {
        fileprivate let error: OpaquePointer?
        fileprivate let trap: OpaquePointer?

        /// Whether it came to its end. If not, somebody has to ask for the reason, once.
        @inline(__always)
        var isWhole: Bool { unsafe error == nil && trap == nil }

        /// Why it broke off; nil if it did not.
        func reason(_ wasmtime: Wasmtime) -> GuestTrap? {
            unsafe GuestTrap(wasmtime, error: error, trap: trap)
        }
    }

    // MARK: Memory

    /// Where a memory is, and how large. Of an instance in this store: asked for one of another, the library ends the program.
    func bytes(of memory: WasmtimeMemory) -> (start: UnsafeMutableRawPointer?, count: Int) {
        var memory = memory.raw
        return unsafe (
            wasmtime.api.wasmtime_memory_data(raw, &memory).map { UnsafeMutableRawPointer($0) },
            wasmtime.api.wasmtime_memory_data_size(raw, &memory)
        )
    }
}

/// An instance of a module, in a store: a number, which nothing but the store knows the meaning of.
@safe
struct WasmtimeInstance {
    fileprivate let raw: wasmtime_instance_t
}

/// A function of an instance.
@safe
struct WasmtimeFunction {
    fileprivate let raw: wasmtime_func_t

    /// No function at all. To be called by nobody.
    static var none: WasmtimeFunction { unsafe WasmtimeFunction(raw: wasmtime_func_t()) }
}

/// A memory of an instance.
@safe
struct WasmtimeMemory {
    fileprivate let raw: wasmtime_memory_t
}

/// Arguments and results of calls into a guest.
@safe
struct CallValues: ~Copyable {
    fileprivate let address: UnsafeMutablePointer<wasmtime_val_raw_t>

    /// As many as the function with the most arguments has.
    static var count: Int { 10 }

    init() {
        unsafe address = .allocate(capacity: Self.count)
        unsafe address.initialize(repeating: wasmtime_val_raw_t(i64: 0), count: Self.count)
    }

    deinit { unsafe address.deallocate() }

    @inline(__always)
    subscript(position: Int) -> Int64 {
        get {
            precondition(position >= 0 && position < Self.count, "no function has as many arguments")
            return unsafe address[position].i64
        }
        nonmutating set {
            precondition(position >= 0 && position < Self.count, "no function has as many arguments")
            unsafe address[position].i64 = newValue
        }
    }
}
