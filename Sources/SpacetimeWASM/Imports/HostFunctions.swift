import CWasmtime

/// A function that modules can import.
///
/// `@safe`: the body is run by the engine alone, see ``HostCall``.
@safe
struct HostFunction: Sendable {
    let module: String
    let name: String
    let signature: Wasmtime.Signature
    let body: wasmtime_func_unchecked_callback_t

    @safe
    init(
        _ module: String, _ name: String, _ signature: Wasmtime.Signature,
        _ body: @escaping wasmtime_func_unchecked_callback_t
    ) {
        self.module = module
        self.name = name
        self.signature = signature
        unsafe self.body = body
    }
}

/// Every function that modules can import: those of the original, versions 10.0 to 10.5, and WASI's.
enum HostFunctions {
    /// The version that is implemented.
    static let version = (major: 10, minor: 5)

    static let all: [HostFunction] = tables + scans + bytes + console + procedures + WASIFunctions.all

    static func find(_ module: String, _ name: String) -> HostFunction? { byName["\(module)\u{0}\(name)"] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ("\($0.module)\u{0}\($0.name)", $0) })

    private static let base = "spacetime_10.0"

    private static let tables: [HostFunction] = [
        HostFunction(base, "table_id_from_name", "iii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.tableID)
        },
        HostFunction(base, "index_id_from_name", "iii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.indexID)
        },
        HostFunction(base, "datastore_table_row_count", "ii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.rowCount)
        },
        HostFunction(base, "datastore_insert_bsatn", "iii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.insert)
        },
        HostFunction(base, "datastore_update_bsatn", "iiii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.update)
        },
        HostFunction(base, "datastore_delete_all_by_eq_bsatn", "iiii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.deleteEqual)
        },
        HostFunction(base, "datastore_delete_by_index_scan_range_bsatn", "iiiiiiiii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.deleteByRange)
        },
        HostFunction(base, "datastore_delete_by_btree_scan_bsatn", "iiiiiiiii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.deleteByRange)
        },
        HostFunction("spacetime_10.4", "datastore_delete_by_index_scan_point_bsatn", "iiii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.deleteByPoint)
        },
        HostFunction("spacetime_10.5", "datastore_clear", "ii>i") { env, _, values, _ in
            unsafe answer(env, values, TableImports.clear)
        },
    ]

    private static let scans: [HostFunction] = [
        HostFunction(base, "datastore_table_scan_bsatn", "ii>i") { env, _, values, _ in
            unsafe answer(env, values, ScanImports.table)
        },
        HostFunction(base, "datastore_index_scan_range_bsatn", "iiiiiiiii>i") { env, _, values, _ in
            unsafe answer(env, values, ScanImports.range)
        },
        HostFunction(base, "datastore_btree_scan_bsatn", "iiiiiiiii>i") { env, _, values, _ in
            unsafe answer(env, values, ScanImports.range)
        },
        HostFunction("spacetime_10.4", "datastore_index_scan_point_bsatn", "iiii>i") { env, _, values, _ in
            unsafe answer(env, values, ScanImports.point)
        },
        HostFunction(base, "row_iter_bsatn_advance", "iii>i") { env, _, values, _ in
            unsafe answer(env, values, ScanImports.advance)
        },
        HostFunction(base, "row_iter_bsatn_close", "i>i") { env, _, values, _ in
            unsafe answer(env, values, ScanImports.close)
        },
    ]

    private static let bytes: [HostFunction] = [
        HostFunction(base, "bytes_source_read", "iii>i") { env, _, values, _ in
            unsafe answer(env, values, ByteImports.read)
        },
        HostFunction(base, "bytes_sink_write", "iii>i") { env, _, values, _ in
            unsafe answer(env, values, ByteImports.write)
        },
        HostFunction("spacetime_10.1", "bytes_source_remaining_length", "ii>i") { env, _, values, _ in
            unsafe answer(env, values, ByteImports.remaining)
        },
        HostFunction("spacetime_10.2", "get_jwt", "ii>i") { env, _, values, _ in
            unsafe answer(env, values, ByteImports.credentials)
        },
    ]

    private static let console: [HostFunction] = [
        HostFunction(base, "console_log", "iiiiiiii>") { env, _, values, _ in
            unsafe perform(env, values, ConsoleImports.log)
        },
        HostFunction(base, "console_timer_start", "ii>i") { env, _, values, _ in
            unsafe answer(env, values, ConsoleImports.startTimer)
        },
        HostFunction(base, "console_timer_end", "i>i") { env, _, values, _ in
            unsafe answer(env, values, ConsoleImports.endTimer)
        },
        HostFunction(base, "identity", "i>") { env, _, values, _ in unsafe perform(env, values, ConsoleImports.identity)
        },
        HostFunction(base, "volatile_nonatomic_schedule_immediate", "iiii>") { env, _, values, _ in
            unsafe perform(env, values, ConsoleImports.callSoon)
        },
    ]

    private static let procedures: [HostFunction] = [
        HostFunction("spacetime_10.3", "procedure_sleep_until", "I>I") { env, _, values, _ in
            unsafe perform(env, values) { call throws(HostFailure) in
                call.giveBack(try ProcedureImports.sleep(call))
            }
        },
        HostFunction("spacetime_10.3", "procedure_start_mut_tx", "i>i") { env, _, values, _ in
            unsafe answer(env, values, ProcedureImports.begin)
        },
        HostFunction("spacetime_10.3", "procedure_commit_mut_tx", ">i") { env, _, values, _ in
            unsafe answer(env, values, ProcedureImports.commit)
        },
        HostFunction("spacetime_10.3", "procedure_abort_mut_tx", ">i") { env, _, values, _ in
            unsafe answer(env, values, ProcedureImports.rollBack)
        },
        HostFunction("spacetime_10.3", "procedure_http_request", "iiiii>i") { env, _, values, _ in
            unsafe answer(env, values, ProcedureImports.send)
        },
    ]
}
