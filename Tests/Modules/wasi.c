// Uses the system's interface as plain toolchains do, and tells in the log what came of it.
#include "spacetime.h"

#define WASI(name, parameters) \
    C_ABI __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) u32 wasi_##name parameters

typedef struct {
    const void *at;
    u32 count;
} Piece;

WASI(args_get, (u32 *list, u8 *buffer));
WASI(args_sizes_get, (u32 *count, u32 *byte_count));
WASI(clock_res_get, (u32 clock, u64 *out));
WASI(clock_time_get, (u32 clock, u64 precision, u64 *out));
WASI(environ_get, (u32 *list, u8 *buffer));
WASI(environ_sizes_get, (u32 *count, u32 *byte_count));
WASI(fd_close, (u32 descriptor));
WASI(fd_fdstat_get, (u32 descriptor, void *out));
WASI(fd_prestat_get, (u32 descriptor, void *out));
WASI(fd_read, (u32 descriptor, const Piece *pieces, u32 count, u32 *read));
WASI(fd_seek, (u32 descriptor, i64 offset, u32 whence, u64 *position));
WASI(fd_write, (u32 descriptor, const Piece *pieces, u32 count, u32 *written));
WASI(path_open, (u32 descriptor, u32 flags, const char *path, u32 length, u32 open_flags, u64 rights, u64 inherited,
                 u32 descriptor_flags, u32 *out));
WASI(poll_oneoff, (const void *in, void *out, u32 count, u32 *events));
WASI(random_get, (void *buffer, u32 count));
WASI(sched_yield, (void));
C_ABI __attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"), noreturn)) void
wasi_proc_exit(u32 code);

static void put_number(Bytes *bytes, u64 value) {
    u8 digits[20];
    u32 at = sizeof digits;
    do digits[--at] = '0' + value % 10; while (value /= 10);
    put(bytes, digits + at, sizeof digits - at);
}

static void put_named(Bytes *bytes, const char *name, u64 value) {
    if (bytes->count > 0) put_u8(bytes, ' ');
    put(bytes, name, text_length(name));
    put_u8(bytes, '=');
    put_number(bytes, value);
}

static void write_pieces(u32 descriptor, Bytes text) {
    Piece pieces[2] = {{text.at, text.count / 2}, {text.at + text.count / 2, text.count - text.count / 2}};
    u32 written = -1u;
    Bytes line = {0};
    put_named(&line, "errno", wasi_fd_write(descriptor, pieces, 2, &written));
    put_named(&line, "written", written);
    log_line(LOG_DEBUG, line);
}

static void tell_facts(void) {
    Bytes line = {0};
    u64 time = 0, resolution = 0, random = 0;
    u32 count = 0, byte_count = 0, list[4];
    u8 buffer[64] = {0}, out[24];
    wasi_clock_time_get(0, 0, &time);
    put_named(&line, "clock", time);
    wasi_clock_res_get(0, &resolution);
    put_named(&line, "resolution", resolution);
    wasi_random_get(&random, sizeof random);
    put_named(&line, "random", random);
    wasi_args_sizes_get(&count, &byte_count);
    put_named(&line, "arguments", count);
    put_named(&line, "bytes", byte_count);
    wasi_args_get(list, buffer);
    put_u8(&line, ' ');
    put(&line, buffer, text_length((const char *)buffer));
    count = byte_count = 7;
    wasi_environ_sizes_get(&count, &byte_count);
    put_named(&line, "variables", count);
    put_named(&line, "folder", wasi_fd_prestat_get(3, out));
    log_line(LOG_INFO, line);
}

// Whatever they answer, they must not do anything.
static void try_files(void) {
    u32 out = 0;
    u64 position = 0;
    u8 room[64];
    Piece piece = {room, sizeof room};
    wasi_environ_get(&out, room);
    wasi_fd_fdstat_get(1, room);
    wasi_fd_seek(3, 0, 0, &position);
    wasi_poll_oneoff(room, room, 1, &out);
    wasi_sched_yield();
    wasi_path_open(3, 0, "/etc/passwd", 11, 0, -1ull, -1ull, 0, &out);
    __builtin_memset(room, 0, sizeof room);
    wasi_fd_read(out, &piece, 1, &out);
    u32 read = 0;
    for (u32 i = 0; i < sizeof room; i++) read += room[i] != 0;
    wasi_fd_close(4);
    Bytes line = {0};
    put_named(&line, "read", read);
    log_line(LOG_INFO, line);
}

EXPORT(__describe_module__) void describe(u32 sink) {
    enter();
    Definition definition = begin_definition();
    begin_section(&definition, SECTION_REDUCERS);
    begin_reducer(&definition, "write", 2);
    put_field(&definition, "descriptor", TYPE_U32);
    put_field(&definition, "text", TYPE_STRING);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "facts", 0);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "files", 0);
    end_reducer(&definition, FUNCTION_CALLABLE);
    begin_reducer(&definition, "exit", 1);
    put_field(&definition, "code", TYPE_U32);
    end_reducer(&definition, FUNCTION_CALLABLE);
    end_definition(&definition, sink);
    leave();
}

EXPORT(__call_reducer__) u32 call_reducer(CALL_PARAMETERS) {
    enter();
    Reader reader = read_arguments(arguments);
    switch (id) {
    case 0: {
        u32 descriptor = take_u32(&reader);
        write_pieces(descriptor, take_array(&reader));
        break;
    }
    case 1: tell_facts(); break;
    case 2: try_files(); break;
    default: wasi_proc_exit(take_u32(&reader));
    }
    leave();
    return 0;
}
