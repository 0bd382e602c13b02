import CWasmtime
import SpacetimeHost
import SpacetimeSATS
import Synchronization

// Memory safety. The engine is made by `init` and given back by `deinit`; what uses it keeps it.

/// Wasmtime's engine, one for the whole program: it compiles modules, and stops guests whose time is over.
///
/// `Sendable` is unchecked: the engine is a constant, and Wasmtime's engines may be used by any thread.
@safe
final class WASMEngine: @unchecked Sendable {
    let wasmtime: Wasmtime
    let raw: OpaquePointer
    let ticker: EpochTicker
    /// What compiled code must have been made by to be run: version of the engine, its settings, and the processor. Two
    /// engines with the same one run each other's code. A hash.
    let fingerprint: [UInt8]

    /// How much stack a guest's calls may take. Less than the threads of any platform have.
    static let stackByteLimit = 512 << 10
    /// What the host itself needs beneath a guest's calls.
    static let stackReserve = 192 << 10

    private static let state = Mutex<WASMEngine?>(nil)

    /// The engine; the library is loaded if it has not been. A failure is not kept: somebody may install the library.
    static func shared() throws(DatabaseError) -> WASMEngine {
        try state.withLock { engine throws(DatabaseError) in
            if let engine { return engine }
            let new = try WASMEngine(try WasmtimeLibrary.load(), InstancePool())
            engine = new
            return new
        }
    }

    /// To be kept for as long as the program runs, see ``EpochTicker``.
    ///
    /// - Parameter pool: for the memories of guests, if it is possible.
    init(_ wasmtime: Wasmtime, _ pool: InstancePool?) throws(DatabaseError) {
        self.wasmtime = wasmtime
        let config = unsafe Self.config(wasmtime)
        if let pool, pool.isPossible { unsafe pool.set(config, wasmtime) }
        let engine = unsafe wasmtime.api.wasm_engine_new_with_config(config)
        unsafe raw = engine
        ticker = EpochTicker(unsafe EpochCounter(wasmtime, raw: engine))
        fingerprint = unsafe try Self.fingerprint(wasmtime, engine)
    }

    deinit { unsafe wasmtime.api.wasm_engine_delete(raw) }

    /// The settings, which the engine takes over.
    private static func config(_ wasmtime: Wasmtime) -> OpaquePointer {
        let config = unsafe wasmtime.api.wasm_config_new()
        unsafe wasmtime.api.wasmtime_config_epoch_interruption_set(config, true)
        unsafe wasmtime.api.wasmtime_config_max_wasm_stack_set(config, stackByteLimit)
        unsafe wasmtime.api.wasmtime_config_wasm_threads_set(config, false)
        unsafe wasmtime.api.wasmtime_config_wasm_memory64_set(config, false)
        unsafe wasmtime.api.wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true)
        // Modules have none of these, and the functions that tell the types of imports and exports end the program over types
        // that come with them.
        unsafe wasmtime.api.wasmtime_config_wasm_gc_set(config, false)
        unsafe wasmtime.api.wasmtime_config_wasm_function_references_set(config, false)
        unsafe wasmtime.api.wasmtime_config_wasm_exceptions_set(config, false)
        unsafe wasmtime.api.wasmtime_config_wasm_stack_switching_set(config, false)
        unsafe wasmtime.api.wasmtime_config_wasm_multi_memory_set(config, false)
        // The host keeps the address of a guest's memory.
        unsafe wasmtime.api.wasmtime_config_memory_may_move_set(config, false)
        unsafe wasmtime.api.wasmtime_config_memory_init_cow_set(config, true)
        return unsafe config
    }

    /// Compiled code of a module without anything in it: all that is in it is about the engine.
    private static func fingerprint(_ wasmtime: Wasmtime, _ engine: OpaquePointer) throws(DatabaseError) -> [UInt8] {
        let code: [UInt8]
        do throws(WasmtimeModule.Refusal) {
            code = try unsafe WasmtimeModule(wasmtime, engine, compiling: [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0])
                .serialized()
        } catch {
            throw unusable(error.reason ?? "it compiles nothing")
        }
        guard isOfVersion50(code) else {
            throw unusable("it is of another version, whose values have other layouts")
        }
        return BLAKE3.hash(code)
    }

    /// Whether compiled code says that Wasmtime 50 made it: the version, and then the platform, each behind its length.
    private static func isOfVersion50(_ code: [UInt8]) -> Bool {
        let platforms = ["x86_64-", "aarch64-"].map { Array($0.utf8) }
        return code.indices.dropLast(16).contains { start in
            code[start] == 2 && code[start + 1] == 0x35 && code[start + 2] == 0x30
                && platforms.contains { code[(start + 4)...].starts(with: $0) }
        }
    }

    private static func unusable(_ reason: String) -> DatabaseError {
        WasmtimeLibrary.missing(["the library that was loaded cannot be used: \(reason)"])
    }
}

/// What the ticker needs of the engine, which owns the ticker and outlives its thread.
///
/// `Sendable` is unchecked, as of the engine.
@safe
struct EpochCounter: @unchecked Sendable {
    private let wasmtime: Wasmtime
    private let raw: OpaquePointer

    fileprivate init(_ wasmtime: Wasmtime, raw: OpaquePointer) {
        self.wasmtime = wasmtime
        unsafe self.raw = raw
    }

    /// Whatever has its deadline now is stopped.
    func increment() { unsafe wasmtime.api.wasmtime_engine_increment_epoch(raw) }
}
