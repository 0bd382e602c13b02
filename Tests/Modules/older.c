// People with numbers, defined as older module libraries do: `VERSION` is 8 or 9.
#include "spacetime.h"

#if VERSION == 8
#define KEY "idx_person_id_primary_key_auto_unique"
#else
#define KEY "person_by_id"
#endif

static void put_person_type(Bytes *bytes) {
    put_u8(bytes, TYPE_PRODUCT);
    put_u32(bytes, 2);
    put_some_text(bytes, "id");
    put_u8(bytes, TYPE_U64);
    put_some_text(bytes, "name");
    put_u8(bytes, TYPE_STRING);
}

static void put_parameters(Bytes *bytes, u32 reducer) {
    put_u32(bytes, reducer);
    if (reducer == 2) {
        put_some_text(bytes, "id");
        put_u8(bytes, TYPE_U64);
    }
    if (reducer > 0) {
        put_some_text(bytes, "name");
        put_u8(bytes, TYPE_STRING);
    }
}

#if VERSION == 8
static void put_definition(Bytes *bytes) {
    put_u8(bytes, 0);
    put_u32(bytes, 1);
    put_person_type(bytes);
    // One table: its columns, no indexes, one constraint PRIMARY_KEY_AUTO, no sequences.
    put_u32(bytes, 1);
    put_text(bytes, "person");
    put_u32(bytes, 2);
    put_text(bytes, "id");
    put_u8(bytes, TYPE_U64);
    put_text(bytes, "name");
    put_u8(bytes, TYPE_STRING);
    put_u32(bytes, 0);
    put_u32(bytes, 1);
    put_text(bytes, "ct_person_id_primary_key_auto");
    put_u8(bytes, 15);
    put_u32(bytes, 1);
    put_u16(bytes, 0);
    put_u32(bytes, 0);
    put_text(bytes, "user");
    put_text(bytes, "public");
    put_u8(bytes, 1);
    put_u32(bytes, 0);
    put_u32(bytes, 3);
    for (u32 reducer = 0; reducer < 3; reducer++) {
        put_text(bytes, reducer == 0 ? "__init__" : reducer == 1 ? "add" : "rename");
        put_parameters(bytes, reducer);
    }
    // An alias gives the type its name.
    put_u32(bytes, 1);
    put_u8(bytes, 0);
    put_text(bytes, "Person");
    put_u32(bytes, 0);
}
#else
static void put_definition(Bytes *bytes) {
    put_u8(bytes, 1);
    put_u32(bytes, 1);
    put_person_type(bytes);
    put_u32(bytes, 1);
    put_text(bytes, "person");
    put_u32(bytes, 0);
    TablePart person = {
        .key = 0, .unique_count = 1, .unique = {0}, .index_count = 1, .indexes = {{KEY, "id", INDEX_BTREE, 1, {0}}},
    };
    put_key_indexes_constraints(bytes, &person);
    put_sequence(bytes, 0);
    // No schedule; a user's table, and public.
    put_u8(bytes, 1);
    put_u8(bytes, 1);
    put_u8(bytes, ACCESS_PUBLIC);
    put_u32(bytes, 3);
    for (u32 reducer = 0; reducer < 3; reducer++) {
        put_text(bytes, reducer == 0 ? "begin" : reducer == 1 ? "add" : "rename");
        put_parameters(bytes, reducer);
        if (reducer == 0) {
            put_u8(bytes, 0);
            put_u8(bytes, LIFECYCLE_INIT);
        } else {
            put_u8(bytes, 1);
        }
    }
    put_u32(bytes, 1);
    put_u32(bytes, 0);
    put_text(bytes, "Person");
    put_u32(bytes, 0);
    put_u8(bytes, 1);
    // No further exports, no rules.
    put_u32(bytes, 0);
    put_u32(bytes, 0);
}
#endif

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Bytes bytes = {0};
    put_definition(&bytes);
    write_sink(sink, bytes.at, bytes.count);
    leave();
}

static u32 add(Bytes name, u32 sink) {
    if (name.count == 0) return fail(sink, "a person has a name");
    Bytes row = {0};
    put_u64(&row, 0);
    put_array(&row, name.at, name.count);
    return insert(table_named("person"), &row);
}

static u32 rename_person(Reader reader, u32 sink) {
    Bytes row = {0};
    put(&row, reader.at, reader.count);
    return update(table_named("person"), index_named(KEY), &row) == 0 ? 0 : fail(sink, "there is no such person");
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    enter();
    Reader reader = read_arguments(arguments);
    u32 result = id == 0   ? add((Bytes){(u8 *)"first", 5, 5}, sink)
                 : id == 1 ? add(take_array(&reader), sink)
                           : rename_person(reader, sink);
    leave();
    return result;
}
