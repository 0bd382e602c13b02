// The chat of `Examples/Chat` in C: the same definition, the same behaviour, to the letter. `chat.rs` is it in Rust.
#include "spacetime.h"

enum { NAME_LIMIT = 64, TEXT_LIMIT = 16000 };

static u32 users, rooms, messages, sweeps, user_by_identity, user_by_name, room_by_name;

static void look_up(void) {
    if (users != 0) return;
    users = table_named("User");
    rooms = table_named("Room");
    messages = table_named("Message");
    sweeps = table_named("Sweep");
    user_by_identity = index_named("User_identity_idx_hash");
    user_by_name = index_named("User_name_idx_hash");
    room_by_name = index_named("Room_name_idx_hash");
}

// MARK: Texts

static Bytes text(const char *text) {
    u32 length = text_length(text);
    return (Bytes){(u8 *)text, length, length};
}

static Bytes joined(Bytes first, Bytes second, Bytes third) {
    Bytes all = {0};
    put(&all, first.at, first.count);
    put(&all, second.at, second.count);
    put(&all, third.at, third.count);
    return all;
}

static u32 fail_with(u32 sink, const char *before, Bytes name, const char *after) {
    Bytes message = joined(text(before), name, text(after));
    write_sink(sink, message.at, message.count);
    return 1;
}

// The character of UTF-8 that begins at an offset.
static u32 character(Bytes text, u32 at) {
    u8 first = text.at[at];
    u32 more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    u32 value = more == 0 ? first : first & (0x3f >> more);
    for (u32 i = 1; i <= more; i++) value = value << 6 | (text.at[at + i] & 0x3f);
    return value;
}

// Unicode's property White_Space.
static int is_blank(u32 character) {
    return (character >= 9 && character <= 13) || character == ' ' || character == 0x85 || character == 0xa0 ||
           character == 0x1680 || (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
           character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

// Returns 0 if a name may be taken.
static u32 check_name(Bytes name, u32 sink) {
    if (name.count == 0 || name.count > NAME_LIMIT) return fail(sink, "a name has 1 to 64 bytes");
    u32 last = name.count - 1;
    while ((name.at[last] & 0xc0) == 0x80) last--;
    if (is_blank(character(name, 0)) || is_blank(character(name, last))) {
        return fail(sink, "a name does not begin or end with a blank");
    }
    return 0;
}

// MARK: Rows

typedef struct {
    u64 words[4];
} Identity;

typedef struct {
    Identity identity;
    Bytes name;
    u8 is_online;
    u32 connections;
    // Whether there is a row of it.
    int is_known;
} User;

static Bytes guest_name(Identity identity) {
    u8 *digits = (u8 *)allocate(8);
    for (u32 i = 0; i < 8; i++) digits[i] = "0123456789abcdef"[identity.words[0] >> (28 - 4 * i) & 15];
    return (Bytes){digits, 8, 8};
}

static User take_user(Reader *reader) {
    User user;
    take(reader, &user.identity, sizeof user.identity);
    user.name = take_array(reader);
    user.is_online = take_u8(reader);
    user.connections = take_u32(reader);
    user.is_known = 1;
    return user;
}

// The user, or who the user would be.
static User find_user(Identity identity) {
    Bytes row = find(user_by_identity, &identity, sizeof identity);
    if (row.count == 0) return (User){identity, guest_name(identity), 0, 0, 0};
    Reader reader = reader_of(row);
    return take_user(&reader);
}

static u32 store_user(User user, u32 sink) {
    Bytes row = {0};
    put(&row, &user.identity, sizeof user.identity);
    put_array(&row, user.name.at, user.name.count);
    put_u8(&row, user.is_online);
    put_u32(&row, user.connections);
    u32 error = user.is_known ? update(users, user_by_identity, &row) : insert(users, &row);
    return error == 0 ? 0 : fail(sink, "a user has that name already");
}

static u32 insert_room(Bytes name, i64 created) {
    Bytes row = {0};
    put_array(&row, name.at, name.count);
    put_u64(&row, created);
    put_u32(&row, 0);
    return insert(rooms, &row);
}

// MARK: Reducers

static u32 set_up(i64 now) {
    if (insert_room(text("lobby"), now) != 0) panic("there is a lobby already");
    Bytes sweep = {0};
    put_u64(&sweep, 0);
    put_u8(&sweep, 0);
    put_u64(&sweep, 3600000000ull);
    return insert(sweeps, &sweep);
}

static u32 connected(Identity sender, u32 sink) {
    User user = find_user(sender);
    user.connections++;
    user.is_online = 1;
    return store_user(user, sink);
}

static u32 disconnected(Identity sender, u32 sink) {
    User user = find_user(sender);
    if (!user.is_known) return 0;
    user.connections--;
    user.is_online = user.connections > 0;
    return store_user(user, sink);
}

static u32 rename_user(Identity sender, Reader reader, u32 sink) {
    Bytes name = take_array(&reader);
    if (check_name(name, sink) != 0) return 1;
    User user = find_user(sender);
    Bytes key = {0};
    put_array(&key, name.at, name.count);
    Bytes row = find(user_by_name, key.at, key.count);
    if (row.count > 0 && !is_equal(row.at, &sender, sizeof sender)) return fail_with(sink, "the name ", name, " is taken");
    log_line(LOG_INFO, joined(user.name, text(" is called "), name));
    user.name = name;
    return store_user(user, sink);
}

static u32 open_room(Reader reader, i64 now, u32 sink) {
    Bytes room = take_array(&reader);
    if (check_name(room, sink) != 0) return 1;
    Bytes key = {0};
    put_array(&key, room.at, room.count);
    if (find(room_by_name, key.at, key.count).count > 0) return fail_with(sink, "there is a room ", room, " already");
    return insert_room(room, now);
}

static u32 send(Identity sender, Reader reader, i64 now, u32 sink) {
    Bytes room = take_array(&reader), said = take_array(&reader);
    if (said.count == 0 || said.count > TEXT_LIMIT) return fail(sink, "a message has 1 to 16000 bytes");
    Bytes key = {0};
    put_array(&key, room.at, room.count);
    Bytes place = find(room_by_name, key.at, key.count);
    if (place.count == 0) return fail_with(sink, "there is no room ", room, "");
    u32 count;
    u8 *count_at = place.at + place.count - 4;
    __builtin_memcpy(&count, count_at, 4);
    count++;
    __builtin_memcpy(count_at, &count, 4);
    if (update(rooms, room_by_name, &place) != 0) panic("a room is gone");
    Bytes row = {0};
    put_u64(&row, 0);
    put(&row, &sender, sizeof sender);
    Bytes author = find_user(sender).name;
    put_array(&row, author.at, author.count);
    put_array(&row, room.at, room.count);
    put_u64(&row, now);
    put_array(&row, said.at, said.count);
    return insert(messages, &row);
}

static u32 forget_guests(void) {
    Reader reader = reader_of(scan(users));
    while (reader.count > 0) {
        User user = take_user(&reader);
        if (user.is_online || !is_same(user.name, guest_name(user.identity))) continue;
        u32 count;
        u32 error = datastore_delete_by_index_scan_point_bsatn(
            user_by_identity, &user.identity, sizeof user.identity, &count);
        if (error != 0 || count != 1) panic("a user is gone");
    }
    return 0;
}

// MARK: Exports

static void describe_tables(Definition *definition) {
    begin_section(definition, SECTION_TYPESPACE);
    begin_product(definition, 4);
    put_some_text(&definition->bytes, "identity");
    put_identity_type(&definition->bytes);
    put_field(definition, "name", TYPE_STRING);
    put_field(definition, "isOnline", TYPE_BOOL);
    put_field(definition, "connections", TYPE_U32);
    begin_product(definition, 3);
    put_field(definition, "name", TYPE_STRING);
    put_some_text(&definition->bytes, "created");
    put_timestamp_type(&definition->bytes);
    put_field(definition, "messageCount", TYPE_U32);
    begin_product(definition, 6);
    put_field(definition, "id", TYPE_U64);
    put_some_text(&definition->bytes, "sender");
    put_identity_type(&definition->bytes);
    put_field(definition, "author", TYPE_STRING);
    put_field(definition, "room", TYPE_STRING);
    put_some_text(&definition->bytes, "sent");
    put_timestamp_type(&definition->bytes);
    put_field(definition, "text", TYPE_STRING);
    begin_product(definition, 2);
    put_field(definition, "id", TYPE_U64);
    put_some_text(&definition->bytes, "when");
    put_schedule_type(&definition->bytes);

    begin_section(definition, SECTION_TYPES);
    put_type_name(definition, "User", 0);
    put_type_name(definition, "Room", 1);
    put_type_name(definition, "Message", 2);
    put_type_name(definition, "Sweep", 3);

    begin_section(definition, SECTION_TABLES);
    put_table(definition, (TablePart){
        .name = "User", .ref = 0, .key = 0, .sequence = -1, .access = ACCESS_PUBLIC,
        .unique_count = 2, .unique = {0, 1}, .index_count = 2,
        .indexes = {{"User_identity_idx_hash", "identity", INDEX_HASH, 1, {0}},
                    {"User_name_idx_hash", "name", INDEX_HASH, 1, {1}}},
    });
    put_table(definition, (TablePart){
        .name = "Room", .ref = 1, .key = 0, .sequence = -1, .access = ACCESS_PUBLIC,
        .unique_count = 1, .unique = {0}, .index_count = 1,
        .indexes = {{"Room_name_idx_hash", "name", INDEX_HASH, 1, {0}}},
    });
    put_table(definition, (TablePart){
        .name = "Message", .ref = 2, .key = 0, .sequence = 0, .access = ACCESS_PUBLIC,
        .unique_count = 1, .unique = {0}, .index_count = 2,
        .indexes = {{"Message_id_idx_hash", "id", INDEX_HASH, 1, {0}},
                    {"Message_room_sent_idx_btree", "byRoomAndTime", INDEX_BTREE, 2, {3, 4}}},
    });
    put_table(definition, (TablePart){
        .name = "Sweep", .ref = 3, .key = 0, .sequence = 0, .access = ACCESS_PRIVATE,
        .unique_count = 1, .unique = {0}, .index_count = 1,
        .indexes = {{"Sweep_id_idx_hash", "id", INDEX_HASH, 1, {0}}},
    });
}

static void describe_reducers(Definition *definition) {
    begin_section(definition, SECTION_REDUCERS);
    begin_reducer(definition, "setUp", 0);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_reducer(definition, "connected", 0);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_reducer(definition, "disconnected", 0);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_reducer(definition, "rename", 1);
    put_field(definition, "name", TYPE_STRING);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "open", 1);
    put_field(definition, "room", TYPE_STRING);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "send", 2);
    put_field(definition, "room", TYPE_STRING);
    put_field(definition, "text", TYPE_STRING);
    end_reducer(definition, FUNCTION_CALLABLE);
    begin_reducer(definition, "forgetGuests", 1);
    put_some_text(&definition->bytes, "sweep");
    put_ref_type(&definition->bytes, 3);
    end_reducer(definition, FUNCTION_PRIVATE);
    begin_section(definition, SECTION_LIFECYCLE);
    put_lifecycle(definition, LIFECYCLE_INIT, "setUp");
    put_lifecycle(definition, LIFECYCLE_CONNECT, "connected");
    put_lifecycle(definition, LIFECYCLE_DISCONNECT, "disconnected");
    begin_section(definition, SECTION_SCHEDULES);
    put_schedule(definition, "Sweep", 1, "forgetGuests");
}

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Definition definition = begin_definition();
    describe_tables(&definition);
    describe_reducers(&definition);
    end_definition(&definition, sink);
    leave();
}

static u32 run(u32 id, Identity sender, i64 now, u32 arguments, u32 sink) {
    switch (id) {
    case 0: return set_up(now);
    case 1: return connected(sender, sink);
    case 2: return disconnected(sender, sink);
    case 3: return rename_user(sender, read_arguments(arguments), sink);
    case 4: return open_room(read_arguments(arguments), now, sink);
    case 5: return send(sender, read_arguments(arguments), now, sink);
    case 6: return forget_guests();
    default: panic("there is no such reducer");
    }
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    enter();
    look_up();
    u32 result = run(id, (Identity){{sender_0, sender_1, sender_2, sender_3}}, timestamp, arguments, sink);
    leave();
    return result;
}
