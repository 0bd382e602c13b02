import CWasmtime
import SpacetimeHost

// Memory safety, here and in the other files of this folder, which alone see the library's pointers. The table of functions was
// filled before anybody saw it, stays where it is, and never changes. Each object of the library's belongs to one value in
// Swift, which gives it back when it goes; what the library lends is read before what it belongs to is given back.

/// Wasmtime's functions.
///
/// `Sendable` is unchecked: see above; the two types are constants.
@safe
struct Wasmtime: @unchecked Sendable {
    private let functions: UnsafePointer<cwasmtime_api_t>
    // Never given back: there is one engine.
    private let (i32, i64): (OpaquePointer, OpaquePointer)

    /// - Parameter functions: what the loader has found, see ``WasmtimeLibrary``.
    init(_ functions: UnsafePointer<cwasmtime_api_t>) {
        unsafe self.functions = functions
        unsafe (i32, i64) = (functions.pointee.wasm_valtype_new(0), functions.pointee.wasm_valtype_new(1))
    }

    /// The functions, where they lie.
    var api: cwasmtime_api_t {
        @inline(__always) unsafeAddress { unsafe functions }
    }

    // MARK: Texts

    /// The text in a vector of bytes that goes on being the library's.
    static func text(_ bytes: UnsafePointer<wasm_byte_vec_t>?, limit: Int = .max) -> String? {
        guard let bytes = unsafe bytes, let data = unsafe bytes.pointee.data else { return nil }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: data, count: min(bytes.pointee.size, limit)), as: UTF8.self)
    }

    /// What an error says; it is given back.
    func take(error: OpaquePointer) -> String {
        defer { unsafe api.wasmtime_error_delete(error) }
        return unsafe LibraryBytes(self) { unsafe api.wasmtime_error_message(error, &$0) }.text
    }

    /// A trap that stops a guest, for a function of the host to return.
    func trap(_ message: String) -> OpaquePointer {
        unsafe api.wasmtime_trap_new(message, message.utf8.count)
    }

    // MARK: Types of functions

    /// The types of a function, as a text: `"iiI>i"` takes two i32 and an i64, and returns an i32.
    typealias Signature = String

    /// Calls a body with a type of functions.
    func withType<Result>(_ signature: Signature, _ body: (OpaquePointer) -> Result) -> Result {
        let parts = signature.split(separator: ">", omittingEmptySubsequences: false)
        var parameters = unsafe values(parts[0])
        var results = unsafe values(parts.count > 1 ? parts[1] : "")
        // It takes the two lists over.
        let type = unsafe api.wasm_functype_new(&parameters, &results)
        defer { unsafe api.wasm_functype_delete(type) }
        return unsafe body(type)
    }

    private func values(_ kinds: Substring) -> wasm_valtype_vec_t {
        let list = unsafe kinds.map { unsafe api.wasm_valtype_new($0 == "I" ? 1 : 0) }
        var vector = unsafe wasm_valtype_vec_t()
        unsafe list.withUnsafeBufferPointer { unsafe api.wasm_valtype_vec_new(&vector, $0.count, $0.baseAddress) }
        return unsafe vector
    }

    /// The types of a function as a text; values that no function of the host has are `?`.
    func signature(_ type: OpaquePointer) -> Signature {
        unsafe text(api.wasm_functype_params(type)) + ">" + text(api.wasm_functype_results(type))
    }

    private func text(_ types: UnsafePointer<wasm_valtype_vec_t>) -> String {
        guard let data = unsafe types.pointee.data else { return "" }
        return unsafe String(
            UnsafeBufferPointer(start: data, count: types.pointee.size).map { type -> Character in
                // Asked for its kind, the library ends the program over a vector.
                if unsafe api.wasmtime_wasm_valtype_equal(type, i32) { return "i" }
                return unsafe api.wasmtime_wasm_valtype_equal(type, i64) ? "I" : "?"
            })
    }
}

/// Bytes that the library has allocated.
@safe
struct LibraryBytes: ~Copyable {
    private let vector: wasm_byte_vec_t
    private let wasmtime: Wasmtime

    /// - Parameter fill: has the library put its bytes there; if it puts none, there are none.
    init<Failure: Error>(
        _ wasmtime: Wasmtime, _ fill: (inout wasm_byte_vec_t) throws(Failure) -> Void
    ) throws(Failure) {
        var vector = unsafe wasm_byte_vec_t()
        try unsafe fill(&vector)
        unsafe self.vector = vector
        self.wasmtime = wasmtime
    }

    deinit {
        var vector = unsafe vector
        unsafe wasmtime.api.wasm_byte_vec_delete(&vector)
    }

    var array: [UInt8] {
        unsafe Array(UnsafeBufferPointer(start: vector.data, count: vector.data == nil ? 0 : vector.size))
    }

    /// As a text. Messages of traps end as texts of C do; that is left out.
    var text: String {
        var bytes = array
        while bytes.last == 0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
