import SpacetimeDurability
package import SpacetimeHost
import SpacetimeKit

/// A module in WebAssembly: one that was written in Rust, C#, C++ or any other language for the original, or against its
/// interface.
///
/// ```swift
/// let db = try Database.open(at: "chat.stdb", module: WASMModule(contentsOf: "chat.wasm"))
/// try db.call("send", arguments: "hello".bsatn())
/// ```
///
/// Making one compiles the module, which takes about a second for a few megabytes the first time, and has it describe itself.
/// Databases that run the same bytes share the compiled code. See <doc:HostingModules>.
public struct WASMModule: Sendable {
    /// What a new database gets its identity from, unless `DatabaseOptions` give one.
    public let name: String
    let program: WASMProgram

    /// Compiles a module. Blocks meanwhile.
    ///
    /// - Parameters:
    ///   - bytes: the module, in WebAssembly's binary format.
    ///   - name: what a new database gets its identity from.
    ///   - options: what it may use, and where its compiled code is kept.
    /// - Throws: `DatabaseError` with code `invalidModule` if the module cannot be run, and why; `moduleFailure` if there is
    ///   no Wasmtime, and what to do.
    public init(bytes: [UInt8], name: String = "module", options: WASMOptions = WASMOptions()) throws {
        self.name = name
        program = try WASMProgram(bytes, options)
    }

    /// Reads a module from a file and compiles it. Blocks meanwhile.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - name: what a new database gets its identity from. Nil: the file's name, without what follows its last dot.
    ///   - options: what it may use, and where its compiled code is kept.
    /// - Throws: as ``init(bytes:name:options:)``; `DatabaseError` with code `storageFailure` if the file cannot be read.
    public init(contentsOf path: String, name: String? = nil, options: WASMOptions = WASMOptions()) throws {
        let bytes: [UInt8]
        do { bytes = try SystemDisk().readAll(path) } catch {
            throw DatabaseError(.storageFailure, "the module '\(path)' cannot be read: \(error)", cause: error)
        }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        try self.init(bytes: bytes, name: name ?? (stem.isEmpty ? file : stem), options: options)
    }

    /// What runs the module's functions for one database.
    package func makeHost() -> any ModuleHost { WASMHost(program) }
}
