import SpacetimeHost
import SpacetimeSATS
import SpacetimeWASM
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The modules of `Tests/Modules`, as `make wasm-modules` has built them.
///
/// Suites that need them say `.enabled(if: GuestPrograms.areThere)`. In CI they are required, so that nothing is skipped there.
enum GuestPrograms {
    static let isRequired = getenv("SPACETIME_REQUIRE_WASM") != nil

    /// The package's folder.
    static let package = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        .joined(separator: "/")

    private static let names = [
        "transfer-c", "chat-c", "transfer-rust", "chat-rust", "probe", "wasi", "garden", "older-8", "older-9",
        "mounted",
    ]

    static func path(_ name: String) -> String { "\(package)/.build-modules/\(name).wasm" }

    /// Those that have not been built, and Wasmtime, if it is missing.
    static let missing: [String] = {
        var missing = names.filter { access(path($0), R_OK) != 0 }
        if getenv("SPACETIME_WASMTIME") == nil, access("\(package)/.wasmtime/version", R_OK) != 0 {
            missing.append("Wasmtime")
        }
        return missing
    }()

    static let areThere = missing.isEmpty || isRequired
    static let skipReason: Comment = "guest modules or Wasmtime are missing; run 'make wasmtime wasm-modules'"

    /// A module; compiled once, however many databases run it.
    static func load(_ name: String) throws -> WASMModule {
        try loaded.withLock { loaded in
            if let module = loaded[name] { return module }
            let module = try WASMModule(contentsOf: path(name))
            loaded[name] = module
            return module
        }
    }

    private static let loaded = Mutex<[String: WASMModule]>([:])
}

/// Fails where something is missing that must be there.
@Test func nothingIsSkippedWhereAllIsRequired() {
    #expect(!GuestPrograms.isRequired || GuestPrograms.missing.isEmpty, "missing: \(GuestPrograms.missing)")
}
