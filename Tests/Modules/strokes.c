// What a game's server does all day, one stroke per reducer: for the benchmarks, which have the same in Swift.
#include "spacetime.h"

enum { CELL_COUNT = 16384, CHUNK_COUNT = 16, PLACE_COUNT = 4 };

static u32 particles, mobiles, chunks, slots, totals;
static u32 mobile_by_id, chunk_by_id, slot_by_id, slot_by_place, total_by_id;

static void look_up(void) {
    if (particles != 0) return;
    particles = table_named("Particle");
    mobiles = table_named("Mobile");
    chunks = table_named("Chunk");
    slots = table_named("Slot");
    totals = table_named("Total");
    mobile_by_id = index_named("Mobile_id_idx_hash");
    chunk_by_id = index_named("Chunk_id_idx_hash");
    slot_by_id = index_named("Slot_id_idx_hash");
    slot_by_place = index_named("Slot_owner_kind_place_idx_btree");
    total_by_id = index_named("Total_id_idx_hash");
}

typedef struct __attribute__((packed)) {
    u64 id, owner;
    i32 x, y;
} Particle;

typedef struct __attribute__((packed)) {
    u64 id;
    i32 x, y;
    u32 health;
} Mobile;

typedef struct __attribute__((packed)) {
    u64 id, owner;
    u32 kind, place, amount;
} Slot;

typedef struct __attribute__((packed)) {
    u32 id;
    u64 value;
} Total;

typedef struct __attribute__((packed)) {
    u64 id;
    u32 cell_count;
    u8 cells[CELL_COUNT];
} Chunk;

static Chunk chunk;
static u8 page[65536];

static void read_call(u32 source, void *to, u32 count) {
    u32 length = count;
    if (bytes_source_read(source, to, &length) != -1 || length != count) panic("the arguments are none");
}

static void add_row(u32 table, void *row, u32 count) {
    if (datastore_insert_bsatn(table, row, &count) != 0) panic("a row is there already");
}

static void set_row(u32 table, u32 index, void *row, u32 count) {
    if (datastore_update_bsatn(table, index, row, &count) != 0) panic("a row is gone");
}

// The only row with a key.
static void get_row(u32 index, const void *key, u32 key_length, void *row, u32 count) {
    u32 iterator, length = count;
    if (datastore_index_scan_point_bsatn(index, key, key_length, &iterator) != 0) panic("a key is none");
    if (row_iter_bsatn_advance(iterator, row, &length) != -1 || length != count) panic("a row is gone");
}

// MARK: Strokes

static void cross(u32 arguments) {
    u32 count;
    read_call(arguments, &count, sizeof count);
    // What costs a host least: to find that there is no such iterator.
    for (u32 i = 0; i < count; i++) row_iter_bsatn_close(0);
}

static void insert_particles(u32 arguments) {
    struct __attribute__((packed)) {
        u64 first;
        u32 count;
    } call;
    read_call(arguments, &call, sizeof call);
    for (u64 id = call.first; id < call.first + call.count; id++) {
        Particle particle = {id, id / 10, (i32)(id % 1000), (i32)id};
        add_row(particles, &particle, sizeof particle);
    }
}

static void scan_particles(void) {
    u32 iterator;
    if (datastore_table_scan_bsatn(particles, &iterator) != 0) panic("a table cannot be scanned");
    Total total = {0, 0};
    i32 result;
    do {
        u32 count = sizeof page;
        result = row_iter_bsatn_advance(iterator, page, &count);
        if (result > 0) panic("an iterator is none");
        const Particle *all = (const Particle *)page;
        for (u32 i = 0; i < count / sizeof(Particle); i++) total.value += all[i].id ^ (u64)(i64)all[i].x;
    } while (result == 0);
    set_row(totals, total_by_id, &total, sizeof total);
}

static void fill(u32 arguments) {
    u64 players;
    read_call(arguments, &players, sizeof players);
    Total total = {0, 0};
    add_row(totals, &total, sizeof total);
    chunk.cell_count = CELL_COUNT;
    for (u64 id = 0; id < CHUNK_COUNT; id++) {
        chunk.id = id;
        for (u32 i = 0; i < CELL_COUNT; i++) chunk.cells[i] = (u8)(id * 7 + i);
        add_row(chunks, &chunk, sizeof chunk);
    }
    for (u64 id = 0; id < players; id++) {
        Mobile mobile = {id, 0, 0, 100};
        add_row(mobiles, &mobile, sizeof mobile);
        for (u32 place = 0; place < PLACE_COUNT; place++) {
            Slot slot = {id * PLACE_COUNT + place, id, 1, place, 0};
            add_row(slots, &slot, sizeof slot);
        }
    }
}

// Twenty reads by key, one of them of a large row; a look-up by three columns; three updates.
static void step(u32 arguments) {
    struct __attribute__((packed)) {
        u64 player, players;
        u32 time;
    } call;
    read_call(arguments, &call, sizeof call);
    Mobile own, near, other;
    u64 neighbour = (call.player + 1) % call.players, chunk_id = call.player % CHUNK_COUNT;
    get_row(mobile_by_id, &call.player, 8, &own, sizeof own);
    get_row(mobile_by_id, &neighbour, 8, &near, sizeof near);
    u32 sum = 0;
    for (u64 i = 1; i <= 17; i++) {
        u64 id = (call.player * 31 + i * 7) % call.players;
        get_row(mobile_by_id, &id, 8, &other, sizeof other);
        sum += other.health;
    }
    get_row(chunk_by_id, &chunk_id, 8, &chunk, sizeof chunk);
    sum += chunk.cells[call.time % CELL_COUNT];
    struct __attribute__((packed)) {
        u64 owner;
        u32 kind, place;
    } key = {call.player, 1, call.time % PLACE_COUNT};
    Slot slot;
    get_row(slot_by_place, &key, sizeof key, &slot, sizeof slot);
    own.x += 1;
    own.health = 50 + sum % 51;
    near.y += 1;
    slot.amount += sum & 7;
    set_row(mobiles, mobile_by_id, &own, sizeof own);
    set_row(mobiles, mobile_by_id, &near, sizeof near);
    set_row(slots, slot_by_id, &slot, sizeof slot);
}

static void stumble(u32 arguments) {
    u32 number;
    read_call(arguments, &number, sizeof number);
    if (number % 3 == 0) panic("it fell");
}

// MARK: Definition

static void put_plain_table(Definition *definition, TablePart table) {
    table.key = 0;
    table.sequence = -1;
    table.unique_count = 1;
    put_table(definition, table);
}

static void describe_tables(Definition *definition) {
    Bytes *bytes = &definition->bytes;
    begin_section(definition, SECTION_TYPESPACE);
    begin_product(definition, 4);
    put_field(definition, "id", TYPE_U64);
    put_field(definition, "owner", TYPE_U64);
    put_field(definition, "x", TYPE_I32);
    put_field(definition, "y", TYPE_I32);
    begin_product(definition, 4);
    put_field(definition, "id", TYPE_U64);
    put_field(definition, "x", TYPE_I32);
    put_field(definition, "y", TYPE_I32);
    put_field(definition, "health", TYPE_U32);
    begin_product(definition, 2);
    put_field(definition, "id", TYPE_U64);
    put_some_text(bytes, "cells");
    put_u8(bytes, TYPE_ARRAY);
    put_u8(bytes, TYPE_U8);
    begin_product(definition, 5);
    put_field(definition, "id", TYPE_U64);
    put_field(definition, "owner", TYPE_U64);
    put_field(definition, "kind", TYPE_U32);
    put_field(definition, "place", TYPE_U32);
    put_field(definition, "amount", TYPE_U32);
    begin_product(definition, 2);
    put_field(definition, "id", TYPE_U32);
    put_field(definition, "value", TYPE_U64);
    begin_section(definition, SECTION_TYPES);
    put_type_name(definition, "Particle", 0);
    put_type_name(definition, "Mobile", 1);
    put_type_name(definition, "Chunk", 2);
    put_type_name(definition, "Slot", 3);
    put_type_name(definition, "Total", 4);
    begin_section(definition, SECTION_TABLES);
    put_plain_table(definition, (TablePart){
        .name = "Particle", .ref = 0, .index_count = 2,
        .indexes = {{"Particle_id_idx_hash", "id", INDEX_HASH, 1, {0}},
                    {"Particle_owner_idx_btree", "owner", INDEX_BTREE, 1, {1}}},
    });
    put_plain_table(definition, (TablePart){
        .name = "Mobile", .ref = 1, .index_count = 1, .indexes = {{"Mobile_id_idx_hash", "id", INDEX_HASH, 1, {0}}},
    });
    put_plain_table(definition, (TablePart){
        .name = "Chunk", .ref = 2, .index_count = 1, .indexes = {{"Chunk_id_idx_hash", "id", INDEX_HASH, 1, {0}}},
    });
    put_plain_table(definition, (TablePart){
        .name = "Slot", .ref = 3, .index_count = 2,
        .indexes = {{"Slot_id_idx_hash", "id", INDEX_HASH, 1, {0}},
                    {"Slot_owner_kind_place_idx_btree", "byPlace", INDEX_BTREE, 3, {1, 2, 3}}},
    });
    put_plain_table(definition, (TablePart){
        .name = "Total", .ref = 4, .index_count = 1, .indexes = {{"Total_id_idx_hash", "id", INDEX_HASH, 1, {0}}},
    });
}

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Definition definition = begin_definition();
    describe_tables(&definition);
    begin_section(&definition, SECTION_REDUCERS);
    begin_reducer(&definition, "nothing", 0);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "cross", 1);
    put_field(&definition, "count", TYPE_U32);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "insertParticles", 2);
    put_field(&definition, "first", TYPE_U64);
    put_field(&definition, "count", TYPE_U32);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "scanParticles", 0);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "fill", 1);
    put_field(&definition, "players", TYPE_U64);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "step", 3);
    put_field(&definition, "player", TYPE_U64);
    put_field(&definition, "players", TYPE_U64);
    put_field(&definition, "time", TYPE_U32);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "stumble", 1);
    put_field(&definition, "number", TYPE_U32);
    end_reducer(&definition, FUNCTION_CALLABLE);
    end_definition(&definition, sink);
    leave();
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    if (id == 0) return 0;
    look_up();
    switch (id) {
    case 1: cross(arguments); break;
    case 2: insert_particles(arguments); break;
    case 3: scan_particles(); break;
    case 4: fill(arguments); break;
    case 5: step(arguments); break;
    case 6: stumble(arguments); break;
    default: panic("there is no such reducer");
    }
    return 0;
}
