import CWasmLimit
import CWasmtime
import SpacetimeDurability
import SpacetimeEngine
import SpacetimeHost
import SpacetimeKit
import SpacetimeSchema
import SpacetimeWASM

/// The modules in WebAssembly, as `make wasm-modules` builds them, and Wasmtime.
enum GuestModules {
    private static let package = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        .joined(separator: "/")

    static func bytes(_ name: String) throws -> [UInt8] {
        let path = "\(package)/.build-modules/\(name).wasm"
        do { return try SystemDisk().readAll(path) } catch {
            throw BenchError.system("\(path) cannot be read; run 'make wasmtime wasm-modules'")
        }
    }

    /// Wasmtime's functions, for the limit.
    static func wasmtime() throws -> UnsafePointer<cwasmtime_api_t> {
        var problem: UnsafeMutablePointer<CChar>?
        guard let api = cwasmtime_load("\(package)/.wasmtime/libwasmtime.so", &problem) else {
            throw BenchError.system("Wasmtime is missing; run 'make wasmtime'")
        }
        return api
    }
}

/// What runs the reducers of a module, in whichever way.
protocol ReducerHost: AnyObject {
    /// Calls a reducer by its place in the module.
    ///
    /// - Returns: false if it was refused.
    func call(_ reducer: Int, _ arguments: [UInt8]) throws -> Bool
    /// Calls a body with the bytes of each row of a table.
    func forEachRow(of table: String, _ body: (UnsafeRawBufferPointer) -> Void) throws
}

extension ReducerHost {
    func call(_ stroke: Stroke) throws -> Bool { try call(stroke.position, stroke.arguments) }

    /// A number that all hosts have that hold the same rows.
    func digest(of table: String) throws -> UInt64 {
        var digest = Digest()
        try forEachRow(of: table) { row in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in row { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            digest.add(Int(truncatingIfNeeded: hash))
        }
        return digest.value
    }
}

/// A database that is called by places and bytes, as a server does it.
final class DatabaseHost<Definition: ModuleDefinition>: ReducerHost {
    let database: Database<Definition>
    private let runner: TransactionRunner
    private let caller: Caller

    init(_ database: Database<Definition>) {
        self.database = database
        runner = database.core.runner
        caller = database.core.owner
    }

    func call(_ reducer: Int, _ arguments: [UInt8]) throws -> Bool {
        do {
            try runner.call(reducer, arguments: arguments, as: caller)
            return true
        } catch let error as DatabaseError where error.code == .moduleFailure {
            return false
        } catch is SenderError {
            return false
        }
    }

    func forEachRow(of table: String, _ body: (UnsafeRawBufferPointer) -> Void) throws {
        let datastore = database.core.runner.datastore
        guard let id = datastore.tableIDs.first(where: { datastore.schema(of: $0)?.sourceName == table }) else {
            return
        }
        try database.core.runner.snapshot().forEachRow(of: id, body)
    }
}

extension DatabaseHost where Definition == DynamicModule {
    /// A database with a module in WebAssembly.
    convenience init(_ module: WASMModule) throws { self.init(try Database.open(.inMemory, module: module)) }
}

/// The minimal host.
final class LimitHost: ReducerHost {
    private let host: OpaquePointer

    /// - Parameter isCompiled: the module is ``compiledCode()``.
    init(_ module: [UInt8], isCompiled: Bool = false) throws {
        guard let host = wasm_limit_open(try GuestModules.wasmtime(), module, module.count, isCompiled) else {
            throw BenchError.system("the minimal host cannot run the module")
        }
        self.host = host
    }

    deinit { wasm_limit_close(host) }

    func call(_ reducer: Int, _ arguments: [UInt8]) throws -> Bool {
        wasm_limit_call(host, UInt32(reducer), arguments, arguments.count) == 0
    }

    func compiledCode() throws -> [UInt8] {
        var code = wasm_limit_code(host)
        defer { if let api = try? GuestModules.wasmtime() { api.pointee.wasm_byte_vec_delete(&code) } }
        return Array(UnsafeBufferPointer(start: code.data, count: code.size))
    }

    func callRepeatedly(_ reducer: Int, count: Int) { wasm_limit_call_repeatedly(host, UInt32(reducer), UInt32(count)) }

    func clear(_ table: String) { wasm_limit_clear(host, table) }

    func forEachRow(of table: String, _ body: (UnsafeRawBufferPointer) -> Void) throws {
        var count = 0
        guard let rows = wasm_limit_rows(host, table, &count) else { return }
        let size = table == "Account" || table == "Total" ? 12 : table == "Particle" ? 24 : table == "Mobile" ? 20 : 28
        for start in stride(from: 0, to: count, by: size) {
            body(UnsafeRawBufferPointer(start: rows + start, count: size))
        }
    }
}
