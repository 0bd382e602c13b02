// The least that a host of the benchmarks' guests does: Wasmtime, and rows in flat memory that are found by counting. No
// transactions, no checks, no locks, no log: what is left is what the crossings between host and guest cost, and the guest.
#ifndef WASM_LIMIT_H
#define WASM_LIMIT_H

#include "CWasmtime.h"

#pragma clang assume_nonnull begin

typedef struct wasm_limit wasm_limit_t;

/// Compiles a module, or takes one that is compiled, and starts a guest.
///
/// - Returns: null if any of it fails.
wasm_limit_t *_Nullable wasm_limit_open(
    const cwasmtime_api_t *api, const uint8_t *module, size_t count, bool is_compiled);
/// The compiled code, which `wasm_byte_vec_delete` frees.
wasm_byte_vec_t wasm_limit_code(const wasm_limit_t *host);
void wasm_limit_close(wasm_limit_t *host);

/// Calls a reducer.
///
/// - Returns: what it returned; -1 if it was stopped. Then a fresh guest is there.
int32_t wasm_limit_call(
    wasm_limit_t *host, uint32_t reducer, const uint8_t *_Nullable arguments, size_t argument_count);

/// Calls the reducer without arguments so many times.
void wasm_limit_call_repeatedly(wasm_limit_t *host, uint32_t reducer, uint32_t count);

/// The rows of a table, one behind the other.
const uint8_t *_Nullable wasm_limit_rows(const wasm_limit_t *host, const char *table, size_t *count);
/// Forgets the rows of a table.
void wasm_limit_clear(wasm_limit_t *host, const char *table);

#pragma clang assume_nonnull end

#endif
