// A garden in C++: plants that grow by themselves, seen through views, sown by a procedure, counted over HTTP. Has a function
// of every kind that a module can have, as a program has them, and a constructor that must have run before all of them.
#include "spacetime.h"

extern "C" void __wasm_call_ctors();

namespace {

struct Identity {
    u64 words[4];

    bool operator==(const Identity &other) const { return is_equal(this, &other, sizeof *this); }
};

struct Plant {
    u64 id;
    Identity owner;
    Bytes name;
    u32 height;

    static Plant read(Reader &reader) {
        Plant plant;
        plant.id = take_u64(&reader);
        take(&reader, &plant.owner, sizeof plant.owner);
        plant.name = take_array(&reader);
        plant.height = take_u32(&reader);
        return plant;
    }

    Bytes row() const {
        Bytes row = {};
        put_u64(&row, id);
        put(&row, &owner, sizeof owner);
        put_array(&row, name.at, name.count);
        put_u32(&row, height);
        return row;
    }
};

// Counts how many functions the module has, before anybody asks.
struct Constructed {
    u32 magic;

    Constructed() : magic(0x6a7d) {}
} constructed;

u32 plants() { return table_named("plant"); }

void sow(Identity owner, Bytes name) {
    Bytes row = Plant{0, owner, name, 0}.row();
    if (insert(plants(), &row) != 0) panic("a plant was not sown");
}

template <typename Body> void for_each_plant(Body body) {
    Reader reader = reader_of(scan(plants()));
    while (reader.count > 0) body(Plant::read(reader));
}

void log_text(const char *text) { log_line(LOG_INFO, {(u8 *)text, text_length(text), 0}); }

// MARK: Reducers

void set_up() {
    Bytes timer = {};
    put_u64(&timer, 0);
    put_u8(&timer, 0);
    put_u64(&timer, 1000000);
    if (insert(table_named("season"), &timer) != 0) panic("there is no season");
}

void grow() {
    u32 by_id = index_named("plant_id_idx_btree");
    for_each_plant([&](Plant plant) {
        plant.height++;
        Bytes row = plant.row();
        if (update(plants(), by_id, &row) != 0) panic("a plant is gone");
    });
}

// Has `deliver` called at a time.
void order(Reader arguments) {
    Bytes row = {};
    put_u64(&row, 0);
    put_u8(&row, 1);
    put_u64(&row, take_u64(&arguments));
    if (insert(table_named("delivery"), &row) != 0) panic("nothing was ordered");
}

// MARK: Procedures

void begin() {
    i64 now;
    if (procedure_start_mut_tx(&now) != 0) panic("a transaction is open");
}

void commit() {
    if (procedure_commit_mut_tx() != 0) panic("no transaction is open");
}

// Sows twice, in two transactions, and takes a third back. Returns how many plants there are then.
u64 sow_twice(Identity owner, Reader arguments) {
    Bytes name = take_array(&arguments);
    u64 count;
    for (u32 i = 0; i < 2; i++) {
        begin();
        sow(owner, name);
        commit();
    }
    begin();
    sow(owner, name);
    if (procedure_abort_mut_tx() != 0) panic("no transaction is open");
    begin();
    if (datastore_table_row_count(plants(), &count) != 0) panic("there are no plants");
    commit();
    return count;
}

// What a server answers, or why it does not.
Bytes fetch(Reader arguments) {
    Bytes url = take_array(&arguments), request = {};
    put_u8(&request, 0);
    put_u32(&request, 0);
    put_u8(&request, 1);
    put_array(&request, url.at, url.count);
    put_u8(&request, 2);
    u32 answer[2];
    u32 error = procedure_http_request(request.at, request.count, "", 0, answer);
    if (error == 0) return read_source(answer[1]);
    Reader message = reader_of(read_source(answer[0]));
    return take_array(&message);
}

// MARK: Definition

void describe_tables(Definition *definition) {
    Bytes *bytes = &definition->bytes;
    begin_section(definition, SECTION_TYPESPACE);
    begin_product(definition, 4);
    put_field(definition, "id", TYPE_U64);
    put_some_text(bytes, "owner");
    put_identity_type(bytes);
    put_field(definition, "name", TYPE_STRING);
    put_field(definition, "height", TYPE_U32);
    for (u32 timers = 0; timers < 2; timers++) {
        begin_product(definition, 2);
        put_field(definition, "id", TYPE_U64);
        put_some_text(bytes, "when");
        put_schedule_type(bytes);
    }
    begin_section(definition, SECTION_TYPES);
    put_type_name(definition, "Plant", 0);
    put_type_name(definition, "Season", 1);
    put_type_name(definition, "Delivery", 2);
    begin_section(definition, SECTION_TABLES);
    TablePart plant = {"plant", 0, 0, 0, ACCESS_PUBLIC, 1, {0}, 2, {}};
    plant.indexes[0] = {"plant_id_idx_btree", "id", INDEX_BTREE, 1, {0}};
    plant.indexes[1] = {"plant_owner_idx_hash", "owner", INDEX_HASH, 1, {1}};
    put_table(definition, plant);
    TablePart season = {"season", 1, 0, 0, ACCESS_PRIVATE, 1, {0}, 1, {}};
    season.indexes[0] = {"season_id_idx_hash", "id", INDEX_HASH, 1, {0}};
    put_table(definition, season);
    TablePart delivery = {"delivery", 2, 0, 0, ACCESS_PRIVATE, 1, {0}, 1, {}};
    delivery.indexes[0] = {"delivery_id_idx_hash", "id", INDEX_HASH, 1, {0}};
    put_table(definition, delivery);
    begin_section(definition, SECTION_SCHEDULES);
    put_schedule(definition, "season", 1, "grow");
    put_schedule(definition, "delivery", 1, "deliver");
}

void describe_reducers(Definition *definition) {
    begin_section(definition, SECTION_REDUCERS);
    const char *hooks[] = {"set_up", "come", "go"};
    for (const char *name : hooks) {
        begin_reducer(definition, name, 0);
        end_reducer(definition, FUNCTION_PRIVATE);
    }
    begin_reducer(definition, "sow", 1);
    put_field(definition, "name", TYPE_STRING);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "grow", 1);
    put_some_text(&definition->bytes, "season");
    put_ref_type(&definition->bytes, 1);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_reducer(definition, "order", 1);
    put_field(definition, "when", TYPE_I64);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_section(definition, SECTION_LIFECYCLE);
    put_lifecycle(definition, LIFECYCLE_INIT, "set_up");
    put_lifecycle(definition, LIFECYCLE_CONNECT, "come");
    put_lifecycle(definition, LIFECYCLE_DISCONNECT, "go");
}

void describe_others(Definition *definition) {
    begin_section(definition, SECTION_PROCEDURES);
    Bytes *bytes = item(definition);
    put_text(bytes, "sow_twice");
    put_u32(bytes, 1);
    put_field(definition, "name", TYPE_STRING);
    put_u8(bytes, TYPE_U64);
    put_u8(bytes, FUNCTION_CALLABLE);
    bytes = item(definition);
    put_text(bytes, "fetch");
    put_u32(bytes, 1);
    put_field(definition, "url", TYPE_STRING);
    put_u8(bytes, TYPE_STRING);
    put_u8(bytes, FUNCTION_CALLABLE);
    bytes = item(definition);
    put_text(bytes, "deliver");
    put_u32(bytes, 1);
    put_some_text(bytes, "delivery");
    put_ref_type(bytes, 2);
    put_unit_type(bytes);
    put_u8(bytes, FUNCTION_PRIVATE);

    begin_section(definition, SECTION_VIEWS);
    // The caller's plants, as rows.
    bytes = item(definition);
    put_text(bytes, "mine");
    put_u32(bytes, 0);
    put_u8(bytes, 1);
    put_u8(bytes, 0);
    put_u32(bytes, 0);
    put_u8(bytes, TYPE_ARRAY);
    put_ref_type(bytes, 0);
    // The high plants, as a query.
    bytes = item(definition);
    put_text(bytes, "high");
    put_u32(bytes, 0);
    put_u8(bytes, 1);
    put_u8(bytes, 1);
    put_u32(bytes, 0);
    put_u8(bytes, TYPE_PRODUCT);
    put_u32(bytes, 1);
    put_some_text(bytes, "__query__");
    put_ref_type(bytes, 0);

    begin_section(definition, SECTION_HANDLERS);
    put_text(item(definition), "count");
    begin_section(definition, SECTION_ROUTES);
    bytes = item(definition);
    put_text(bytes, "count");
    put_u8(bytes, 1);
    put_u8(bytes, 0);
    put_text(bytes, "/count");
}

}  // namespace

EXPORT(_initialize) void initialize() { __wasm_call_ctors(); }

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    if (constructed.magic != 0x6a7d) panic("the constructors have not run");
    Definition definition = begin_definition();
    describe_tables(&definition);
    describe_reducers(&definition);
    describe_others(&definition);
    end_definition(&definition, sink);
    leave();
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    enter();
    Identity sender = {{sender_0, sender_1, sender_2, sender_3}};
    u32 result = 0;
    switch (id) {
    case 0: set_up(); break;
    case 1: log_text("somebody comes"); break;
    case 2: log_text("somebody goes"); break;
    case 3: {
        Reader reader = read_arguments(arguments);
        Bytes name = take_array(&reader);
        if (name.count == 0) {
            result = fail(sink, "a plant needs a name");
        } else {
            sow(sender, name);
        }
        break;
    }
    case 4: grow(); break;
    case 5: order(read_arguments(arguments)); break;
    default: panic("there is no such reducer");
    }
    leave();
    return result;
}

EXPORT(__call_procedure__) u32 call_procedure(CALL_PARAMETERS) {
    enter();
    Identity sender = {{sender_0, sender_1, sender_2, sender_3}};
    Bytes result = {};
    switch (id) {
    case 0: put_u64(&result, sow_twice(sender, read_arguments(arguments))); break;
    case 1: {
        Bytes text = fetch(read_arguments(arguments));
        put_array(&result, text.at, text.count);
        break;
    }
    case 2:
        begin();
        sow(sender, {(u8 *)"delivered", 9, 0});
        commit();
        break;
    default: panic("there is no such procedure");
    }
    write_sink(sink, result.at, result.count);
    leave();
    return 0;
}

EXPORT(__call_view__)
u32 call_view(u32 id, u64 sender_0, u64 sender_1, u64 sender_2, u64 sender_3, u32 arguments, u32 sink) {
    enter();
    Identity sender = {{sender_0, sender_1, sender_2, sender_3}};
    u32 iterator, count = 0;
    if (datastore_index_scan_point_bsatn(index_named("plant_owner_idx_hash"), &sender, sizeof sender, &iterator)) {
        panic("an owner is no key");
    }
    Bytes rows = read_rows(iterator), result = {};
    for (Reader reader = reader_of(rows); reader.count > 0; count++) {
        if (!(Plant::read(reader).owner == sender)) panic("somebody else's plant");
    }
    put_u8(&result, 0);
    put_u32(&result, count);
    put(&result, rows.at, rows.count);
    write_sink(sink, result.at, result.count);
    leave();
    return 2;
}

EXPORT(__call_view_anon__) u32 call_view_anon(u32 id, u32 arguments, u32 sink) {
    enter();
    Bytes result = {};
    put_u8(&result, 1);
    put_text(&result, "SELECT * FROM plant WHERE height >= 3");
    write_sink(sink, result.at, result.count);
    leave();
    return 2;
}

EXPORT(__call_http_handler__)
u32 call_handler(u32 id, i64 timestamp, u32 request, u32 body, u32 response_sink, u32 body_sink) {
    enter();
    u64 count;
    begin();
    if (datastore_table_row_count(plants(), &count) != 0) panic("there are no plants");
    commit();
    u8 digits[20];
    u32 at = sizeof digits;
    do digits[--at] = '0' + count % 10; while (count /= 10);
    write_sink(body_sink, digits + at, sizeof digits - at);
    Bytes response = {};
    put_u32(&response, 0);
    put_u8(&response, 2);
    put_u16(&response, 200);
    write_sink(response_sink, response.at, response.count);
    leave();
    return 0;
}
