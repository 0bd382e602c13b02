// Money moves between accounts. `transfer.rs` is the same in Rust, and the tests have the same in Swift: they see no
// difference.
#include "spacetime.h"

static u32 account, account_id;

static u32 fill(u32 arguments, u32 sink) {
    Reader reader = read_arguments(arguments);
    u32 count = take_u32(&reader);
    i64 balance = take_u64(&reader);
    for (u32 id = 0; id < count; id++) {
        u8 bytes[12];
        __builtin_memcpy(bytes, &id, 4);
        __builtin_memcpy(bytes + 4, &balance, 8);
        Bytes row = {bytes, 12, 12};
        if (insert(account, &row) == UNIQUE_ALREADY_EXISTS) return fail(sink, "accountExists");
    }
    return 0;
}

// Reads the balance of an account; false if there is none.
static int find_balance(u32 id, i64 *balance) {
    u32 iterator;
    if (datastore_index_scan_point_bsatn(account_id, &id, 4, &iterator) != 0) panic("a key is none");
    u8 row[12];
    u32 count = sizeof row;
    if (row_iter_bsatn_advance(iterator, row, &count) != -1) panic("a unique index has several rows");
    __builtin_memcpy(balance, row + 4, 8);
    return count == sizeof row;
}

static void set_balance(u32 id, i64 balance) {
    u8 row[12];
    u32 count = sizeof row;
    __builtin_memcpy(row, &id, 4);
    __builtin_memcpy(row + 4, &balance, 8);
    if (datastore_update_bsatn(account, account_id, row, &count) != 0) panic("an account is gone");
}

static u32 transfer(u32 arguments, u32 sink) {
    struct __attribute__((packed)) {
        u32 from, to;
        i64 amount;
    } call;
    u32 count = sizeof call;
    if (bytes_source_read(arguments, &call, &count) != -1 || count != sizeof call) panic("the arguments are none");
    if (call.from == call.to) return fail(sink, "sameAccount");
    if (call.amount <= 0) return fail(sink, "amountNotPositive");
    i64 source, destination;
    if (!find_balance(call.from, &source) || !find_balance(call.to, &destination)) {
        return fail(sink, "noSuchAccount");
    }
    if (source < call.amount) return fail(sink, "insufficientFunds");
    set_balance(call.from, source - call.amount);
    set_balance(call.to, destination + call.amount);
    return 0;
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
    begin_reducer(&definition, "transfer", 3);
    put_field(&definition, "from", TYPE_U32);
    put_field(&definition, "to", TYPE_U32);
    put_field(&definition, "amount", TYPE_I64);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "nothing", 0);
    end_reducer(&definition, FUNCTION_CALLABLE);
    end_definition(&definition, sink);
    leave();
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    if (account == 0) {
        account = table_named("Account");
        account_id = index_named("Account_id_idx_hash");
    }
    switch (id) {
    case 0: {
        enter();
        u32 result = fill(arguments, sink);
        leave();
        return result;
    }
    case 1: return transfer(arguments, sink);
    case 2: return 0;
    default: panic("there is no such reducer");
    }
}
