#include "WasmLimit.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_COUNT = 6, NO_SUCH_ITERATOR = 6, VALUE_COUNT = 10 };

// Rows, and where the one with each key is: keys are small numbers.
typedef struct {
    const char *name;
    uint8_t *bytes;
    size_t count, capacity;
    // Offset + 1 of the row with a key.
    uint32_t *places;
    size_t place_capacity;
    // 0 if rows differ.
    uint32_t row_size;
} table_t;

// How the key of an index becomes a small number.
typedef enum { KEY_U32, KEY_U64, KEY_PLACE } key_kind_t;

typedef struct {
    const char *name;
    uint32_t table;
    key_kind_t kind;
} index_t;

static const index_t indexes[] = {
    {"Account_id_idx_hash", 0, KEY_U32}, {"Mobile_id_idx_hash", 2, KEY_U64},
    {"Chunk_id_idx_hash", 3, KEY_U64},   {"Slot_id_idx_hash", 4, KEY_U64},
    {"Slot_owner_kind_place_idx_btree", 4, KEY_PLACE}, {"Total_id_idx_hash", 5, KEY_U32},
};

struct wasm_limit {
    const cwasmtime_api_t *api;
    wasm_engine_t *engine;
    wasmtime_module_t *module;
    wasmtime_linker_t *linker;
    wasmtime_instance_pre_t *template;
    wasmtime_store_t *store;
    wasmtime_context_t *context;
    wasmtime_func_t call_reducer;
    uint8_t *memory;
    table_t tables[TABLE_COUNT];
    const uint8_t *source;
    size_t source_left;
    const uint8_t *scanned;
    size_t scanned_left, scanned_row_size;
};

// MARK: Rows

static uint64_t number(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    memcpy(&value, bytes, count);
    return value;
}

static uint64_t small_key(key_kind_t kind, const uint8_t *key) {
    switch (kind) {
    case KEY_U32: return number(key, 4);
    case KEY_U64: return number(key, 8);
    // Behind the owner stand the kind and the place, of which there are four.
    case KEY_PLACE: return number(key, 8) * 4 + number(key + 12, 4);
    }
}

static key_kind_t key_kind(const table_t *table) { return table->row_size == 12 ? KEY_U32 : KEY_U64; }

static size_t row_size(const table_t *table, const uint8_t *row) {
    return table->row_size ? table->row_size : 12 + number(row + 8, 4);
}

static void add_row(table_t *table, const uint8_t *row, size_t count) {
    if (table->count + count > table->capacity) {
        table->capacity = table->capacity * 2 + count + 65536;
        table->bytes = realloc(table->bytes, table->capacity);
    }
    uint64_t key = small_key(key_kind(table), row);
    if (key >= table->place_capacity) {
        size_t capacity = table->place_capacity * 2 + key + 1024;
        table->places = realloc(table->places, capacity * sizeof(uint32_t));
        memset(table->places + table->place_capacity, 0, (capacity - table->place_capacity) * sizeof(uint32_t));
        table->place_capacity = capacity;
    }
    memcpy(table->bytes + table->count, row, count);
    table->places[key] = (uint32_t)table->count + 1;
    table->count += count;
}

static uint8_t *find_row(table_t *table, uint64_t key) {
    if (key >= table->place_capacity || table->places[key] == 0) return NULL;
    return table->bytes + table->places[key] - 1;
}

// MARK: Functions of the host

#define HOST_FUNCTION(name)                                                                                            \
    static wasm_trap_t *name(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *v, size_t count) {              \
        wasm_limit_t *host = env;                                                                                      \
        (void)caller, (void)count, (void)host, (void)v;
#define END                                                                                                            \
        return NULL;                                                                                                   \
    }
#define AT(n) (host->memory + (uint32_t)v[n].i32)
#define RETURN(value) v[0].i64 = (uint32_t)(value)

HOST_FUNCTION(find_table)
    uint32_t id = 0;
    while (id < TABLE_COUNT && (strlen(host->tables[id].name) != (size_t)v[1].i32 ||
                                memcmp(host->tables[id].name, AT(0), v[1].i32) != 0)) id++;
    id++;
    memcpy(AT(2), &id, 4);
    RETURN(0);
END

HOST_FUNCTION(find_index)
    uint32_t id = 0, limit = sizeof indexes / sizeof *indexes;
    while (id < limit && (strlen(indexes[id].name) != (size_t)v[1].i32 ||
                          memcmp(indexes[id].name, AT(0), v[1].i32) != 0)) id++;
    memcpy(AT(2), &id, 4);
    RETURN(0);
END

HOST_FUNCTION(scan)
    table_t *table = &host->tables[v[0].i32 - 1];
    host->scanned = table->bytes;
    host->scanned_left = table->count;
    host->scanned_row_size = table->row_size;
    memcpy(AT(1), &(uint32_t){1}, 4);
    RETURN(0);
END

HOST_FUNCTION(scan_point)
    const index_t *index = &indexes[v[0].i32];
    table_t *table = &host->tables[index->table];
    host->scanned = find_row(table, small_key(index->kind, AT(1)));
    host->scanned_left = host->scanned ? row_size(table, host->scanned) : 0;
    host->scanned_row_size = host->scanned_left;
    memcpy(AT(3), &(uint32_t){1}, 4);
    RETURN(0);
END

HOST_FUNCTION(advance)
    uint32_t room, taken;
    memcpy(&room, AT(2), 4);
    taken = host->scanned_left < room ? (uint32_t)host->scanned_left
                                      : room - room % (uint32_t)host->scanned_row_size;
    if (taken > 0) memcpy(AT(1), host->scanned, taken);
    host->scanned += taken;
    host->scanned_left -= taken;
    memcpy(AT(2), &taken, 4);
    RETURN(host->scanned_left == 0 ? -1 : 0);
END

HOST_FUNCTION(close_iterator)
    RETURN(NO_SUCH_ITERATOR);
END

HOST_FUNCTION(insert)
    uint32_t length;
    memcpy(&length, AT(2), 4);
    add_row(&host->tables[v[0].i32 - 1], AT(1), length);
    memset(AT(2), 0, 4);
    RETURN(0);
END

HOST_FUNCTION(update)
    uint32_t length;
    memcpy(&length, AT(3), 4);
    table_t *table = &host->tables[v[0].i32 - 1];
    memcpy(find_row(table, small_key(key_kind(table), AT(2))), AT(2), length);
    memset(AT(3), 0, 4);
    RETURN(0);
END

HOST_FUNCTION(read_source)
    uint32_t room;
    memcpy(&room, AT(2), 4);
    if (room > host->source_left) room = (uint32_t)host->source_left;
    memcpy(AT(1), host->source, room);
    host->source += room;
    host->source_left -= room;
    memcpy(AT(2), &room, 4);
    RETURN(host->source_left == 0 ? -1 : 0);
END

HOST_FUNCTION(remaining)
    memcpy(AT(1), &(uint32_t){(uint32_t)host->source_left}, 4);
    RETURN(0);
END

HOST_FUNCTION(write_sink)
    RETURN(0);
END

HOST_FUNCTION(write_log)
END

static const struct {
    const char *module, *name, *parameters;
    int has_result;
    wasmtime_func_unchecked_callback_t body;
} functions[] = {
    {"spacetime_10.0", "table_id_from_name", "iii", 1, find_table},
    {"spacetime_10.0", "index_id_from_name", "iii", 1, find_index},
    {"spacetime_10.0", "datastore_table_scan_bsatn", "ii", 1, scan},
    {"spacetime_10.4", "datastore_index_scan_point_bsatn", "iiii", 1, scan_point},
    {"spacetime_10.0", "row_iter_bsatn_advance", "iii", 1, advance},
    {"spacetime_10.0", "row_iter_bsatn_close", "i", 1, close_iterator},
    {"spacetime_10.0", "datastore_insert_bsatn", "iii", 1, insert},
    {"spacetime_10.0", "datastore_update_bsatn", "iiii", 1, update},
    {"spacetime_10.0", "bytes_source_read", "iii", 1, read_source},
    {"spacetime_10.1", "bytes_source_remaining_length", "ii", 1, remaining},
    {"spacetime_10.0", "bytes_sink_write", "iii", 1, write_sink},
    {"spacetime_10.0", "console_log", "iiiiiiii", 0, write_log},
};

// MARK: The guest

static wasmtime_error_t *define(wasm_limit_t *host, size_t position) {
    const cwasmtime_api_t *api = host->api;
    wasm_valtype_t *types[8];
    size_t count = strlen(functions[position].parameters);
    for (size_t i = 0; i < count; i++) types[i] = api->wasm_valtype_new(0);
    wasm_valtype_t *result = functions[position].has_result ? api->wasm_valtype_new(0) : NULL;
    wasm_valtype_vec_t parameters, results;
    api->wasm_valtype_vec_new(&parameters, count, types);
    api->wasm_valtype_vec_new(&results, result != NULL, &result);
    wasm_functype_t *type = api->wasm_functype_new(&parameters, &results);
    const char *module = functions[position].module, *name = functions[position].name;
    wasmtime_error_t *error = api->wasmtime_linker_define_func_unchecked(
        host->linker, module, strlen(module), name, strlen(name), type, functions[position].body, host, NULL);
    api->wasm_functype_delete(type);
    return error;
}

static int find_function(wasm_limit_t *host, wasmtime_instance_t *instance, const char *name, wasmtime_func_t *out) {
    wasmtime_extern_t found;
    if (!host->api->wasmtime_instance_export_get(host->context, instance, name, strlen(name), &found)) return 0;
    *out = found.of.func;
    return 1;
}

// Makes a fresh guest, and starts it as modules have to be started.
static int start(wasm_limit_t *host) {
    const cwasmtime_api_t *api = host->api;
    if (host->store) api->wasmtime_store_delete(host->store);
    host->store = api->wasmtime_store_new(host->engine, NULL, NULL);
    host->context = api->wasmtime_store_context(host->store);
    api->wasmtime_context_set_epoch_deadline(host->context, 1u << 30);
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    if (api->wasmtime_instance_pre_instantiate(host->template, host->context, &instance, &trap) || trap) return 0;
    wasmtime_extern_t memory;
    if (!api->wasmtime_instance_export_get(host->context, &instance, "memory", 6, &memory)) return 0;
    host->memory = api->wasmtime_memory_data(host->context, &memory.of.memory);
    wasmtime_func_t function;
    wasmtime_val_raw_t values[VALUE_COUNT];
    const char *hook = "__preinit__00_panic_hook";
    if (find_function(host, &instance, hook, &function) &&
        (api->wasmtime_func_call_unchecked(host->context, &function, values, VALUE_COUNT, &trap) || trap)) return 0;
    if (!find_function(host, &instance, "__describe_module__", &function)) return 0;
    values[0].i32 = 1;
    if (api->wasmtime_func_call_unchecked(host->context, &function, values, VALUE_COUNT, &trap) || trap) return 0;
    return find_function(host, &instance, "__call_reducer__", &host->call_reducer);
}

wasm_limit_t *wasm_limit_open(const cwasmtime_api_t *api, const uint8_t *module, size_t count, bool is_compiled) {
    wasm_limit_t *host = calloc(1, sizeof *host);
    host->api = api;
    const char *names[TABLE_COUNT] = {"Account", "Particle", "Mobile", "Chunk", "Slot", "Total"};
    const uint32_t sizes[TABLE_COUNT] = {12, 24, 20, 0, 28, 12};
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        host->tables[i].name = names[i];
        host->tables[i].row_size = sizes[i];
    }
    wasm_config_t *config = api->wasm_config_new();
    api->wasmtime_config_epoch_interruption_set(config, true);
    api->wasmtime_config_memory_may_move_set(config, false);
    api->wasmtime_config_memory_init_cow_set(config, true);
    // As SpacetimeWASM has it, for a few guests.
    wasmtime_pool_config_t *pool = api->wasmtime_pooling_allocation_config_new();
    api->wasmtime_pooling_allocation_config_total_core_instances_set(pool, 8);
    api->wasmtime_pooling_allocation_config_total_memories_set(pool, 8);
    api->wasmtime_pooling_allocation_config_total_tables_set(pool, 8);
    api->wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, 64 << 20);
    api->wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, 128 << 10);
    api->wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 8 << 10);
    api->wasmtime_pooling_allocation_strategy_set(config, pool);
    api->wasmtime_pooling_allocation_config_delete(pool);
    host->engine = api->wasm_engine_new_with_config(config);
    host->linker = api->wasmtime_linker_new(host->engine);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (define(host, i)) goto failed;
    }
    if (is_compiled ? api->wasmtime_module_deserialize(host->engine, module, count, &host->module)
                    : api->wasmtime_module_new(host->engine, module, count, &host->module)) goto failed;
    if (api->wasmtime_linker_instantiate_pre(host->linker, host->module, &host->template)) goto failed;
    if (start(host)) return host;
failed:
    wasm_limit_close(host);
    return NULL;
}

void wasm_limit_close(wasm_limit_t *host) {
    const cwasmtime_api_t *api = host->api;
    if (host->store) api->wasmtime_store_delete(host->store);
    if (host->template) api->wasmtime_instance_pre_delete(host->template);
    if (host->module) api->wasmtime_module_delete(host->module);
    api->wasmtime_linker_delete(host->linker);
    api->wasm_engine_delete(host->engine);
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        free(host->tables[i].bytes);
        free(host->tables[i].places);
    }
    free(host);
}

wasm_byte_vec_t wasm_limit_code(const wasm_limit_t *host) {
    wasm_byte_vec_t code = {0, NULL};
    wasmtime_error_t *error = host->api->wasmtime_module_serialize(host->module, &code);
    if (error) host->api->wasmtime_error_delete(error);
    return code;
}

// MARK: Calls

int32_t wasm_limit_call(wasm_limit_t *host, uint32_t reducer, const uint8_t *arguments, size_t argument_count) {
    host->source = arguments;
    host->source_left = argument_count;
    wasmtime_val_raw_t values[VALUE_COUNT];
    values[0].i64 = reducer;
    for (uint32_t i = 1; i < 8; i++) values[i].i64 = 0;
    values[8].i64 = 1;
    values[9].i64 = 1;
    wasm_trap_t *trap = NULL;
    const cwasmtime_api_t *api = host->api;
    wasmtime_error_t *error =
        api->wasmtime_func_call_unchecked(host->context, &host->call_reducer, values, VALUE_COUNT, &trap);
    if (error == NULL && trap == NULL) return values[0].i32;
    if (error) api->wasmtime_error_delete(error);
    if (trap) api->wasm_trap_delete(trap);
    start(host);
    return -1;
}

void wasm_limit_call_repeatedly(wasm_limit_t *host, uint32_t reducer, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) wasm_limit_call(host, reducer, NULL, 0);
}

static table_t *find(wasm_limit_t *host, const char *name) {
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(host->tables[i].name, name) == 0) return &host->tables[i];
    }
    return NULL;
}

const uint8_t *wasm_limit_rows(const wasm_limit_t *host, const char *name, size_t *count) {
    const table_t *table = find((wasm_limit_t *)host, name);
    *count = table ? table->count : 0;
    return table ? table->bytes : NULL;
}

void wasm_limit_clear(wasm_limit_t *host, const char *name) {
    table_t *table = find(host, name);
    if (table == NULL) return;
    table->count = 0;
    memset(table->places, 0, table->place_capacity * sizeof(uint32_t));
}
