// Makes any call to the host, with any arguments, in any place where a module runs: in reducers, hooks, views, procedures,
// handlers, and while it starts. What to call is a program that the test sends, and what came of it goes back as bytes;
// `Tests/SpacetimeWASMTests/Probe` writes the ones and reads the others.
//
// A program is
//   u32 length, bytes     laid at the beginning of `memory`
//   u32                   how many bytes of `memory` are shown in the end
//   u32 count             calls, each:
//     u8                    its place in `call`, below
//     u8 count              arguments, each:
//       u8                    what it is, as in `argument`
//       u64                   its value
//   i32                   what the function returns
//   u8                    what goes into its sink: 0 the bytes that follow, 1 what came of the calls
//   u32 length, bytes
// and what comes of it
//   u32 count, i64 each   what each call returned
//   bytes                 of `memory`
#include "spacetime.h"

static u8 memory[1 << 18];

// What the running function was called with.
static struct {
    u64 sender[4], connection[2];
    i64 timestamp;
    u32 arguments, sink;
} facts;

// MARK: Programs

typedef struct {
    u64 values[9];
} Arguments;

static u64 argument(u8 kind, u64 value) {
    u32 loaded;
    switch (kind) {
    case 0: return value;
    case 1: return (u64)(__UINTPTR_TYPE__)(memory + value);
    case 2: __builtin_memcpy(&loaded, memory + value, 4); return loaded;
    case 3: return (u64)(__UINTPTR_TYPE__)((u8 *)&facts + value);
    case 4: return facts.arguments;
    case 5: return facts.sink;
    default: panic("an argument is of no kind");
    }
}

// Needs more stack than there is.
static u32 depth(u32 more) {
    volatile u8 frame[256];
    if (more == -1u) return 0;
    frame[more & 255] = 1;
    return depth(more + 1) + frame[(more + 1) & 255];
}

#define P(n) ((void *)(__UINTPTR_TYPE__)a.values[n])
#define N(n) ((u32)a.values[n])

static i64 call(u8 which, Arguments a) {
    switch (which) {
    case 0: return table_id_from_name(P(0), N(1), P(2));
    case 1: return index_id_from_name(P(0), N(1), P(2));
    case 2: return datastore_table_row_count(N(0), P(1));
    case 3: return datastore_table_scan_bsatn(N(0), P(1));
    case 4: return datastore_index_scan_range_bsatn(N(0), P(1), N(2), N(3), P(4), N(5), P(6), N(7), P(8));
    case 5: return datastore_btree_scan_bsatn(N(0), P(1), N(2), N(3), P(4), N(5), P(6), N(7), P(8));
    case 6: return row_iter_bsatn_advance(N(0), P(1), P(2));
    case 7: return row_iter_bsatn_close(N(0));
    case 8: return datastore_insert_bsatn(N(0), P(1), P(2));
    case 9: return datastore_update_bsatn(N(0), N(1), P(2), P(3));
    case 10:
        return datastore_delete_by_index_scan_range_bsatn(N(0), P(1), N(2), N(3), P(4), N(5), P(6), N(7), P(8));
    case 11: return datastore_delete_by_btree_scan_bsatn(N(0), P(1), N(2), N(3), P(4), N(5), P(6), N(7), P(8));
    case 12: return datastore_delete_all_by_eq_bsatn(N(0), P(1), N(2), P(3));
    case 13: return bytes_source_read(N(0), P(1), P(2));
    case 14: return bytes_sink_write(N(0), P(1), P(2));
    case 15: console_log(N(0), P(1), N(2), P(3), N(4), N(5), P(6), N(7)); return 0;
    case 16: return console_timer_start(P(0), N(1));
    case 17: return console_timer_end(N(0));
    case 18: identity(P(0)); return 0;
    case 19: volatile_nonatomic_schedule_immediate(P(0), N(1), P(2), N(3)); return 0;
    case 20: return bytes_source_remaining_length(N(0), P(1));
    case 21: return get_jwt(P(0), P(1));
    case 22: return procedure_sleep_until(a.values[0]);
    case 23: return procedure_start_mut_tx(P(0));
    case 24: return procedure_commit_mut_tx();
    case 25: return procedure_abort_mut_tx();
    case 26: return procedure_http_request(P(0), N(1), P(2), N(3), P(4));
    case 27: return datastore_index_scan_point_bsatn(N(0), P(1), N(2), P(3));
    case 28: return datastore_delete_by_index_scan_point_bsatn(N(0), P(1), N(2), P(3));
    case 29: return datastore_clear(N(0), P(1));
    // What is no call of the host, but can happen to it.
    case 200: __builtin_trap();
    case 201: for (volatile u32 i = 0;; i++) {}
    case 202: return depth(0);
    case 203: return *(volatile u32 *)P(0);
    case 204: return (i64)__builtin_wasm_memory_grow(0, N(0));
    // Keeps something from call to call, as long as the instance lives.
    case 205: {
        static i64 calls;
        return ++calls;
    }
    case 206: __builtin_memcpy(P(0), P(1), N(2)); return 0;
    default: panic("there is no such call");
    }
}

// Runs a program, and appends what came of it.
static void run_calls(Reader *program, Bytes *outcome) {
    u32 memory_length = take_u32(program);
    if (memory_length > sizeof memory) panic("the program is too large");
    take(program, memory, memory_length);
    u32 shown = take_u32(program), count = take_u32(program);
    put_u32(outcome, count);
    for (u32 i = 0; i < count; i++) {
        u8 which = take_u8(program), argument_count = take_u8(program);
        Arguments arguments = {{0}};
        for (u32 n = 0; n < argument_count; n++) {
            u8 kind = take_u8(program);
            u64 value = take_u64(program);
            if (n < 9) arguments.values[n] = argument(kind, value);
        }
        put_u64(outcome, call(which, arguments));
    }
    put(outcome, memory, shown);
}

static void show(Bytes outcome) {
    Bytes digits = {0};
    for (u32 i = 0; i < outcome.count; i++) {
        put_u8(&digits, "0123456789abcdef"[outcome.at[i] >> 4]);
        put_u8(&digits, "0123456789abcdef"[outcome.at[i] & 15]);
    }
    console_log(LOG_INFO, "probe", 5, 0, 0, -1u, digits.at, digits.count);
}

// Runs a program in a function with a sink.
//
// - is_shown: in the log, where the sink's content is not for everybody.
static i32 run(Bytes bytes, u32 sink, int is_shown) {
    Reader program = reader_of(bytes);
    Bytes outcome = {0};
    run_calls(&program, &outcome);
    i32 answer = take_u32(&program);
    u8 what = take_u8(&program);
    Bytes said = take_array(&program);
    if (program.is_short) panic("the program is cut off");
    if (what == 1) said = outcome;
    write_sink(sink, said.at, said.count);
    if (is_shown) show(outcome);
    return answer;
}

// The program of a name in the table of scripts; none if its count is 0.
static Bytes script(const char *name) {
    Bytes key = {0};
    put_text(&key, name);
    Reader row = reader_of(find(index_named("script_name_idx_hash"), key.at, key.count));
    if (row.count == 0) return (Bytes){0};
    take_array(&row);
    return take_array(&row);
}

static i32 run_script(const char *name, u32 sink, i32 otherwise) {
    Bytes program = script(name);
    return program.count == 0 ? otherwise : run(program, sink, 1);
}

// MARK: While the module starts

// What calls return that are made before there is a transaction: as a probe, which `start` returns.
static u8 at_start[400];
static u32 at_start_count;

static void note_start(void) {
    Bytes outcome = {0};
    u32 length = 4, out[2];
    u64 long_out;
    u8 room[32] = {0};
    put_u64(&outcome, table_id_from_name("item", 4, out));
    put_u64(&outcome, index_id_from_name("item_id_idx_hash", 16, out));
    put_u64(&outcome, datastore_table_row_count(1, &long_out));
    put_u64(&outcome, datastore_table_scan_bsatn(1, out));
    put_u64(&outcome, datastore_index_scan_range_bsatn(1, room, 0, 0, room, 1, room, 1, out));
    put_u64(&outcome, datastore_btree_scan_bsatn(1, room, 0, 0, room, 1, room, 1, out));
    put_u64(&outcome, datastore_insert_bsatn(1, room, &length));
    put_u64(&outcome, datastore_update_bsatn(1, 1, room, &length));
    put_u64(&outcome, datastore_delete_by_index_scan_range_bsatn(1, room, 0, 0, room, 1, room, 1, out));
    put_u64(&outcome, datastore_delete_by_btree_scan_bsatn(1, room, 0, 0, room, 1, room, 1, out));
    put_u64(&outcome, datastore_delete_all_by_eq_bsatn(1, room, 4, out));
    put_u64(&outcome, get_jwt(room, out));
    put_u64(&outcome, datastore_index_scan_point_bsatn(1, room, 4, out));
    put_u64(&outcome, datastore_delete_by_index_scan_point_bsatn(1, room, 4, out));
    put_u64(&outcome, datastore_clear(1, &long_out));
    identity(room);
    u32 timer = console_timer_start("start", 5);
    put_u64(&outcome, console_timer_end(timer));
    console_log(LOG_DEBUG, 0, 0, 0, 0, -1u, "the probe starts", 16);
    __builtin_memcpy(at_start + at_start_count, outcome.at, outcome.count);
    at_start_count += outcome.count;
}

// The order in which these run is in what they leave behind: 1, 2, 3.
static u8 order[3];
static u32 order_count;

EXPORT(_initialize) void initialize(void) { order[order_count++] = 1; }

EXPORT(__preinit__20_note) void preinit_note(void) { order[order_count++] = 3; }

EXPORT(__preinit__10_start) void preinit_start(void) {
    order[order_count++] = 2;
    enter();
    note_start();
    leave();
}

EXPORT(__setup__) u32 setup(u32 sink) {
    return order_count == 3 && order[0] == 1 && order[1] == 2 && order[2] == 3 ? 0 : 2;
}

// MARK: Definition

static void put_bytes_field(Definition *definition, const char *name) {
    put_some_text(&definition->bytes, name);
    put_u8(&definition->bytes, TYPE_ARRAY);
    put_u8(&definition->bytes, TYPE_U8);
}

static void describe_tables(Definition *definition) {
    begin_section(definition, SECTION_TYPESPACE);
    begin_product(definition, 3);
    put_field(definition, "id", TYPE_U64);
    put_field(definition, "owner", TYPE_U32);
    put_field(definition, "name", TYPE_STRING);
    begin_product(definition, 2);
    put_field(definition, "name", TYPE_STRING);
    put_bytes_field(definition, "program");
    begin_product(definition, 2);
    put_field(definition, "id", TYPE_U64);
    put_some_text(&definition->bytes, "when");
    put_schedule_type(&definition->bytes);
    begin_section(definition, SECTION_TYPES);
    put_type_name(definition, "Item", 0);
    put_type_name(definition, "Script", 1);
    put_type_name(definition, "Timer", 2);
    begin_section(definition, SECTION_TABLES);
    put_table(definition, (TablePart){
        .name = "item", .ref = 0, .key = 0, .sequence = 0, .access = ACCESS_PUBLIC,
        .unique_count = 2, .unique = {0, 2}, .index_count = 3,
        .indexes = {{"item_id_idx_hash", "id", INDEX_HASH, 1, {0}},
                    {"item_name_idx_btree", "name", INDEX_BTREE, 1, {2}},
                    {"item_owner_name_idx_btree", "by_owner", INDEX_BTREE, 2, {1, 2}}},
    });
    put_table(definition, (TablePart){
        .name = "script", .ref = 1, .key = 0, .sequence = -1, .access = ACCESS_PRIVATE,
        .unique_count = 1, .unique = {0}, .index_count = 1,
        .indexes = {{"script_name_idx_hash", "name", INDEX_HASH, 1, {0}}},
    });
    put_table(definition, (TablePart){
        .name = "timer", .ref = 2, .key = 0, .sequence = 0, .access = ACCESS_PRIVATE,
        .unique_count = 1, .unique = {0}, .index_count = 1,
        .indexes = {{"timer_id_idx_hash", "id", INDEX_HASH, 1, {0}}},
    });
    begin_section(definition, SECTION_SCHEDULES);
    put_schedule(definition, "timer", 1, "tick");
}

static void describe_functions(Definition *definition) {
    begin_section(definition, SECTION_REDUCERS);
    for (u32 hook = 0; hook < 3; hook++) {
        begin_reducer(definition, hook == 0 ? "init" : hook == 1 ? "connect" : "disconnect", 0);
        end_reducer(definition, FUNCTION_PRIVATE);
    }
    begin_reducer(definition, "probe", 1);
    put_bytes_field(definition, "program");
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "tick", 1);
    put_some_text(&definition->bytes, "timer");
    put_ref_type(&definition->bytes, 2);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_reducer(definition, "keep", 2);
    put_field(definition, "name", TYPE_STRING);
    put_bytes_field(definition, "program");
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_section(definition, SECTION_LIFECYCLE);
    put_lifecycle(definition, LIFECYCLE_INIT, "init");
    put_lifecycle(definition, LIFECYCLE_CONNECT, "connect");
    put_lifecycle(definition, LIFECYCLE_DISCONNECT, "disconnect");

    begin_section(definition, SECTION_PROCEDURES);
    Bytes *bytes = item(definition);
    put_text(bytes, "act");
    put_u32(bytes, 1);
    put_bytes_field(definition, "program");
    put_u8(bytes, TYPE_ARRAY);
    put_u8(bytes, TYPE_U8);
    put_u8(bytes, FUNCTION_CALLABLE);
    bytes = item(definition);
    put_text(bytes, "start");
    put_u32(bytes, 0);
    put_u8(bytes, TYPE_ARRAY);
    put_u8(bytes, TYPE_U8);
    put_u8(bytes, FUNCTION_CALLABLE);

    begin_section(definition, SECTION_VIEWS);
    for (u32 is_anonymous = 0; is_anonymous < 2; is_anonymous++) {
        bytes = item(definition);
        put_text(bytes, is_anonymous ? "everybodys" : "own");
        put_u32(bytes, 0);
        put_u8(bytes, 1);
        put_u8(bytes, is_anonymous);
        put_u32(bytes, 0);
        put_u8(bytes, TYPE_ARRAY);
        put_ref_type(bytes, 0);
    }

    begin_section(definition, SECTION_HANDLERS);
    put_text(item(definition), "web");
    begin_section(definition, SECTION_ROUTES);
    bytes = item(definition);
    put_text(bytes, "web");
    put_u8(bytes, 0);
    put_text(bytes, "/web");
}

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Definition definition = begin_definition();
    describe_tables(&definition);
    describe_functions(&definition);
    end_definition(&definition, sink);
    leave();
}

// MARK: Functions

static void note_facts(CALL_PARAMETERS) {
    facts = (__typeof__(facts)){
        {sender_0, sender_1, sender_2, sender_3}, {connection_0, connection_1}, timestamp, arguments, sink};
}

// Keeps a program for functions that take no arguments.
static i32 keep(Reader reader) {
    Bytes name = take_array(&reader), program = take_array(&reader), row = {0}, key = {0};
    put_array(&key, name.at, name.count);
    put_array(&row, name.at, name.count);
    put_array(&row, program.at, program.count);
    u32 count;
    datastore_delete_by_index_scan_point_bsatn(index_named("script_name_idx_hash"), key.at, key.count, &count);
    return insert(table_named("script"), &row);
}

static i32 run_reducer(u32 id, u32 arguments, u32 sink) {
    switch (id) {
    case 0: return 0;
    case 1: return run_script("connect", sink, 0);
    case 2: return run_script("disconnect", sink, 0);
    case 3: {
        Reader reader = read_arguments(arguments);
        return run(take_array(&reader), sink, 1);
    }
    case 4: return run_script("tick", sink, 0);
    case 5: return keep(read_arguments(arguments));
    default: return -1;
    }
}

EXPORT(__call_reducer__) i32 call_reducer(CALL_PARAMETERS) {
    enter();
    note_facts(id, sender_0, sender_1, sender_2, sender_3, connection_0, connection_1, timestamp, arguments, sink);
    i32 result = run_reducer(id, arguments, sink);
    leave();
    return result;
}

EXPORT(__call_procedure__) i32 call_procedure(CALL_PARAMETERS) {
    enter();
    note_facts(id, sender_0, sender_1, sender_2, sender_3, connection_0, connection_1, timestamp, arguments, sink);
    i32 result = 0;
    if (id == 1) {
        Bytes outcome = {0};
        put_array(&outcome, at_start, at_start_count);
        write_sink(sink, outcome.at, outcome.count);
    } else {
        // The result is an array of bytes: what the program has for the sink, and how many that are.
        Reader reader = read_arguments(arguments);
        Reader program = reader_of(take_array(&reader));
        Bytes outcome = {0}, value = {0};
        run_calls(&program, &outcome);
        result = take_u32(&program);
        u8 what = take_u8(&program);
        Bytes said = take_array(&program);
        if (what == 1) {
            put_array(&value, outcome.at, outcome.count);
            said = value;
        }
        write_sink(sink, said.at, said.count);
    }
    leave();
    return result;
}

EXPORT(__call_view__)
i32 call_view(u32 id, u64 sender_0, u64 sender_1, u64 sender_2, u64 sender_3, u32 arguments, u32 sink) {
    enter();
    note_facts(id, sender_0, sender_1, sender_2, sender_3, 0, 0, 0, arguments, sink);
    i32 result = run_script("own", sink, 0);
    if (script("own").count == 0) write_sink(sink, "\0\0\0\0", 4);
    leave();
    return result;
}

EXPORT(__call_view_anon__) i32 call_view_anon(u32 id, u32 arguments, u32 sink) {
    enter();
    note_facts(id, 0, 0, 0, 0, 0, 0, 0, arguments, sink);
    i32 result = run_script("everybodys", sink, 0);
    if (script("everybodys").count == 0) write_sink(sink, "\0\0\0\0", 4);
    leave();
    return result;
}

// The request's body is a program, and the response's body what came of it.
EXPORT(__call_http_handler__)
i32 call_handler(u32 id, i64 timestamp, u32 request, u32 body, u32 response_sink, u32 body_sink) {
    enter();
    note_facts(id, 0, 0, 0, 0, 0, 0, timestamp, request, body_sink);
    i32 result = run(read_source(body), body_sink, 0);
    Bytes response = {0};
    // One header, version 1.1, code 200.
    put_u32(&response, 1);
    put_text(&response, "x-probe");
    put_text(&response, "yes");
    put_u8(&response, 2);
    put_u16(&response, 200);
    write_sink(response_sink, response.at, response.count);
    leave();
    return result;
}
