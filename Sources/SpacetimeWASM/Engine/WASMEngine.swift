import CWasmtime
import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Wasmtime's engine, one for the whole program: it compiles modules, and stops guests whose time is over.
///
/// `Sendable` is unchecked: the engine is a constant, and Wasmtime's engines may be used by any thread.
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
            let new = try WASMEngine(try WasmtimeLibrary.load())
            engine = new
            return new
        }
    }

    private init(_ api: UnsafePointer<cwasmtime_api_t>) throws(DatabaseError) {
        wasmtime = Wasmtime(api: api)
        let config = api.pointee.wasm_config_new()
        api.pointee.wasmtime_config_epoch_interruption_set(config, true)
        api.pointee.wasmtime_config_max_wasm_stack_set(config, Self.stackByteLimit)
        api.pointee.wasmtime_config_wasm_threads_set(config, false)
        api.pointee.wasmtime_config_wasm_memory64_set(config, false)
        api.pointee.wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true)
        // Modules have none of these, and the functions that tell the types of imports and exports end the program over types
        // that come with them.
        api.pointee.wasmtime_config_wasm_gc_set(config, false)
        api.pointee.wasmtime_config_wasm_function_references_set(config, false)
        api.pointee.wasmtime_config_wasm_exceptions_set(config, false)
        api.pointee.wasmtime_config_wasm_stack_switching_set(config, false)
        api.pointee.wasmtime_config_wasm_multi_memory_set(config, false)
        // The host keeps the address of a guest's memory.
        api.pointee.wasmtime_config_memory_may_move_set(config, false)
        api.pointee.wasmtime_config_memory_init_cow_set(config, true)
        raw = api.pointee.wasm_engine_new_with_config(config)
        let engine = raw
        ticker = EpochTicker(EngineReference(raw: engine, api: api))
        fingerprint = try Self.fingerprint(wasmtime, engine)
    }

    deinit { wasmtime.api.pointee.wasm_engine_delete(raw) }

    /// Compiled code of a module without anything in it: all that is in it is about the engine.
    private static func fingerprint(_ wasmtime: Wasmtime, _ engine: OpaquePointer) throws(DatabaseError) -> [UInt8] {
        let api = wasmtime.api
        var module: OpaquePointer?
        if let error = api.pointee.wasmtime_module_new(engine, [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0], 8, &module) {
            throw unusable(wasmtime.take(error: error))
        }
        guard let module else { throw unusable("it compiles nothing") }
        defer { api.pointee.wasmtime_module_delete(module) }
        var bytes = wasm_byte_vec_t()
        if let error = api.pointee.wasmtime_module_serialize(module, &bytes) {
            throw unusable(wasmtime.take(error: error))
        }
        defer { api.pointee.wasm_byte_vec_delete(&bytes) }
        let code = Array(UnsafeBufferPointer(start: bytes.data, count: bytes.size))
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
struct EngineReference: @unchecked Sendable {
    let raw: OpaquePointer
    let api: UnsafePointer<cwasmtime_api_t>
}
