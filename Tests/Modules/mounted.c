// Counters, and the same module mounted in itself twice: as `lib`, and in there as `deep`. All three define the same under the same
// names, so whatever mistakes one for another is noticed.
#include "spacetime.h"

enum { COUNTER = 0, TIMER };
enum { BUMP = 0, ARM, FIRE, REDUCER_COUNT };
enum { MODULE_COUNT = 3 };

// Before the names of a module's parts, in the order in which modules are numbered: depth first.
static const char *const prefixes[MODULE_COUNT] = {"", "lib.", "lib.deep."};

static const char *full(u32 module, const char *name) {
    u32 prefix = text_length(prefixes[module]), count = text_length(name);
    char *text = (char *)allocate(prefix + count + 1);
    __builtin_memcpy(text, prefixes[module], prefix);
    __builtin_memcpy(text + prefix, name, count + 1);
    return text;
}

// MARK: Definition

static void describe_rows(Definition *definition) {
    begin_section(definition, SECTION_TYPESPACE);
    begin_product(definition, 2);
    put_field(definition, "name", TYPE_STRING);
    put_field(definition, "value", TYPE_U32);
    begin_product(definition, 2);
    put_field(definition, "id", TYPE_U64);
    put_some_text(&definition->bytes, "when");
    put_schedule_type(&definition->bytes);
    begin_section(definition, SECTION_TYPES);
    put_type_name(definition, "Counter", COUNTER);
    put_type_name(definition, "Timer", TIMER);
    begin_section(definition, SECTION_TABLES);
    TablePart counter = {"counter", COUNTER, 0, -1, ACCESS_PUBLIC, 1, {0}, 1, {}};
    counter.indexes[0] = (IndexPart){"counter_name_idx_btree", "name", INDEX_BTREE, 1, {0}};
    put_table(definition, counter);
    TablePart timer = {"timer", TIMER, 0, 0, ACCESS_PRIVATE, 1, {0}, 1, {}};
    timer.indexes[0] = (IndexPart){"timer_id_idx_btree", "id", INDEX_BTREE, 1, {0}};
    put_table(definition, timer);
    begin_section(definition, SECTION_SCHEDULES);
    put_schedule(definition, "timer", 1, "fire");
    begin_section(definition, SECTION_RULES);
    put_text(item(definition), "SELECT * FROM counter WHERE name <> 'hidden'");
}

static void describe_functions(Definition *definition) {
    Bytes *bytes = &definition->bytes;
    begin_section(definition, SECTION_REDUCERS);
    begin_reducer(definition, "bump", 1);
    put_field(definition, "name", TYPE_STRING);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "arm", 1);
    put_field(definition, "when", TYPE_I64);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "fire", 1);
    put_some_text(bytes, "timer");
    put_ref_type(bytes, TIMER);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_section(definition, SECTION_PROCEDURES);
    put_text(item(definition), "count");
    put_u32(bytes, 0);
    put_u8(bytes, TYPE_U64);
    put_u8(bytes, FUNCTION_CALLABLE);
    begin_section(definition, SECTION_VIEWS);
    // Anonymous and others are numbered apart.
    for (u32 is_anonymous = 0; is_anonymous < 2; is_anonymous++) {
        put_text(item(definition), is_anonymous ? "high" : "mine");
        put_u32(bytes, 0);
        put_u8(bytes, 1);
        put_u8(bytes, is_anonymous);
        put_u32(bytes, 0);
        put_u8(bytes, is_anonymous ? TYPE_PRODUCT : TYPE_ARRAY);
        if (is_anonymous) {
            put_u32(bytes, 1);
            put_some_text(bytes, "__query__");
        }
        put_ref_type(bytes, COUNTER);
    }
    begin_section(definition, SECTION_HANDLERS);
    put_text(item(definition), "answer");
    begin_section(definition, SECTION_ROUTES);
    put_text(item(definition), "answer");
    put_u8(bytes, 0);
    put_text(bytes, "/answer");
}

static Definition definition_of(u32 module) {
    Definition definition = begin_definition();
    describe_rows(&definition);
    describe_functions(&definition);
    if (module + 1 < MODULE_COUNT) {
        Definition inner = definition_of(module + 1);
        begin_section(&definition, SECTION_SUBMODULES);
        put_submodule(&definition, module == 0 ? "lib" : "deep", &inner);
    }
    return definition;
}

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Definition definition = definition_of(0);
    end_definition(&definition, sink);
    leave();
}

// MARK: Functions

static void bump(u32 module, Bytes name) {
    Bytes key = {0};
    put_array(&key, name.at, name.count);
    u32 index = index_named(full(module, "counter_name_idx_btree"));
    Bytes row = find(index, key.at, key.count);
    if (row.count == 0) {
        put(&row, key.at, key.count);
        put_u32(&row, 1);
        if (insert(table_named(full(module, "counter")), &row) != 0) panic("a counter was not inserted");
    } else {
        u32 value;
        __builtin_memcpy(&value, row.at + row.count - 4, 4);
        value++;
        __builtin_memcpy(row.at + row.count - 4, &value, 4);
        if (update(table_named(full(module, "counter")), index, &row) != 0) panic("a counter was not updated");
    }
}

static void arm(u32 module, u64 when) {
    Bytes row = {0};
    put_u64(&row, 0);
    put_u8(&row, 1);
    put_u64(&row, when);
    if (insert(table_named(full(module, "timer")), &row) != 0) panic("a timer was not inserted");
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    enter();
    Reader reader = read_arguments(arguments);
    u32 module = id / REDUCER_COUNT;
    if (module >= MODULE_COUNT) panic("there is no such reducer");
    switch (id % REDUCER_COUNT) {
    case BUMP: bump(module, take_array(&reader)); break;
    case ARM: arm(module, take_u64(&reader)); break;
    case FIRE: bump(module, (Bytes){(u8 *)"fired", 5, 5}); break;
    }
    leave();
    return 0;
}

EXPORT(__call_procedure__) u32 call_procedure(CALL_PARAMETERS) {
    enter();
    i64 now;
    u64 count;
    if (procedure_start_mut_tx(&now) != 0) panic("a transaction is open");
    if (datastore_table_row_count(table_named(full(id, "counter")), &count) != 0) panic("there are no counters");
    if (procedure_commit_mut_tx() != 0) panic("no transaction is open");
    write_sink(sink, &count, sizeof count);
    leave();
    return 0;
}

// All counters of the module, as rows.
EXPORT(__call_view__)
u32 call_view(u32 id, u64 sender_0, u64 sender_1, u64 sender_2, u64 sender_3, u32 arguments, u32 sink) {
    enter();
    u64 count;
    u32 table = table_named(full(id, "counter"));
    if (datastore_table_row_count(table, &count) != 0) panic("there are no counters");
    Bytes rows = scan(table), result = {0};
    put_u8(&result, 0);
    put_u32(&result, count);
    put(&result, rows.at, rows.count);
    write_sink(sink, result.at, result.count);
    leave();
    return 2;
}

// The high counters of the module, by a query that names the table in full in every second module.
EXPORT(__call_view_anon__) u32 call_view_anon(u32 id, u32 arguments, u32 sink) {
    enter();
    static const char *const queries[MODULE_COUNT] = {
        "SELECT * FROM counter WHERE value >= 2", "SELECT * FROM counter WHERE value >= 2",
        "SELECT * FROM \"lib\".\"deep\".\"counter\" WHERE value >= 2"};
    Bytes result = {0};
    put_u8(&result, 1);
    put_text(&result, queries[id]);
    write_sink(sink, result.at, result.count);
    leave();
    return 2;
}

EXPORT(__call_http_handler__)
u32 call_handler(u32 id, i64 timestamp, u32 request, u32 body, u32 response_sink, u32 body_sink) {
    enter();
    Bytes response = {0};
    put_u32(&response, 0);
    put_u8(&response, 2);
    put_u16(&response, 200);
    write_sink(response_sink, response.at, response.count);
    u8 digit = '0' + id;
    write_sink(body_sink, &digit, 1);
    leave();
    return 0;
}
