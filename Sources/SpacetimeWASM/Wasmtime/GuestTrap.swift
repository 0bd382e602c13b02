import CWasmtime
import SpacetimeHost
import Synchronization

/// Why a guest's code broke off.
struct GuestTrap: Error {
    let message: String
    /// Innermost first.
    let trace: [LogRecord.Frame]
    /// Its time was over.
    let isInterrupt: Bool

    /// Takes over what a call came to, which must not be used any more; nil if it came to its end.
    init?(_ wasmtime: Wasmtime, error: OpaquePointer?, trap: OpaquePointer?) {
        if let error = unsafe error {
            // A function of the host stopped it.
            trace = unsafe Self.frames(wasmtime) { unsafe wasmtime.api.wasmtime_error_wasm_trace(error, &$0) }
            isInterrupt = false
            message = unsafe Self.reason(wasmtime.take(error: error))
            if let trap = unsafe trap { unsafe wasmtime.api.wasm_trap_delete(trap) }
        } else if let trap = unsafe trap {
            defer { unsafe wasmtime.api.wasm_trap_delete(trap) }
            trace = unsafe Self.frames(wasmtime) { unsafe wasmtime.api.wasm_trap_trace(trap, &$0) }
            var number: UInt8 = 0
            let code = unsafe wasmtime.api.wasmtime_trap_code(trap, &number) ? number : nil
            isInterrupt = code == 10
            message = Self.messages.message(of: code) {
                unsafe Self.reason(LibraryBytes(wasmtime) { unsafe wasmtime.api.wasm_trap_message(trap, &$0) }.text)
            }
        } else {
            return nil
        }
    }

    // MARK: Messages

    /// What traps of each kind say, as far as it is known. The library is asked once for each kind that always says the same: it
    /// writes the trace into each text, which takes about as long as the trap itself.
    private final class Messages: Sendable {
        private let known = Mutex<[UInt8: String]>([:])

        func message(of code: UInt8?, _ ask: () -> String) -> String {
            guard let code else { return ask() }
            if let message = known.withLock({ $0[code] }) { return message }
            let message = ask()
            // Of a bad address it says which one it was, before what kind of trap that is.
            if message.hasPrefix("wasm trap: ") { known.withLock { $0[code] = message } }
            return message
        }
    }

    private static let messages = Messages()

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

    // MARK: Traces

    /// - Parameter fill: has the library put the frames there. They point into the error or the trap.
    private static func frames(_ wasmtime: Wasmtime, _ fill: (inout wasm_frame_vec_t) -> Void) -> [LogRecord.Frame] {
        var frames = unsafe wasm_frame_vec_t()
        unsafe fill(&frames)
        defer { unsafe wasmtime.api.wasm_frame_vec_delete(&frames) }
        return unsafe UnsafeBufferPointer(start: frames.data, count: frames.data == nil ? 0 : frames.size)
            .prefix(traceLimit).map { frame in
                unsafe LogRecord.Frame(
                    module: name(wasmtime.api.wasmtime_frame_module_name(frame)),
                    function: name(wasmtime.api.wasmtime_frame_func_name(frame))
                        ?? "function \(wasmtime.api.wasm_frame_func_index(frame))")
            }
    }

    /// What a module calls its functions can be as long as the module is.
    private static func name(_ bytes: UnsafePointer<wasm_byte_vec_t>?) -> String? {
        unsafe Wasmtime.text(bytes, limit: nameByteLimit)
    }

    private static let nameByteLimit = 1_024

    /// More calls than these are not shown.
    private static let traceLimit = 100
}
