import CWasmtime
import SpacetimeHost

/// Wasmtime's functions, and what its values and errors are in Swift.
///
/// `Sendable` is unchecked: the table of functions was filled before anybody saw it, and never changes.
struct Wasmtime: @unchecked Sendable {
    let api: UnsafePointer<cwasmtime_api_t>
    // Never given back: there is one engine.
    private let (i32, i64): (OpaquePointer, OpaquePointer)

    init(api: UnsafePointer<cwasmtime_api_t>) {
        self.api = api
        (i32, i64) = (api.pointee.wasm_valtype_new(0), api.pointee.wasm_valtype_new(1))
    }

    /// The types of a function, as a text: `"iiI>i"` takes two i32 and an i64, and returns an i32.
    typealias Signature = String

    // MARK: Texts

    /// The text in a vector of bytes that goes on being the library's.
    static func text(_ bytes: UnsafePointer<wasm_byte_vec_t>?) -> String? {
        guard let bytes, let data = bytes.pointee.data else { return nil }
        return String(decoding: UnsafeBufferPointer(start: data, count: bytes.pointee.size), as: UTF8.self)
    }

    /// The text in a vector of bytes, which is given back.
    func take(_ bytes: inout wasm_byte_vec_t) -> String {
        defer { api.pointee.wasm_byte_vec_delete(&bytes) }
        var text = withUnsafePointer(to: bytes) { Self.text($0) } ?? ""
        // Messages of traps end as texts of C do.
        while text.utf8.last == 0 { text.removeLast() }
        return text
    }

    /// What an error says; it is given back.
    func take(error: OpaquePointer) -> String {
        defer { api.pointee.wasmtime_error_delete(error) }
        var message = wasm_byte_vec_t()
        api.pointee.wasmtime_error_message(error, &message)
        return take(&message)
    }

    // MARK: Types of functions

    /// A type of functions, which the caller has to delete.
    func functionType(_ signature: Signature) -> OpaquePointer {
        let parts = signature.split(separator: ">", omittingEmptySubsequences: false)
        var parameters = values(parts[0])
        var results = values(parts.count > 1 ? parts[1] : "")
        return api.pointee.wasm_functype_new(&parameters, &results)
    }

    private func values(_ kinds: Substring) -> wasm_valtype_vec_t {
        let list = kinds.map { api.pointee.wasm_valtype_new($0 == "I" ? 1 : 0) }
        var vector = wasm_valtype_vec_t()
        list.withUnsafeBufferPointer { api.pointee.wasm_valtype_vec_new(&vector, $0.count, $0.baseAddress) }
        return vector
    }

    /// The types of a function as a text; values that no function of the host has are `?`.
    func signature(_ type: OpaquePointer) -> Signature {
        text(api.pointee.wasm_functype_params(type)) + ">" + text(api.pointee.wasm_functype_results(type))
    }

    private func text(_ types: UnsafePointer<wasm_valtype_vec_t>) -> String {
        guard let data = types.pointee.data else { return "" }
        return String(
            UnsafeBufferPointer(start: data, count: types.pointee.size).map { type -> Character in
                // Asked for its kind, the library ends the program over a vector.
                if api.pointee.wasmtime_wasm_valtype_equal(type, i32) { return "i" }
                return api.pointee.wasmtime_wasm_valtype_equal(type, i64) ? "I" : "?"
            })
    }
}

/// Why a guest's code broke off.
struct GuestTrap: Error {
    let message: String
    /// Innermost first.
    let trace: [LogRecord.Frame]
    /// Its time was over.
    let isInterrupt: Bool

    /// Takes over what a call came to; nil if it came to its end.
    init?(_ wasmtime: Wasmtime, error: OpaquePointer?, trap: OpaquePointer?) {
        let api = wasmtime.api
        // Frames point into the error or the trap: they are read, and given back, before that is.
        var frames = wasm_frame_vec_t()
        if let error {
            // A function of the host stopped it.
            api.pointee.wasmtime_error_wasm_trace(error, &frames)
            trace = Self.take(&frames, wasmtime)
            isInterrupt = false
            message = Self.reason(wasmtime.take(error: error))
            if let trap { api.pointee.wasm_trap_delete(trap) }
        } else if let trap {
            api.pointee.wasm_trap_trace(trap, &frames)
            trace = Self.take(&frames, wasmtime)
            var code: UInt8 = 0
            isInterrupt = api.pointee.wasmtime_trap_code(trap, &code) && code == 10
            var text = wasm_byte_vec_t()
            api.pointee.wasm_trap_message(trap, &text)
            message = Self.reason(wasmtime.take(&text))
            api.pointee.wasm_trap_delete(trap)
        } else {
            return nil
        }
    }

    private static func take(_ frames: inout wasm_frame_vec_t, _ wasmtime: Wasmtime) -> [LogRecord.Frame] {
        let api = wasmtime.api
        defer { api.pointee.wasm_frame_vec_delete(&frames) }
        return UnsafeBufferPointer(start: frames.data, count: frames.data == nil ? 0 : frames.size)
            .prefix(traceLimit).map { frame in
                LogRecord.Frame(
                    module: name(api.pointee.wasmtime_frame_module_name(frame)),
                    function: name(api.pointee.wasmtime_frame_func_name(frame))
                        ?? "function \(api.pointee.wasm_frame_func_index(frame))")
            }
    }

    /// What a module calls its functions can be as long as the module is.
    private static func name(_ bytes: UnsafePointer<wasm_byte_vec_t>?) -> String? {
        guard let bytes, let data = bytes.pointee.data else { return nil }
        let start = UnsafeBufferPointer(start: data, count: min(bytes.pointee.size, nameByteLimit))
        return String(decoding: start, as: UTF8.self)
    }

    private static let nameByteLimit = 1_024

    /// More calls than these are not shown.
    private static let traceLimit = 100

    /// The reason without the trace, which Wasmtime writes into the text, too. By bytes: a module may be stopped often.
    private static func reason(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let mark = Array("Caused by:".utf8)
        guard bytes.starts(with: "error while executing".utf8),
            let start = bytes.indices.first(where: { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) })
        else { return String(decoding: bytes.prefix { $0 != newline }, as: UTF8.self) }
        let lines = bytes[(start + mark.count)...].split(separator: newline).map { line in
            // Several causes are numbered: `0: …`.
            let cause = line.drop { $0 == UInt8(ascii: " ") }
            let rest = cause.drop { (0x30...0x39).contains($0) }
            return rest.count < cause.count && rest.starts(with: ": ".utf8) ? rest.dropFirst(2) : cause
        }
        return String(decoding: Array(lines.filter { !$0.isEmpty }.joined(separator: ": ".utf8)), as: UTF8.self)
    }

    private static var newline: UInt8 { 10 }
}
