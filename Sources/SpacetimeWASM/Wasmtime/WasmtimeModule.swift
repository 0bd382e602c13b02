import CWasmtime
import SpacetimeHost
import SpacetimeSATS

/// Code that the library has compiled, and runs for any number of stores.
///
/// `Sendable` is unchecked: the code is a constant, and Wasmtime's modules may be used by any thread.
@safe
final class WasmtimeModule: @unchecked Sendable {
    let wasmtime: Wasmtime
    let raw: OpaquePointer

    private init(_ wasmtime: Wasmtime, owning raw: OpaquePointer) {
        self.wasmtime = wasmtime
        unsafe self.raw = raw
    }

    deinit { unsafe wasmtime.api.wasmtime_module_delete(raw) }

    /// Why there is no code.
    struct Refusal: Error {
        /// What the library says; nil if it said nothing, and made nothing.
        let reason: String?
    }

    /// Compiles a module in WebAssembly's binary format.
    convenience init(_ engine: WASMEngine, compiling bytes: [UInt8]) throws(Refusal) {
        try unsafe self.init(engine.wasmtime, engine.raw, compiling: bytes)
    }

    /// The same while the engine is being made.
    convenience init(_ wasmtime: Wasmtime, _ engine: OpaquePointer, compiling bytes: [UInt8]) throws(Refusal) {
        let module = try unsafe bytes.withBytes { bytes throws(Refusal) in
            try unsafe Self.make(wasmtime, bytes) { start, count, module in
                unsafe wasmtime.api.wasmtime_module_new(engine, start, count, &module)
            }
        }
        unsafe self.init(wasmtime, owning: module)
    }

    /// Takes over compiled code, of which a copy is made. It is run without being looked at: whoever calls this knows that an
    /// engine like this one has made it.
    @unsafe
    convenience init(_ engine: WASMEngine, trusting code: UnsafeRawBufferPointer) throws(Refusal) {
        let module = try unsafe Self.make(engine.wasmtime, code) { start, count, module in
            unsafe engine.wasmtime.api.wasmtime_module_deserialize(engine.raw, start, count, &module)
        }
        unsafe self.init(engine.wasmtime, owning: module)
    }

    private static func make(
        _ wasmtime: Wasmtime, _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafePointer<UInt8>, Int, inout OpaquePointer?) -> OpaquePointer?
    ) throws(Refusal) -> OpaquePointer {
        var module: OpaquePointer?
        guard let start = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress else {
            throw Refusal(reason: nil)
        }
        if let error = unsafe body(start, bytes.count, &module) {
            throw Refusal(reason: unsafe wasmtime.take(error: error))
        }
        guard let module = unsafe module else { throw Refusal(reason: nil) }
        return unsafe module
    }

    /// The compiled code, for ``init(_:trusting:)``.
    func serialized() throws(Refusal) -> [UInt8] {
        unsafe try LibraryBytes(wasmtime) { bytes throws(Refusal) in
            if let error = unsafe wasmtime.api.wasmtime_module_serialize(raw, &bytes) {
                throw Refusal(reason: unsafe wasmtime.take(error: error))
            }
        }.array
    }

    // MARK: What it imports and exports

    /// What a module asks for, or has to offer.
    struct Port {
        /// Of an import: the module that it is asked of.
        let module: String
        let name: String
        let kind: Kind
        /// Of a function.
        let signature: Wasmtime.Signature?

        enum Kind: UInt8 {
            case function = 0
            case global, table, memory
        }
    }

    var imports: [Port] {
        var list = unsafe wasm_importtype_vec_t()
        unsafe wasmtime.api.wasmtime_module_imports(raw, &list)
        defer { unsafe wasmtime.api.wasm_importtype_vec_delete(&list) }
        let entries = unsafe UnsafeBufferPointer(start: list.data, count: list.data == nil ? 0 : list.size)
        return unsafe entries.map { entry in
            unsafe port(
                wasmtime.api.wasm_importtype_type(entry), wasmtime.api.wasm_importtype_name(entry),
                of: Wasmtime.text(wasmtime.api.wasm_importtype_module(entry)) ?? "")
        }
    }

    var exports: [Port] {
        var list = unsafe wasm_exporttype_vec_t()
        unsafe wasmtime.api.wasmtime_module_exports(raw, &list)
        defer { unsafe wasmtime.api.wasm_exporttype_vec_delete(&list) }
        let entries = unsafe UnsafeBufferPointer(start: list.data, count: list.data == nil ? 0 : list.size)
        return unsafe entries.map { entry in
            unsafe port(
                wasmtime.api.wasm_exporttype_type(entry), wasmtime.api.wasm_exporttype_name(entry), of: "")
        }
    }

    private func port(_ type: OpaquePointer, _ name: UnsafePointer<wasm_byte_vec_t>, of module: String) -> Port {
        unsafe Port(
            module: module, name: Wasmtime.text(name) ?? "",
            kind: Port.Kind(rawValue: wasmtime.api.wasm_externtype_kind(type)) ?? .global,
            signature: wasmtime.api.wasm_externtype_as_functype_const(type).map { unsafe wasmtime.signature($0) })
    }
}
