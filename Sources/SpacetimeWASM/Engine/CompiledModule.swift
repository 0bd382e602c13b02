import CWasmtime
import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Compiled code of a module. There is one for all databases of the program that run the same module.
///
/// `Sendable` is unchecked: the code is a constant, and Wasmtime's modules may be used by any thread.
final class CompiledModule: @unchecked Sendable {
    let engine: WASMEngine
    let raw: OpaquePointer
    /// Of the module's bytes.
    let hash: [UInt8]
    let byteCount: Int
    /// Whether the code came from the cache.
    let wasCached: Bool

    private init(_ engine: WASMEngine, _ raw: OpaquePointer, hash: [UInt8], byteCount: Int, wasCached: Bool) {
        self.engine = engine
        self.raw = raw
        self.hash = hash
        self.byteCount = byteCount
        self.wasCached = wasCached
    }

    deinit { engine.wasmtime.api.pointee.wasmtime_module_delete(raw) }

    // MARK: Sharing

    private struct Shared {
        weak var module: CompiledModule?
    }

    private static let shared = Mutex<[[UInt8]: Shared]>([:])

    /// The code of a module: what another database uses already, or from the cache, or compiled now, which takes about a
    /// second for a few megabytes.
    ///
    /// - Throws: `invalidModule` if the bytes are no module in WebAssembly.
    static func of(_ bytes: [UInt8], cache: WASMCache) throws(DatabaseError) -> CompiledModule {
        let engine = try WASMEngine.shared()
        try requireBinaryFormat(bytes)
        let hash = BLAKE3.hash(bytes)
        // Compiled without the lock: two at once would make it twice, which does no harm.
        if let known = shared.withLock({ $0[hash]?.module }) { return known }
        let new = try compile(bytes, hash, engine, CompileCache(cache, engine))
        return shared.withLock { shared in
            if let known = shared[hash]?.module { return known }
            shared = shared.filter { $0.value.module != nil }
            shared[hash] = Shared(module: new)
            return new
        }
    }

    private static func compile(
        _ bytes: [UInt8], _ hash: [UInt8], _ engine: WASMEngine, _ cache: CompileCache?
    ) throws(DatabaseError) -> CompiledModule {
        let wasmtime = engine.wasmtime
        if let raw = cache?.read(hash, { load($0, engine) }) {
            return CompiledModule(engine, raw, hash: hash, byteCount: bytes.count, wasCached: true)
        }
        var raw: OpaquePointer?
        let error = bytes.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.flatMap {
                wasmtime.api.pointee.wasmtime_module_new(engine.raw, $0, bytes.count, &raw)
            }
        }
        if let error {
            throw DatabaseError(
                .invalidModule,
                "the bytes are no module in WebAssembly that can be run: \(Self.line(wasmtime.take(error: error)))"
            )
        }
        guard let raw else { throw DatabaseError(.invalidModule, "the module in WebAssembly has no bytes") }
        let module = CompiledModule(engine, raw, hash: hash, byteCount: bytes.count, wasCached: false)
        if let cache { module.store(in: cache) }
        return module
    }

    /// Says what a file is that is obviously not the right one.
    private static func requireBinaryFormat(_ bytes: [UInt8]) throws(DatabaseError) {
        if bytes.starts(with: "\0asm".utf8) { return }
        let reason =
            if bytes.isEmpty {
                "there are none"
            } else if bytes.drop(while: { $0 <= 0x20 }).starts(with: "(".utf8) {
                "they are text; compile it, with 'wasm-tools parse' or the like"
            } else {
                "they do not begin as one does; is it the right file?"
            }
        throw DatabaseError(.invalidModule, "the bytes are no module in WebAssembly: \(reason)")
    }

    /// An error's causes, which are lines, in one.
    private static func line(_ text: String) -> String {
        text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty && $0 != "Caused by:" }
            .joined(separator: ": ")
    }

    /// Nil if the code is none of this engine. It is copied.
    private static func load(_ code: UnsafeRawBufferPointer, _ engine: WASMEngine) -> OpaquePointer? {
        var raw: OpaquePointer?
        guard let bytes = code.assumingMemoryBound(to: UInt8.self).baseAddress else { return nil }
        if let error = engine.wasmtime.api.pointee.wasmtime_module_deserialize(engine.raw, bytes, code.count, &raw) {
            _ = engine.wasmtime.take(error: error)
        }
        return raw
    }

    private func store(in cache: CompileCache) {
        var code = wasm_byte_vec_t()
        if let error = engine.wasmtime.api.pointee.wasmtime_module_serialize(raw, &code) {
            _ = engine.wasmtime.take(error: error)
            return
        }
        defer { engine.wasmtime.api.pointee.wasm_byte_vec_delete(&code) }
        cache.write(UnsafeRawBufferPointer(start: code.data, count: code.size), hash)
    }
}
