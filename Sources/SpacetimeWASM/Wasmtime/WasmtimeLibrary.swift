import CWasmtime
import SpacetimeHost

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Finds Wasmtime's library, which is loaded when the first module is.
///
/// Not from the working directory: whoever may write there would have a library of theirs run by this program.
enum WasmtimeLibrary {
    /// Names the library's path.
    static let variable = "SPACETIME_WASMTIME"

    #if canImport(Darwin)
    static let fileName = "libwasmtime.dylib"
    #else
    static let fileName = "libwasmtime.so"
    #endif

    /// Loads the library.
    ///
    /// - Throws: `moduleFailure`, which says what to do.
    static func load() throws(DatabaseError) -> Wasmtime {
        var problems: [String] = []
        for path in candidates(named: unsafe getenv(variable).map { unsafe String(cString: $0) }) {
            // A text that belongs to whoever asked.
            var problem: UnsafeMutablePointer<CChar>?
            if let functions = unsafe cwasmtime_load(path, &problem) { return unsafe Wasmtime(functions) }
            defer { unsafe free(problem) }
            let reason = unsafe problem.map { unsafe String(cString: $0) } ?? "it cannot be loaded"
            // Which file that was the system says itself, if it was the system that could not load it.
            problems.append(reason.contains(path) ? reason : "\(path): \(reason)")
        }
        throw missing(problems)
    }

    /// Where the library may be: where the variable says, and only there; else in the package that is being developed, or
    /// where the system keeps libraries.
    static func candidates(named path: String?) -> [String] {
        if let path, !path.isEmpty { return [path] }
        return [packageCopy, fileName].compactMap(\.self)
    }

    static func missing(_ problems: [String]) -> DatabaseError {
        DatabaseError(
            .moduleFailure,
            "modules in WebAssembly need Wasmtime 50, which was not found: \(problems.joined(separator: "; ")). Run "
                + "'make wasmtime' in the package, install Wasmtime's C library (\(fileName)), or set \(variable) to its path"
        )
    }

    /// The copy that `make wasmtime` put into the package in whose build folder this program lies.
    private static var packageCopy: String? {
        guard let image = unsafe cwasmtime_image_path(), let real = unsafe realpath(image, nil) else { return nil }
        defer { unsafe free(real) }
        let parts = unsafe String(cString: real).split(separator: "/", omittingEmptySubsequences: false)
        guard let build = parts.lastIndex(where: { $0.hasPrefix(".build") }) else { return nil }
        let copy = parts[..<build].joined(separator: "/") + "/.wasmtime/" + fileName
        return unsafe access(copy, R_OK) == 0 ? copy : nil
    }
}
