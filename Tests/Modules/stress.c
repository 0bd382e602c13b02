// A bank for many threads at once: its money moves in two steps, and between them the module falls over when it is asked to.
// Whoever adds up the balances at whatever moment finds the same sum.
#include "spacetime.h"

static u32 account, account_id;

static void look_up(void) {
    if (account != 0) return;
    account = table_named("Account");
    account_id = index_named("Account_id_idx_hash");
}

static i64 balance_of(u32 id) {
    u32 iterator;
    if (datastore_index_scan_point_bsatn(account_id, &id, 4, &iterator) != 0) panic("a key is none");
    u8 row[12];
    u32 count = sizeof row;
    i64 balance;
    if (row_iter_bsatn_advance(iterator, row, &count) != -1 || count != sizeof row) panic("an account is not there once");
    __builtin_memcpy(&balance, row + 4, 8);
    return balance;
}

static void add(u32 id, i64 amount) {
    i64 balance = balance_of(id) + amount;
    u8 row[12];
    u32 count = sizeof row;
    __builtin_memcpy(row, &id, 4);
    __builtin_memcpy(row + 4, &balance, 8);
    if (datastore_update_bsatn(account, account_id, row, &count) != 0) panic("an account is gone");
}

static void fill(u32 arguments) {
    Reader reader = read_arguments(arguments);
    u32 count = take_u32(&reader);
    i64 balance = take_u64(&reader);
    for (u32 id = 0; id < count; id++) {
        u8 bytes[12];
        __builtin_memcpy(bytes, &id, 4);
        __builtin_memcpy(bytes + 4, &balance, 8);
        Bytes row = {bytes, 12, 12};
        if (insert(account, &row) != 0) panic("an account is there already");
    }
}

static void move(u32 arguments) {
    Reader reader = read_arguments(arguments);
    u32 from = take_u32(&reader), to = take_u32(&reader);
    i64 amount = take_u64(&reader);
    add(from, -amount);
    if (take_u8(&reader)) panic("it fell with the money in its hands");
    add(to, amount);
}

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Definition definition = begin_definition();
    begin_section(&definition, SECTION_TYPESPACE);
    begin_product(&definition, 2);
    put_field(&definition, "id", TYPE_U32);
    put_field(&definition, "balance", TYPE_I64);
    begin_section(&definition, SECTION_TYPES);
    put_type_name(&definition, "Account", 0);
    begin_section(&definition, SECTION_TABLES);
    put_table(&definition, (TablePart){
        .name = "Account", .ref = 0, .key = 0, .sequence = -1, .access = ACCESS_PUBLIC, .unique_count = 1, .unique = {0},
        .index_count = 1, .indexes = {{"Account_id_idx_hash", "id", INDEX_HASH, 1, {0}}},
    });
    begin_section(&definition, SECTION_REDUCERS);
    begin_reducer(&definition, "fill", 2);
    put_field(&definition, "accounts", TYPE_U32);
    put_field(&definition, "balance", TYPE_I64);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "move", 4);
    put_field(&definition, "from", TYPE_U32);
    put_field(&definition, "to", TYPE_U32);
    put_field(&definition, "amount", TYPE_I64);
    put_field(&definition, "falls", TYPE_U8);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_section(&definition, SECTION_PROCEDURES);
    Bytes *bytes = item(&definition);
    put_text(bytes, "sum");
    put_u32(bytes, 0);
    put_u8(bytes, TYPE_I64);
    put_u8(bytes, FUNCTION_CALLABLE);
    begin_section(&definition, SECTION_VIEWS);
    bytes = item(&definition);
    put_text(bytes, "rich");
    put_u32(bytes, 0);
    put_u8(bytes, 1);
    put_u8(bytes, 1);
    put_u32(bytes, 0);
    put_u8(bytes, TYPE_PRODUCT);
    put_u32(bytes, 1);
    put_some_text(bytes, "__query__");
    put_ref_type(bytes, 0);
    end_definition(&definition, sink);
    leave();
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    enter();
    look_up();
    if (id == 0) fill(arguments);
    else move(arguments);
    leave();
    return 0;
}

EXPORT(__call_procedure__) u32 call_procedure(CALL_PARAMETERS) {
    enter();
    i64 now, sum = 0;
    if (procedure_start_mut_tx(&now) != 0) panic("a transaction is open");
    look_up();
    Bytes rows = scan(account);
    for (u32 at = 4; at < rows.count; at += 12) {
        i64 balance;
        __builtin_memcpy(&balance, rows.at + at, 8);
        sum += balance;
    }
    if (procedure_commit_mut_tx() != 0) panic("no transaction is open");
    write_sink(sink, &sum, sizeof sum);
    leave();
    return 0;
}

EXPORT(__call_view_anon__) u32 call_view_anon(u32 id, u32 arguments, u32 sink) {
    enter();
    Bytes result = {0};
    put_u8(&result, 1);
    put_text(&result, "SELECT * FROM account WHERE balance > 1000");
    write_sink(sink, result.at, result.count);
    leave();
    return 2;
}
