import CWasmtime
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeWASM

/// Whether there is a Wasmtime; without it the tests of modules are skipped.
var hasWasmtime: Bool { (try? WASMEngine.shared()) != nil }

extension Trait where Self == ConditionTrait {
    static var needsWasmtime: ConditionTrait {
        .enabled(if: hasWasmtime, "there is no Wasmtime: run 'make wasmtime'")
    }
}

/// A module in WebAssembly's text format with the table `item(id: u64 primary key, n: u32)`, made for one test.
///
/// Bodies of functions can use `$table`, `$index`, `$insert id n`, `$count` and `$fail text length sink`, the memory from
/// 4096 on, and what is imported. The memory's first page has two names: "item" at 32, "item_id_idx_btree" at 64.
struct TextModule {
    struct Function {
        var name: String
        var parameters: [(String, AlgebraicType)] = []
        /// Reducers and procedures: the locals 0 and 1 are the source of the arguments and the sink. Returns an i32.
        var body: String
    }

    /// Lines like `(import "spacetime_10.0" "identity" (func $identity (param i32)))`, beside the usual ones.
    var imports: [String] = []
    var reducers: [Function] = []
    var procedures: [Function] = []
    /// Views of everybody, of rows like those of the table.
    var views: [Function] = []
    /// Handlers of requests, each at the path of its name: the locals 0 and 1 are the source of the body and the sink of the
    /// response's body. Returns an i32; the response's status is 200.
    var handlers: [Function] = []
    /// Types beside that of the table's rows, which is the first; by name, so that others can refer to them.
    var types: [(String, AlgebraicType)] = []
    /// Other functions, globals, tables.
    var fields = ""
    var memory = "(memory (export \"memory\") 2)"
    /// What `__describe_module__` does before it describes.
    var start = ""
    var lifecycle: [(Lifecycle, Int)] = []

    static let usualImports = [
        ("spacetime_10.0", "bytes_sink_write", "(param i32 i32 i32) (result i32)"),
        ("spacetime_10.0", "bytes_source_read", "(param i32 i32 i32) (result i32)"),
        ("spacetime_10.0", "table_id_from_name", "(param i32 i32 i32) (result i32)"),
        ("spacetime_10.0", "index_id_from_name", "(param i32 i32 i32) (result i32)"),
        ("spacetime_10.0", "datastore_insert_bsatn", "(param i32 i32 i32) (result i32)"),
        ("spacetime_10.0", "datastore_table_row_count", "(param i32 i32) (result i32)"),
        ("spacetime_10.0", "datastore_table_scan_bsatn", "(param i32 i32) (result i32)"),
        ("spacetime_10.0", "row_iter_bsatn_advance", "(param i32 i32 i32) (result i32)"),
        ("spacetime_10.0", "row_iter_bsatn_close", "(param i32) (result i32)"),
        ("spacetime_10.0", "console_log", "(param i32 i32 i32 i32 i32 i32 i32 i32)"),
        ("spacetime_10.0", "console_timer_start", "(param i32 i32) (result i32)"),
        ("spacetime_10.3", "procedure_start_mut_tx", "(param i32) (result i32)"),
        ("spacetime_10.3", "procedure_commit_mut_tx", "(result i32)"),
        ("spacetime_10.3", "procedure_abort_mut_tx", "(result i32)"),
        ("spacetime_10.3", "procedure_sleep_until", "(param i64) (result i64)"),
    ]

    var definition: RawModuleDefV10 {
        RawModuleDefV10(sections: [
            .typespace(Typespace([.product([("id", .u64), ("n", .u32)])] + types.map(\.1))),
            .types(
                ([("Item", .unit)] + types).enumerated().map { RawTypeDef(sourceName: $1.0, ref: UInt32($0)) }),
            .tables([
                RawTableDefV10(
                    sourceName: "item", productTypeRef: 0, primaryKey: [0],
                    indexes: [RawIndexDef(sourceName: "item_id_idx_btree", accessorName: "id", algorithm: .btree([0]))],
                    constraints: [RawConstraintDef(data: .unique([0]))])
            ]),
            .reducers(
                reducers.enumerated().map { position, reducer in
                    RawReducerDefV10(
                        sourceName: reducer.name, parameters: ProductType(reducer.parameters),
                        visibility: lifecycle.contains { $0.1 == position } ? .private : .clientCallable)
                }),
            .lifecycleReducers(
                lifecycle.map { RawLifecycleReducerDef(lifecycle: $0.0, functionName: reducers[$0.1].name) }),
            .procedures(
                procedures.map {
                    RawProcedureDefV10(
                        sourceName: $0.name, parameters: ProductType($0.parameters), returnType: .u32,
                        visibility: .clientCallable)
                }),
            .views(
                views.enumerated().map {
                    RawViewDef(
                        sourceName: $1.name, index: UInt32($0), isAnonymous: true, returnType: .array(.ref(0)))
                }),
            .httpHandlers(handlers.map { RawHttpHandlerDef(sourceName: $0.name) }),
            .httpRoutes(
                handlers.map { RawHttpRouteDef(handlerFunction: $0.name, method: .any, path: "/\($0.name)") }),
        ])
    }

    /// The text. Function names are in it, so that they are in traces.
    var text: String {
        var writer = BSATNWriter()
        RawModuleDef.v10(definition).encode(to: &writer)
        let description = writer.toArray()
        let usual = Self.usualImports.map { #"(import "\#($0)" "\#($1)" (func $\#($1) \#($2)))"# }
        return """
            (module $test
            \((usual + imports).joined(separator: "\n"))
            \(memory)
            \(fields)
            (data (i32.const 32) "item")
            (data (i32.const 64) "item_id_idx_btree")
            (data (i32.const 1024) "\(escaped(description))")
            (func $table (result i32)
              (drop (call $table_id_from_name (i32.const 32) (i32.const 4) (i32.const 100)))
              (i32.load (i32.const 100)))
            (func $index (result i32)
              (drop (call $index_id_from_name (i32.const 64) (i32.const 17) (i32.const 104)))
              (i32.load (i32.const 104)))
            (func $insert (param $id i64) (param $n i32) (result i32)
              (i64.store (i32.const 128) (local.get $id))
              (i32.store (i32.const 136) (local.get $n))
              (i32.store (i32.const 140) (i32.const 12))
              (call $datastore_insert_bsatn (call $table) (i32.const 128) (i32.const 140)))
            (func $count (result i64)
              (drop (call $datastore_table_row_count (call $table) (i32.const 144)))
              (i64.load (i32.const 144)))
            (func $give (param $sink i32) (param $value i32)
              (i32.store (i32.const 152) (local.get $value))
              (i32.store (i32.const 156) (i32.const 4))
              (drop (call $bytes_sink_write (local.get $sink) (i32.const 152) (i32.const 156))))
            (func $log (param $start i32) (param $length i32)
              (call $console_log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)
                (local.get $start) (local.get $length)))
            (func (export "__describe_module__") (param $sink i32)
              \(start)
              (i32.store (i32.const 160) (i32.const \(description.count)))
              (drop (call $bytes_sink_write (local.get $sink) (i32.const 1024) (i32.const 160))))
            \(functions(reducers, "reducer"))
            \(functions(procedures, "procedure"))
            \(functions(views, "view"))
            \(functions(handlers, "handler"))
            (func (export "__call_reducer__")
              (param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32)
              \(dispatch(reducers, "reducer", source: 8, sink: 9)))
            (func (export "__call_procedure__")
              (param i32 i64 i64 i64 i64 i64 i64 i64 i32 i32) (result i32)
              \(dispatch(procedures, "procedure", source: 8, sink: 9)))
            (func (export "__call_view_anon__") (param i32 i32 i32) (result i32)
              \(dispatch(views, "view", source: 1, sink: 2)))
            (data (i32.const 240) "\(escaped(Self.emptyResponse))")
            (func (export "__call_http_handler__") (param i32 i64 i32 i32 i32 i32) (result i32)
              (i32.store (i32.const 236) (i32.const \(Self.emptyResponse.count)))
              (drop (call $bytes_sink_write (local.get 4) (i32.const 240) (i32.const 236)))
              \(dispatch(handlers, "handler", source: 3, sink: 5)))
            )
            """
    }

    /// Without headers, in version 1.1, with status 200.
    private static let emptyResponse: [UInt8] = [0, 0, 0, 0, 2, 200, 0]

    private func functions(_ list: [Function], _ kind: String) -> String {
        list.enumerated().map { position, function in
            """
            (func $\(kind)_\(function.name) (param $source i32) (param $sink i32) (result i32)
              \(function.body))
            """
        }.joined(separator: "\n")
    }

    private func dispatch(_ list: [Function], _ kind: String, source: Int, sink: Int) -> String {
        list.enumerated().map { position, function in
            """
            (if (i32.eq (local.get 0) (i32.const \(position)))
              (then (return (call $\(kind)_\(function.name) (local.get \(source)) (local.get \(sink))))))
            """
        }.joined(separator: "\n") + "\n(i32.const -1)"
    }

    private func escaped(_ bytes: [UInt8]) -> String { bytes.map { "\\" + Hexadecimal.text([$0]) }.joined() }

    var bytes: [UInt8] { get throws { try WebAssemblyText.compile(text) } }

    func module(_ change: (inout WASMOptions) -> Void = { _ in }) throws -> WASMModule {
        var options = WASMOptions()
        options.cache = .none
        change(&options)
        return try WASMModule(bytes: bytes, name: "test", options: options)
    }
}

enum WebAssemblyText {
    struct Failure: Error { let message: String }

    /// A module in the binary format.
    static func compile(_ text: String) throws -> [UInt8] {
        let wasmtime = try WASMEngine.shared().wasmtime
        return try LibraryBytes(wasmtime) { bytes throws(Failure) in
            if let error = wasmtime.api.wasmtime_wat2wasm(text, text.utf8.count, &bytes) {
                throw Failure(message: wasmtime.take(error: error))
            }
        }.array
    }
}
