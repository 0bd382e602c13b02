import CWasmtime
import SpacetimeHost
import SpacetimeSATS

/// The functions of `wasi_snapshot_preview1`, for modules of toolchains that cannot do without them.
///
/// They give a guest nothing that it does not have anyway: what it prints goes to the log, time and random numbers are the
/// database's, and there are no files, no environment, no sockets.
enum WASIFunctions {
    static let module = "wasi_snapshot_preview1"

    /// Numbers of errors.
    private enum Failure {
        static let badDescriptor: UInt32 = 8
        static let invalid: UInt32 = 28
        static let notSupported: UInt32 = 58
        static let notASocket: UInt32 = 57
        static let notSeekable: UInt32 = 70
    }

    static let all: [HostFunction] = output + facts + ends + descriptors + fileless + socketless

    private static let ends: [HostFunction] = [
        function("proc_exit", "i>") { env, _, values, _ in
            unsafe perform(env, values) { call throws(HostFailure) in
                throw .trap("the guest ends itself, with code \(call.u32(0))")
            }
        },
        function("proc_raise", "i>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                throw .trap("the guest ends itself, by signal \(call.u32(0))")
            }
        },
        function("sched_yield", ">i") { _, _, values, _ in
            unsafe values[0].i64 = 0
            return nil
        },
        function("poll_oneoff", "iiii>i") { _, _, values, _ in
            unsafe values[0].i64 = Int64(Failure.notSupported)
            return nil
        },
    ]

    @safe
    private static func function(
        _ name: String, _ signature: Wasmtime.Signature, _ body: @escaping wasmtime_func_unchecked_callback_t
    ) -> HostFunction { unsafe HostFunction(module, name, signature, body) }

    // MARK: Printing

    private static let output: [HostFunction] = [
        function("fd_write", "iiii>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                let descriptor = call.u32(0)
                guard descriptor == 1 || descriptor == 2 else { return Failure.badDescriptor }
                let (text, count) = try gather(call)
                try call.write(UInt32(clamping: count), at: 3)
                call.guest.print(text, isError: descriptor == 2)
                return 0
            }
        }
    ]

    /// The bytes of a list of buffers, as far as they are written to the log.
    ///
    /// Of a long list only the first are taken, and fewer bytes are written than there are, as with any file: buffers may
    /// lie upon each other, so that a list has far more bytes than the guest's memory, and nothing stops the guest meanwhile.
    private static func gather(_ call: HostCall) throws(HostFailure) -> (text: [UInt8], count: Int) {
        let list = try call.memory(call.u32(1), Int(call.u32(2)) * 8).prefix(bufferLimit * 8)
        var text: [UInt8] = []
        var count = 0
        for start in stride(from: 0, to: list.count, by: 8) where text.count < gatheredByteLimit {
            let (pointer, length) = (
                list.integer(at: start, as: UInt32.self), list.integer(at: start + 4, as: UInt32.self)
            )
            if length == 0 { continue }
            let bytes = try call.memory(pointer, Int(length)).prefix(gatheredByteLimit - text.count)
            count += bytes.count
            let room = call.state.limits.logByteLimit - text.count
            text.append(contentsOf: bytes.prefix(room).array)
        }
        return (text, count)
    }

    private static let bufferLimit = 1_024
    /// More bytes than these are not written at once.
    private static let gatheredByteLimit = 16 << 20

    // MARK: Facts

    private static let facts: [HostFunction] = [
        function("args_sizes_get", "ii>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                try call.write(1 as UInt32, at: 0)
                try call.write(UInt32(programName.count), at: 1)
                return 0
            }
        },
        function("args_get", "ii>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                try call.write(call.u32(1), at: 0)
                try call.memory(call.u32(1), programName.count).copy(programName)
                return 0
            }
        },
        function("environ_sizes_get", "ii>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                try call.write(0 as UInt32, at: 0)
                try call.write(0 as UInt32, at: 1)
                return 0
            }
        },
        function("environ_get", "ii>i") { _, _, values, _ in
            unsafe values[0].i64 = 0
            return nil
        },
        function("clock_res_get", "ii>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                guard call.u32(0) < 4 else { return Failure.invalid }
                try call.write(1_000 as UInt64, at: 1)
                return 0
            }
        },
        function("clock_time_get", "iIi>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                guard call.u32(0) < 4 else { return Failure.invalid }
                try call.write(UInt64(bitPattern: call.guest.callTime.microsecondsSinceUnixEpoch) &* 1_000, at: 2)
                return 0
            }
        },
        function("random_get", "ii>i") { env, _, values, _ in
            unsafe answer(env, values) { call throws(HostFailure) in
                if call.u32(1) == 0 { return 0 }
                let buffer = try call.copyable(0, 1)
                var word: UInt64 = 0
                for position in 0..<buffer.count {
                    if position % 8 == 0 { word = call.guest.nextRandom() }
                    buffer.store(UInt8(truncatingIfNeeded: word), at: position)
                    word >>= 8
                }
                return 0
            }
        },
    ]

    private static let programName = Array("stdb.wasm\0".utf8)

    // MARK: Descriptors

    /// Standard input, output and error are there, and nothing else is.
    private static func isStandard(_ call: HostCall) -> Bool { call.u32(0) < 3 }

    private static let descriptors: [HostFunction] =
        [
            function("fd_read", "iiii>i") { env, _, values, _ in
                unsafe answer(env, values) { call throws(HostFailure) in
                    guard call.u32(0) == 0 else { return Failure.badDescriptor }
                    try call.write(0 as UInt32, at: 3)
                    return 0
                }
            },
            function("fd_fdstat_get", "ii>i") { env, _, values, _ in
                unsafe answer(env, values) { call throws(HostFailure) in
                    guard isStandard(call) else { return Failure.badDescriptor }
                    let stat = try call.memory(call.u32(1), 24)
                    stat.fillWithZeros()
                    // A device for characters, which may be read, or written to.
                    stat.store(2 as UInt8, at: 0)
                    stat.store(call.u32(0) == 0 ? 1 << 1 : 1 << 6 as UInt8, at: 8)
                    return 0
                }
            },
            function("fd_filestat_get", "ii>i") { env, _, values, _ in
                unsafe answer(env, values) { call throws(HostFailure) in
                    guard isStandard(call) else { return Failure.badDescriptor }
                    let stat = try call.memory(call.u32(1), 64)
                    stat.fillWithZeros()
                    stat.store(2 as UInt8, at: 16)
                    return 0
                }
            },
            function("fd_seek", "iIii>i") { env, _, values, _ in
                unsafe answer(env, values) { call throws(HostFailure) in
                    isStandard(call) ? Failure.notSeekable : Failure.badDescriptor
                }
            },
            function("fd_tell", "ii>i") { env, _, values, _ in
                unsafe answer(env, values) { call throws(HostFailure) in
                    isStandard(call) ? Failure.notSeekable : Failure.badDescriptor
                }
            },
        ]
        + ["fd_close", "fd_sync", "fd_datasync"].map { name in
            function(name, "i>i") { env, _, values, _ in
                unsafe answer(env, values) { call throws(HostFailure) in isStandard(call) ? 0 : Failure.badDescriptor }
            }
        }

    /// None of these can succeed without a file.
    private static let fileless: [HostFunction] = [
        ("fd_advise", "iIIi>i"), ("fd_allocate", "iII>i"), ("fd_fdstat_set_flags", "ii>i"),
        ("fd_fdstat_set_rights", "iII>i"), ("fd_filestat_set_size", "iI>i"), ("fd_filestat_set_times", "iIIi>i"),
        ("fd_pread", "iiiIi>i"), ("fd_prestat_get", "ii>i"), ("fd_prestat_dir_name", "iii>i"),
        ("fd_pwrite", "iiiIi>i"), ("fd_readdir", "iiiIi>i"), ("fd_renumber", "ii>i"),
        ("path_create_directory", "iii>i"), ("path_filestat_get", "iiiii>i"),
        ("path_filestat_set_times", "iiiiIIi>i"), ("path_link", "iiiiiii>i"), ("path_open", "iiiiiIIii>i"),
        ("path_readlink", "iiiiii>i"), ("path_remove_directory", "iii>i"), ("path_rename", "iiiiii>i"),
        ("path_symlink", "iiiii>i"), ("path_unlink_file", "iii>i"),
    ].map { name, signature in
        function(name, signature) { _, _, values, _ in
            unsafe values[0].i64 = Int64(Failure.badDescriptor)
            return nil
        }
    }

    private static let socketless: [HostFunction] = [
        ("sock_accept", "iii>i"), ("sock_recv", "iiiiii>i"), ("sock_send", "iiiii>i"), ("sock_shutdown", "ii>i"),
    ].map { name, signature in
        function(name, signature) { _, _, values, _ in
            unsafe values[0].i64 = Int64(Failure.notASocket)
            return nil
        }
    }
}

extension GuestReference {
    /// Writes what a guest prints to the log, a line per line.
    fileprivate func print(_ text: [UInt8], isError: Bool) {
        for line in text.split(separator: 10) {
            log(
                EarlyLine(
                    level: isError ? .warn : .info, target: "wasi", file: nil, line: nil,
                    message: String(decoding: line, as: UTF8.self)))
        }
    }

    /// The time that a guest sees: in a transaction that of the call, which stands still, so that the call can be run again;
    /// 0 while the guest is started.
    fileprivate var callTime: Timestamp {
        if state.activity == .start { return Timestamp(microsecondsSinceUnixEpoch: 0) }
        return state.transaction?.timestamp ?? state.call?.now ?? Timestamp(microsecondsSinceUnixEpoch: 0)
    }

    /// Numbers that follow from the call alone; while the guest is started from the module alone.
    fileprivate func nextRandom() -> UInt64 {
        if state.activity == .start { return state.random.next() }
        return state.transaction?.nextRandom() ?? state.call?.nextRandom() ?? state.random.next()
    }
}
