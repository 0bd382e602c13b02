// The part of Wasmtime's C API that the host of WebAssembly modules uses, declared here so that the package builds without
// Wasmtime. The library is found when it is first needed, see `cwasmtime_load`.
//
// Names and layouts are those of Wasmtime 50.

#ifndef SPACETIME_CWASMTIME_H
#define SPACETIME_CWASMTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__ELF__)
#define CWASMTIME_TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define CWASMTIME_TLS_MODEL
#endif

#pragma clang assume_nonnull begin

// MARK: Types

typedef struct wasm_config_t wasm_config_t;
typedef struct wasmtime_pooling_allocation_config_t wasmtime_pool_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasm_frame_t wasm_frame_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_externtype_t wasm_externtype_t;
typedef struct wasm_importtype_t wasm_importtype_t;
typedef struct wasm_exporttype_t wasm_exporttype_t;
typedef struct wasmtime_error wasmtime_error_t;
typedef struct wasmtime_module wasmtime_module_t;
typedef struct wasmtime_store wasmtime_store_t;
typedef struct wasmtime_context wasmtime_context_t;
typedef struct wasmtime_caller wasmtime_caller_t;
typedef struct wasmtime_linker wasmtime_linker_t;
typedef struct wasmtime_instance_pre wasmtime_instance_pre_t;

/// Bytes that the library has allocated, or a view of others.
typedef struct wasm_byte_vec_t {
    size_t size;
    uint8_t *_Nullable data;
} wasm_byte_vec_t;

typedef struct wasm_valtype_vec_t {
    size_t size;
    wasm_valtype_t *_Nonnull *_Nullable data;
} wasm_valtype_vec_t;

typedef struct wasm_importtype_vec_t {
    size_t size;
    wasm_importtype_t *_Nonnull *_Nullable data;
} wasm_importtype_vec_t;

typedef struct wasm_exporttype_vec_t {
    size_t size;
    wasm_exporttype_t *_Nonnull *_Nullable data;
} wasm_exporttype_vec_t;

typedef struct wasm_frame_vec_t {
    size_t size;
    wasm_frame_t *_Nonnull *_Nullable data;
} wasm_frame_vec_t;

/// Kinds of values: 0 i32, 1 i64, 2 f32, 3 f64.
typedef uint8_t wasm_valkind_t;
/// Kinds of imports and exports in types: 0 function, 1 global, 2 table, 3 memory.
typedef uint8_t wasm_externkind_t;

typedef struct wasmtime_func {
    uint64_t store_id;
    void *_Nullable private1;
} wasmtime_func_t;

typedef struct wasmtime_table {
    struct {
        uint64_t store_id;
        uint32_t private1;
    } head;
    uint32_t private2;
} wasmtime_table_t;

typedef struct wasmtime_memory {
    struct {
        uint64_t store_id;
        uint32_t private1;
    } head;
    uint32_t private2;
} wasmtime_memory_t;

typedef struct wasmtime_global {
    uint64_t store_id;
    uint32_t private1;
    uint32_t private2;
    uint32_t private3;
} wasmtime_global_t;

typedef struct wasmtime_instance {
    uint64_t store_id;
    size_t private1;
} wasmtime_instance_t;

typedef union wasmtime_extern_union {
    wasmtime_func_t func;
    wasmtime_global_t global;
    wasmtime_table_t table;
    wasmtime_memory_t memory;
    void *_Nullable sharedmemory;
} wasmtime_extern_union_t;

/// Kinds of externs of an instance: 0 function, 1 global, 2 table, 3 memory.
typedef struct wasmtime_extern {
    uint8_t kind;
    wasmtime_extern_union_t of;
} wasmtime_extern_t;

typedef union wasmtime_val_raw {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    uint8_t v128[16];
    void *_Nullable funcref;
} wasmtime_val_raw_t;

/// A function of the host: takes the arguments from `values`, and puts the result there. Returns a trap or null.
typedef wasm_trap_t *_Nullable (*wasmtime_func_unchecked_callback_t)(
    void *_Nullable env, wasmtime_caller_t *caller, wasmtime_val_raw_t *values, size_t count);

// MARK: Functions

/// Every function that is used: result, name, parameters.
#define CWASMTIME_FUNCTIONS(X)                                                                                         \
    X(wasm_config_t *_Nonnull, wasm_config_new, (void))                                                                \
    X(void, wasm_config_delete, (wasm_config_t *))                                                                     \
    X(void, wasmtime_config_epoch_interruption_set, (wasm_config_t *, bool))                                           \
    X(void, wasmtime_config_max_wasm_stack_set, (wasm_config_t *, size_t))                                             \
    X(void, wasmtime_config_wasm_threads_set, (wasm_config_t *, bool))                                                 \
    X(void, wasmtime_config_wasm_memory64_set, (wasm_config_t *, bool))                                                \
    X(void, wasmtime_config_wasm_gc_set, (wasm_config_t *, bool))                                                      \
    X(void, wasmtime_config_wasm_function_references_set, (wasm_config_t *, bool))                                     \
    X(void, wasmtime_config_wasm_exceptions_set, (wasm_config_t *, bool))                                              \
    X(void, wasmtime_config_wasm_stack_switching_set, (wasm_config_t *, bool))                                         \
    X(void, wasmtime_config_wasm_multi_memory_set, (wasm_config_t *, bool))                                            \
    X(void, wasmtime_config_wasm_relaxed_simd_deterministic_set, (wasm_config_t *, bool))                              \
    X(void, wasmtime_config_memory_may_move_set, (wasm_config_t *, bool))                                              \
    X(void, wasmtime_config_memory_init_cow_set, (wasm_config_t *, bool))                                              \
    X(void, wasmtime_config_parallel_compilation_set, (wasm_config_t *, bool))                                         \
    X(wasmtime_pool_config_t *_Nonnull, wasmtime_pooling_allocation_config_new, (void))                                \
    X(void, wasmtime_pooling_allocation_config_delete, (wasmtime_pool_config_t *))                                     \
    X(void, wasmtime_pooling_allocation_config_total_core_instances_set, (wasmtime_pool_config_t *, uint32_t))         \
    X(void, wasmtime_pooling_allocation_config_total_memories_set, (wasmtime_pool_config_t *, uint32_t))               \
    X(void, wasmtime_pooling_allocation_config_total_tables_set, (wasmtime_pool_config_t *, uint32_t))                 \
    X(void, wasmtime_pooling_allocation_config_total_stacks_set, (wasmtime_pool_config_t *, uint32_t))                 \
    X(void, wasmtime_pooling_allocation_config_max_tables_per_module_set, (wasmtime_pool_config_t *, uint32_t))        \
    X(void, wasmtime_pooling_allocation_config_max_core_instance_size_set, (wasmtime_pool_config_t *, size_t))         \
    X(void, wasmtime_pooling_allocation_config_max_memory_size_set, (wasmtime_pool_config_t *, size_t))                \
    X(void, wasmtime_pooling_allocation_config_table_elements_set, (wasmtime_pool_config_t *, size_t))                 \
    X(void, wasmtime_pooling_allocation_config_linear_memory_keep_resident_set, (wasmtime_pool_config_t *, size_t))    \
    X(void, wasmtime_pooling_allocation_config_table_keep_resident_set, (wasmtime_pool_config_t *, size_t))            \
    X(void, wasmtime_pooling_allocation_strategy_set, (wasm_config_t *, const wasmtime_pool_config_t *))               \
    X(wasm_engine_t *_Nonnull, wasm_engine_new_with_config, (wasm_config_t *))                                         \
    X(void, wasm_engine_delete, (wasm_engine_t *))                                                                     \
    X(void, wasmtime_engine_increment_epoch, (wasm_engine_t *))                                                        \
    X(void, wasm_byte_vec_delete, (wasm_byte_vec_t *))                                                                 \
    X(wasm_valtype_t *_Nonnull, wasm_valtype_new, (wasm_valkind_t))                                                    \
    X(bool, wasmtime_wasm_valtype_equal, (const wasm_valtype_t *, const wasm_valtype_t *))                             \
    X(void, wasm_valtype_vec_new, (wasm_valtype_vec_t *, size_t, wasm_valtype_t *_Nonnull const *_Nullable))           \
    X(wasm_functype_t *_Nonnull, wasm_functype_new, (wasm_valtype_vec_t *, wasm_valtype_vec_t *))                      \
    X(void, wasm_functype_delete, (wasm_functype_t *))                                                                 \
    X(const wasm_valtype_vec_t *_Nonnull, wasm_functype_params, (const wasm_functype_t *))                             \
    X(const wasm_valtype_vec_t *_Nonnull, wasm_functype_results, (const wasm_functype_t *))                            \
    X(wasm_externkind_t, wasm_externtype_kind, (const wasm_externtype_t *))                                            \
    X(const wasm_functype_t *_Nullable, wasm_externtype_as_functype_const, (const wasm_externtype_t *))                \
    X(const wasm_byte_vec_t *_Nonnull, wasm_importtype_module, (const wasm_importtype_t *))                            \
    X(const wasm_byte_vec_t *_Nonnull, wasm_importtype_name, (const wasm_importtype_t *))                              \
    X(const wasm_externtype_t *_Nonnull, wasm_importtype_type, (const wasm_importtype_t *))                            \
    X(void, wasm_importtype_vec_delete, (wasm_importtype_vec_t *))                                                     \
    X(const wasm_byte_vec_t *_Nonnull, wasm_exporttype_name, (const wasm_exporttype_t *))                              \
    X(const wasm_externtype_t *_Nonnull, wasm_exporttype_type, (const wasm_exporttype_t *))                            \
    X(void, wasm_exporttype_vec_delete, (wasm_exporttype_vec_t *))                                                     \
    X(void, wasm_trap_message, (const wasm_trap_t *, wasm_byte_vec_t *))                                               \
    X(void, wasm_trap_trace, (const wasm_trap_t *, wasm_frame_vec_t *))                                                \
    X(void, wasm_trap_delete, (wasm_trap_t *))                                                                         \
    X(uint32_t, wasm_frame_func_index, (const wasm_frame_t *))                                                         \
    X(const wasm_byte_vec_t *_Nullable, wasmtime_frame_func_name, (const wasm_frame_t *))                              \
    X(const wasm_byte_vec_t *_Nullable, wasmtime_frame_module_name, (const wasm_frame_t *))                            \
    X(void, wasm_frame_vec_delete, (wasm_frame_vec_t *))                                                               \
    X(wasm_trap_t *_Nonnull, wasmtime_trap_new, (const char *, size_t))                                                \
    X(bool, wasmtime_trap_code, (const wasm_trap_t *, uint8_t *))                                                      \
    X(void, wasmtime_error_message, (const wasmtime_error_t *, wasm_byte_vec_t *))                                     \
    X(void, wasmtime_error_wasm_trace, (const wasmtime_error_t *, wasm_frame_vec_t *))                                 \
    X(void, wasmtime_error_delete, (wasmtime_error_t *))                                                               \
    X(wasmtime_error_t *_Nullable, wasmtime_module_new,                                                                \
      (wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t *_Nullable *_Nonnull))                              \
    X(wasmtime_error_t *_Nullable, wasmtime_module_serialize, (wasmtime_module_t *, wasm_byte_vec_t *))                \
    X(wasmtime_error_t *_Nullable, wasmtime_module_deserialize,                                                        \
      (wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t *_Nullable *_Nonnull))                              \
    X(void, wasmtime_module_imports, (const wasmtime_module_t *, wasm_importtype_vec_t *))                             \
    X(void, wasmtime_module_exports, (const wasmtime_module_t *, wasm_exporttype_vec_t *))                             \
    X(void, wasmtime_module_delete, (wasmtime_module_t *))                                                             \
    X(wasmtime_store_t *_Nonnull, wasmtime_store_new,                                                                  \
      (wasm_engine_t *, void *_Nullable, void (*_Nullable)(void *_Nullable)))                                          \
    X(wasmtime_context_t *_Nonnull, wasmtime_store_context, (wasmtime_store_t *))                                      \
    X(void, wasmtime_store_limiter, (wasmtime_store_t *, int64_t, int64_t, int64_t, int64_t, int64_t))                 \
    X(void, wasmtime_store_delete, (wasmtime_store_t *))                                                               \
    X(void, wasmtime_context_set_epoch_deadline, (wasmtime_context_t *, uint64_t))                                     \
    X(wasmtime_linker_t *_Nonnull, wasmtime_linker_new, (wasm_engine_t *))                                             \
    X(void, wasmtime_linker_delete, (wasmtime_linker_t *))                                                             \
    X(wasmtime_error_t *_Nullable, wasmtime_linker_define_func_unchecked,                                              \
      (wasmtime_linker_t *, const char *, size_t, const char *, size_t, const wasm_functype_t *,                       \
       wasmtime_func_unchecked_callback_t, void *_Nullable, void (*_Nullable)(void *_Nullable)))                       \
    X(wasmtime_error_t *_Nullable, wasmtime_linker_instantiate_pre,                                                    \
      (const wasmtime_linker_t *, const wasmtime_module_t *, wasmtime_instance_pre_t *_Nullable *_Nonnull))            \
    X(wasmtime_error_t *_Nullable, wasmtime_instance_pre_instantiate,                                                  \
      (const wasmtime_instance_pre_t *, wasmtime_context_t *, wasmtime_instance_t *,                                   \
       wasm_trap_t *_Nullable *_Nonnull))                                                                              \
    X(void, wasmtime_instance_pre_delete, (wasmtime_instance_pre_t *))                                                 \
    X(bool, wasmtime_instance_export_get,                                                                              \
      (wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t, wasmtime_extern_t *))                  \
    X(uint8_t *_Nullable, wasmtime_memory_data, (const wasmtime_context_t *, const wasmtime_memory_t *))               \
    X(size_t, wasmtime_memory_data_size, (const wasmtime_context_t *, const wasmtime_memory_t *))                      \
    X(wasmtime_error_t *_Nullable, wasmtime_func_call_unchecked,                                                       \
      (wasmtime_context_t *, const wasmtime_func_t *, wasmtime_val_raw_t *, size_t,                                    \
       wasm_trap_t *_Nullable *_Nonnull))                                                                              \
    X(wasmtime_error_t *_Nullable, wasmtime_wat2wasm, (const char *, size_t, wasm_byte_vec_t *))

#define CWASMTIME_FIELD(result, name, parameters) result(*_Nonnull name) parameters;

/// Wasmtime's functions, once the library has been loaded.
typedef struct cwasmtime_api {
    CWASMTIME_FUNCTIONS(CWASMTIME_FIELD)
} cwasmtime_api_t;

// MARK: Loading

/// Loads a library and looks up all of its functions. It stays loaded.
///
/// - Parameter path: a path, or a name for the system's own search.
/// - Parameter problem: gets why it failed, as a text of the caller's, to be freed.
/// - Returns: the functions, which stay where they are; null if there is no such library or it lacks one of them.
const cwasmtime_api_t *_Nullable cwasmtime_load(const char *path, char *_Nullable *_Nonnull problem);

/// The file that this code is in: the program, or a library of it. Null if that is not known.
const char *_Nullable cwasmtime_image_path(void);

// MARK: Stacks

/// The lowest address of the calling thread's stack; 0 until somebody asked.
extern _Thread_local uintptr_t cwasmtime_stack_end CWASMTIME_TLS_MODEL;

/// Finds ``cwasmtime_stack_end``.
void cwasmtime_find_stack(void);

/// How many bytes are left of the calling thread's stack.
static inline size_t cwasmtime_remaining_stack(void) {
    if (cwasmtime_stack_end == 0) { cwasmtime_find_stack(); }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here > cwasmtime_stack_end ? here - cwasmtime_stack_end : 0;
}

#pragma clang assume_nonnull end

#endif
