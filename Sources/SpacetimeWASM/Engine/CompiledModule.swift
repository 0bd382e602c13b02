import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// Compiled code of a module. There is one for all databases of the program that run the same module.
final class CompiledModule: Sendable {
    let engine: WASMEngine
    let code: WasmtimeModule
    /// Of the module's bytes.
    let hash: [UInt8]
    let byteCount: Int
    /// Whether the code came from the cache.
    let wasCached: Bool

    private init(_ engine: WASMEngine, _ code: WasmtimeModule, hash: [UInt8], byteCount: Int, wasCached: Bool) {
        self.engine = engine
        self.code = code
        self.hash = hash
        self.byteCount = byteCount
        self.wasCached = wasCached
    }

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

    /// Without looking for what others use.
    static func compile(
        _ bytes: [UInt8], _ hash: [UInt8], _ engine: WASMEngine, _ cache: CompileCache?
    ) throws(DatabaseError) -> CompiledModule {
        // What the cache hands out an engine like this one has made: that is what it checks.
        if let code = unsafe cache?.read(hash, { code in unsafe try? WasmtimeModule(engine, trusting: code) }) {
            return CompiledModule(engine, code, hash: hash, byteCount: bytes.count, wasCached: true)
        }
        let code: WasmtimeModule
        do throws(WasmtimeModule.Refusal) { code = try WasmtimeModule(engine, compiling: bytes) } catch {
            guard let reason = error.reason else {
                throw DatabaseError(.invalidModule, "the module in WebAssembly has no bytes")
            }
            throw DatabaseError(
                .invalidModule,
                "the bytes are no module in WebAssembly that can be run: \(line(reason).cut(toByteCount: 2_000))")
        }
        // If that fails it is compiled again the next time.
        if let cache, let bytes = try? code.serialized() { cache.write(bytes, hash) }
        return CompiledModule(engine, code, hash: hash, byteCount: bytes.count, wasCached: false)
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
}
