// The ABI of guest modules for C and C++, without a library: what a host offers, and how values and definitions are
// written. A module includes it once; `transfer.c` is a small one.
//
// Built with `clang --target=wasm32-unknown-unknown -nostdlib`: nothing here calls a C library.
#pragma once

typedef __UINT8_TYPE__ u8;
typedef __UINT16_TYPE__ u16;
typedef __UINT32_TYPE__ u32;
typedef __UINT64_TYPE__ u64;
typedef __INT32_TYPE__ i32;
typedef __INT64_TYPE__ i64;

#ifdef __cplusplus
#define C_ABI extern "C"
#else
#define C_ABI
#endif

// MARK: What a host offers

// Tests read this list to know that they have tried all of it.
#define IMPORT(version, result, name, parameters) \
    C_ABI __attribute__((import_module("spacetime_" version), import_name(#name))) result name parameters

IMPORT("10.0", u32, table_id_from_name, (const void *name, u32 name_length, u32 *out));
IMPORT("10.0", u32, index_id_from_name, (const void *name, u32 name_length, u32 *out));
IMPORT("10.0", u32, datastore_table_row_count, (u32 table, u64 *out));
IMPORT("10.0", u32, datastore_table_scan_bsatn, (u32 table, u32 *out));
IMPORT("10.0", u32, datastore_index_scan_range_bsatn,
       (u32 index, const void *prefix, u32 prefix_length, u32 prefix_count, const void *start, u32 start_length,
        const void *end, u32 end_length, u32 *out));
IMPORT("10.0", u32, datastore_btree_scan_bsatn,
       (u32 index, const void *prefix, u32 prefix_length, u32 prefix_count, const void *start, u32 start_length,
        const void *end, u32 end_length, u32 *out));
IMPORT("10.0", i32, row_iter_bsatn_advance, (u32 iterator, void *buffer, u32 *length));
IMPORT("10.0", u32, row_iter_bsatn_close, (u32 iterator));
IMPORT("10.0", u32, datastore_insert_bsatn, (u32 table, void *row, u32 *length));
IMPORT("10.0", u32, datastore_update_bsatn, (u32 table, u32 index, void *row, u32 *length));
IMPORT("10.0", u32, datastore_delete_by_index_scan_range_bsatn,
       (u32 index, const void *prefix, u32 prefix_length, u32 prefix_count, const void *start, u32 start_length,
        const void *end, u32 end_length, u32 *out));
IMPORT("10.0", u32, datastore_delete_by_btree_scan_bsatn,
       (u32 index, const void *prefix, u32 prefix_length, u32 prefix_count, const void *start, u32 start_length,
        const void *end, u32 end_length, u32 *out));
IMPORT("10.0", u32, datastore_delete_all_by_eq_bsatn, (u32 table, const void *rows, u32 length, u32 *out));
IMPORT("10.0", i32, bytes_source_read, (u32 source, void *buffer, u32 *length));
IMPORT("10.0", u32, bytes_sink_write, (u32 sink, const void *buffer, u32 *length));
IMPORT("10.0", void, console_log,
       (u32 level, const void *target, u32 target_length, const void *file, u32 file_length, u32 line,
        const void *message, u32 message_length));
IMPORT("10.0", u32, console_timer_start, (const void *name, u32 name_length));
IMPORT("10.0", u32, console_timer_end, (u32 timer));
IMPORT("10.0", void, identity, (void *out));
IMPORT("10.0", void, volatile_nonatomic_schedule_immediate,
       (const void *name, u32 name_length, const void *arguments, u32 arguments_length));
IMPORT("10.1", u32, bytes_source_remaining_length, (u32 source, u32 *out));
IMPORT("10.2", u32, get_jwt, (const void *connection, u32 *out));
IMPORT("10.3", i64, procedure_sleep_until, (i64 time));
IMPORT("10.3", u32, procedure_start_mut_tx, (i64 *out));
IMPORT("10.3", u32, procedure_commit_mut_tx, (void));
IMPORT("10.3", u32, procedure_abort_mut_tx, (void));
IMPORT("10.3", u32, procedure_http_request,
       (const void *request, u32 request_length, const void *body, u32 body_length, u32 *out));
IMPORT("10.4", u32, datastore_index_scan_point_bsatn, (u32 index, const void *point, u32 point_length, u32 *out));
IMPORT("10.4", u32, datastore_delete_by_index_scan_point_bsatn,
       (u32 index, const void *point, u32 point_length, u32 *out));
IMPORT("10.5", u32, datastore_clear, (u32 table, u64 *out));

enum {
    UNIQUE_ALREADY_EXISTS = 12,
    BUFFER_TOO_SMALL = 11,
};

enum { LOG_ERROR = 0, LOG_WARN = 1, LOG_INFO = 2, LOG_DEBUG = 3, LOG_TRACE = 4, LOG_PANIC = 101 };

// MARK: What a host calls

#define EXPORT(name) C_ABI __attribute__((export_name(#name)))

// The parameters of reducers and procedures. An identity comes as four words, the least significant first.
#define CALL_PARAMETERS                                                                                               \
    u32 id, u64 sender_0, u64 sender_1, u64 sender_2, u64 sender_3, u64 connection_0, u64 connection_1,               \
        i64 timestamp, u32 arguments, u32 sink

// MARK: Memory

extern u8 __heap_base;

static u8 *heap_next, *heap_end;
// A commit may have the host call a view while a procedure waits for it: what the procedure has allocated stays.
static u32 heap_users;

// Begins a call from the host; what earlier ones allocated is free then.
static void enter(void) {
    if (heap_users++ == 0) heap_next = &__heap_base;
}

static void leave(void) { heap_users--; }

static u32 text_length(const char *text) {
    u32 length = 0;
    while (text[length]) length++;
    return length;
}

// Ends the call because the module is wrong.
__attribute__((noreturn)) static void panic(const char *message) {
    console_log(LOG_PANIC, 0, 0, __FILE__, sizeof __FILE__ - 1, __LINE__, message, text_length(message));
    __builtin_trap();
}

// Memory until the end of the call.
static void *allocate(u32 count) {
    if (heap_next == 0) heap_next = &__heap_base;
    u8 *at = (u8 *)(((u32)heap_next + 7) & ~7u);
    if (heap_end == 0) heap_end = (u8 *)(__builtin_wasm_memory_size(0) << 16);
    if (count > (u32)(heap_end - at)) {
        u32 pages = (count + 0xffff) >> 16;
        if (__builtin_wasm_memory_grow(0, pages) == (__SIZE_TYPE__)-1) panic("no memory is left");
        heap_end += pages << 16;
    }
    heap_next = at + count;
    return at;
}

static int is_equal(const void *left, const void *right, u32 count) {
    for (u32 i = 0; i < count; i++) {
        if (((const u8 *)left)[i] != ((const u8 *)right)[i]) return 0;
    }
    return 1;
}

// MARK: Writing BSATN

// Bytes that grow at their end.
typedef struct {
    u8 *at;
    u32 count, capacity;
} Bytes;

static void put(Bytes *bytes, const void *from, u32 count) {
    if (bytes->count + count > bytes->capacity) {
        u32 capacity = bytes->capacity * 2 + count + 64;
        u8 *at = (u8 *)allocate(capacity);
        __builtin_memcpy(at, bytes->at, bytes->count);
        bytes->at = at;
        bytes->capacity = capacity;
    }
    __builtin_memcpy(bytes->at + bytes->count, from, count);
    bytes->count += count;
}

static void put_u8(Bytes *bytes, u8 value) { put(bytes, &value, 1); }
static void put_u16(Bytes *bytes, u16 value) { put(bytes, &value, 2); }
static void put_u32(Bytes *bytes, u32 value) { put(bytes, &value, 4); }
static void put_u64(Bytes *bytes, u64 value) { put(bytes, &value, 8); }

static void put_array(Bytes *bytes, const void *from, u32 count) {
    put_u32(bytes, count);
    put(bytes, from, count);
}

static void put_text(Bytes *bytes, const char *text) { put_array(bytes, text, text_length(text)); }

// MARK: Reading BSATN

// What is left to be read. Whoever reads past the end gets zeroes, and `is_short` says so.
typedef struct {
    const u8 *at;
    u32 count;
    int is_short;
} Reader;

static Reader reader_of(Bytes bytes) { return (Reader){bytes.at, bytes.count, 0}; }

static void take(Reader *reader, void *to, u32 count) {
    if (reader->count < count) {
        reader->is_short = 1;
        __builtin_memset(to, 0, count);
        return;
    }
    __builtin_memcpy(to, reader->at, count);
    reader->at += count;
    reader->count -= count;
}

static u8 take_u8(Reader *reader) {
    u8 value;
    take(reader, &value, 1);
    return value;
}

static u16 take_u16(Reader *reader) {
    u16 value;
    take(reader, &value, 2);
    return value;
}

static u32 take_u32(Reader *reader) {
    u32 value;
    take(reader, &value, 4);
    return value;
}

static u64 take_u64(Reader *reader) {
    u64 value;
    take(reader, &value, 8);
    return value;
}

// A text, or an array of bytes, where it stands.
static Bytes take_array(Reader *reader) {
    u32 count = take_u32(reader);
    if (reader->count < count) {
        reader->is_short = 1;
        count = 0;
    }
    Bytes bytes = {(u8 *)reader->at, count, count};
    reader->at += count;
    reader->count -= count;
    return bytes;
}

static int is_same(Bytes left, Bytes right) {
    return left.count == right.count && is_equal(left.at, right.at, left.count);
}

// MARK: Sources, sinks, logs

// All bytes of a source.
static Bytes read_source(u32 source) {
    Bytes bytes = {0};
    if (source == 0) return bytes;
    if (bytes_source_remaining_length(source, &bytes.count) != 0) panic("a source is none");
    bytes.capacity = bytes.count;
    bytes.at = (u8 *)allocate(bytes.count);
    if (bytes_source_read(source, bytes.at, &bytes.count) != -1) panic("a source has more than it said");
    return bytes;
}

static Reader read_arguments(u32 source) { return reader_of(read_source(source)); }

static void write_sink(u32 sink, const void *from, u32 count) {
    if (count > 0 && bytes_sink_write(sink, from, &count) != 0) panic("a sink is none");
}

// Ends a reducer with an error for its caller: `return fail(sink, "no");`.
static u32 fail(u32 sink, const char *message) {
    write_sink(sink, message, text_length(message));
    return 1;
}

static void log_line(u32 level, Bytes message) { console_log(level, 0, 0, 0, 0, -1u, message.at, message.count); }

// MARK: Rows

static u32 table_named(const char *name) {
    u32 id;
    if (table_id_from_name(name, text_length(name), &id) != 0) panic("a table is missing");
    return id;
}

static u32 index_named(const char *name) {
    u32 id;
    if (index_id_from_name(name, text_length(name), &id) != 0) panic("an index is missing");
    return id;
}

// The row with a key in a unique index; none if its count is 0. No row of these modules is larger than the buffer.
static Bytes find(u32 index, const void *key, u32 key_length) {
    u32 iterator;
    if (datastore_index_scan_point_bsatn(index, key, key_length, &iterator) != 0) panic("a key is none");
    Bytes row = {0};
    row.count = row.capacity = 20480;
    row.at = (u8 *)allocate(row.capacity);
    if (row_iter_bsatn_advance(iterator, row.at, &row.count) != -1) panic("a unique index has several rows");
    heap_next = row.at + row.count;
    row.capacity = row.count;
    return row;
}

// All rows of an iterator, one behind the other.
static Bytes read_rows(u32 iterator) {
    Bytes rows = {0};
    u32 room = 65536;
    for (;;) {
        u8 *piece = (u8 *)allocate(room);
        u32 count = room;
        i32 result = row_iter_bsatn_advance(iterator, piece, &count);
        if (result == BUFFER_TOO_SMALL) {
            room = count;
            continue;
        }
        if (result > 0) panic("an iterator is none");
        put(&rows, piece, count);
        if (result == -1) return rows;
    }
}

static Bytes scan(u32 table) {
    u32 iterator;
    if (datastore_table_scan_bsatn(table, &iterator) != 0) panic("a table cannot be scanned");
    return read_rows(iterator);
}

// Returns the error; the row's generated columns are in its first bytes then.
static u32 insert(u32 table, Bytes *row) { return datastore_insert_bsatn(table, row->at, &row->count); }

static u32 update(u32 table, u32 index, Bytes *row) {
    return datastore_update_bsatn(table, index, row->at, &row->count);
}

// MARK: Definitions

enum {
    TYPE_REF = 0, TYPE_SUM, TYPE_PRODUCT, TYPE_ARRAY, TYPE_STRING, TYPE_BOOL, TYPE_I8, TYPE_U8, TYPE_I16, TYPE_U16,
    TYPE_I32, TYPE_U32, TYPE_I64, TYPE_U64, TYPE_I128, TYPE_U128, TYPE_I256, TYPE_U256, TYPE_F32, TYPE_F64,
};

enum {
    SECTION_TYPESPACE = 0, SECTION_TYPES, SECTION_TABLES, SECTION_REDUCERS, SECTION_PROCEDURES, SECTION_VIEWS,
    SECTION_SCHEDULES, SECTION_LIFECYCLE, SECTION_RULES, SECTION_CASE_CONVERSION, SECTION_EXPLICIT_NAMES,
    SECTION_HANDLERS, SECTION_ROUTES, SECTION_VIEW_KEYS, SECTION_SUBMODULES,
};

enum { LIFECYCLE_INIT = 0, LIFECYCLE_CONNECT, LIFECYCLE_DISCONNECT };
enum { INDEX_BTREE = 0, INDEX_HASH, INDEX_DIRECT };
enum { ACCESS_PUBLIC = 0, ACCESS_PRIVATE };
enum { FUNCTION_PRIVATE = 0, FUNCTION_CALLABLE };

static void put_some_text(Bytes *bytes, const char *text) {
    put_u8(bytes, 0);
    put_text(bytes, text);
}

// A definition of version 10 while it is written: sections of items.
typedef struct {
    Bytes bytes;
    u32 section_count;
    // Where the number of items of the open section stands.
    u32 count_at;
} Definition;

static Definition begin_definition(void) {
    Definition definition = {0};
    put_u8(&definition.bytes, 2);
    put_u32(&definition.bytes, 0);
    return definition;
}

static void begin_section(Definition *definition, u8 tag) {
    put_u8(&definition->bytes, tag);
    definition->count_at = definition->bytes.count;
    put_u32(&definition->bytes, 0);
    definition->section_count++;
    __builtin_memcpy(definition->bytes.at + 1, &definition->section_count, 4);
}

// Begins an item of the open section.
static Bytes *item(Definition *definition) {
    u32 count;
    u8 *at = definition->bytes.at + definition->count_at;
    __builtin_memcpy(&count, at, 4);
    count++;
    __builtin_memcpy(at, &count, 4);
    return &definition->bytes;
}

// A module with a namespace inside of this one, as an item of the section of submodules: what was begun as a definition of its
// own, without what says its version.
static void put_submodule(Definition *definition, const char *name, const Definition *module) {
    Bytes *bytes = item(definition);
    put_text(bytes, name);
    put(bytes, module->bytes.at + 1, module->bytes.count - 1);
}

static void end_definition(Definition *definition, u32 sink) {
    write_sink(sink, definition->bytes.at, definition->bytes.count);
}

// A type that is a product of one named field.
static void put_wrapper_type(Bytes *bytes, const char *field, u8 type) {
    put_u8(bytes, TYPE_PRODUCT);
    put_u32(bytes, 1);
    put_some_text(bytes, field);
    put_u8(bytes, type);
}

static void put_identity_type(Bytes *bytes) { put_wrapper_type(bytes, "__identity__", TYPE_U256); }

static void put_timestamp_type(Bytes *bytes) {
    put_wrapper_type(bytes, "__timestamp_micros_since_unix_epoch__", TYPE_I64);
}

static void put_schedule_type(Bytes *bytes) {
    put_u8(bytes, TYPE_SUM);
    put_u32(bytes, 2);
    put_some_text(bytes, "Interval");
    put_wrapper_type(bytes, "__time_duration_micros__", TYPE_I64);
    put_some_text(bytes, "Time");
    put_timestamp_type(bytes);
}

static void put_unit_type(Bytes *bytes) {
    put_u8(bytes, TYPE_PRODUCT);
    put_u32(bytes, 0);
}

static void put_ref_type(Bytes *bytes, u32 ref) {
    put_u8(bytes, TYPE_REF);
    put_u32(bytes, ref);
}

// A row type, as an item of the typespace; its fields follow.
static void begin_product(Definition *definition, u32 field_count) {
    Bytes *bytes = item(definition);
    put_u8(bytes, TYPE_PRODUCT);
    put_u32(bytes, field_count);
}

// A field or parameter of a plain type.
static void put_field(Definition *definition, const char *name, u8 type) {
    put_some_text(&definition->bytes, name);
    put_u8(&definition->bytes, type);
}

// The name of a type of the typespace.
static void put_type_name(Definition *definition, const char *name, u32 ref) {
    Bytes *bytes = item(definition);
    put_u32(bytes, 0);
    put_text(bytes, name);
    put_u32(bytes, ref);
    put_u8(bytes, 1);
}

// An index of a table; up to three columns.
typedef struct {
    const char *name, *accessor;
    u8 algorithm, column_count;
    u16 columns[3];
} IndexPart;

// A table, as far as these modules need: `key` and `unique` are columns, -1 for none, `sequence` likewise.
typedef struct {
    const char *name;
    u32 ref;
    i32 key, sequence;
    u8 access;
    u32 unique_count;
    u16 unique[4];
    u32 index_count;
    IndexPart indexes[5];
} TablePart;

static void put_sequence(Bytes *bytes, i32 column) {
    put_u32(bytes, column >= 0);
    if (column < 0) return;
    // No name, start or bounds; an increment of 1, of 16 bytes.
    put_u8(bytes, 1);
    put_u16(bytes, column);
    for (u32 i = 0; i < 3; i++) put_u8(bytes, 1);
    put_u64(bytes, 1);
    put_u64(bytes, 0);
}

static void put_key_indexes_constraints(Bytes *bytes, const TablePart *table) {
    put_u32(bytes, table->key >= 0);
    if (table->key >= 0) put_u16(bytes, table->key);
    put_u32(bytes, table->index_count);
    for (u32 i = 0; i < table->index_count; i++) {
        const IndexPart *index = &table->indexes[i];
        put_some_text(bytes, index->name);
        put_some_text(bytes, index->accessor);
        put_u8(bytes, index->algorithm);
        if (index->algorithm != INDEX_DIRECT) put_u32(bytes, index->column_count);
        for (u32 column = 0; column < index->column_count; column++) put_u16(bytes, index->columns[column]);
    }
    put_u32(bytes, table->unique_count);
    for (u32 i = 0; i < table->unique_count; i++) {
        put_u8(bytes, 1);
        put_u8(bytes, 0);
        put_u32(bytes, 1);
        put_u16(bytes, table->unique[i]);
    }
}

static void put_table(Definition *definition, TablePart table) {
    Bytes *bytes = item(definition);
    put_text(bytes, table.name);
    put_u32(bytes, table.ref);
    put_key_indexes_constraints(bytes, &table);
    put_sequence(bytes, table.sequence);
    put_u8(bytes, 1);
    put_u8(bytes, table.access);
    put_u32(bytes, 0);
    put_u8(bytes, 0);
}

// A reducer; `begin_reducer`, its parameters, `end_reducer`.
static void begin_reducer(Definition *definition, const char *name, u32 parameter_count) {
    Bytes *bytes = item(definition);
    put_text(bytes, name);
    put_u32(bytes, parameter_count);
}

static void end_reducer(Definition *definition, u8 visibility) {
    put_u8(&definition->bytes, visibility);
    put_unit_type(&definition->bytes);
    put_u8(&definition->bytes, TYPE_STRING);
}

static void put_lifecycle(Definition *definition, u8 lifecycle, const char *reducer) {
    Bytes *bytes = item(definition);
    put_u8(bytes, lifecycle);
    put_text(bytes, reducer);
}

static void put_schedule(Definition *definition, const char *table, u16 column, const char *function) {
    Bytes *bytes = item(definition);
    put_u8(bytes, 1);
    put_text(bytes, table);
    put_u16(bytes, column);
    put_text(bytes, function);
}
