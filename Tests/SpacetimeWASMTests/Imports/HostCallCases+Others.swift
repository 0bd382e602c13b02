import SpacetimeSATS
import Testing

extension HostCallCase {
    // MARK: Bytes

    /// Makes a source of the client's token.
    private static func token(_ program: inout ProbeProgram) -> ProbeProgram.Argument {
        let source = program.room()
        program.call("get_jwt", .fact(32), .address(source))
        return .loaded(source)
    }

    private static func read(_ program: inout ProbeProgram, _ source: ProbeProgram.Argument, room: Int) -> Int {
        let buffer = program.room(room)
        let length = program.place(UInt32(room).bsatn())
        program.call("bytes_source_read", source, .address(buffer), .address(length))
        return buffer
    }

    private static let tokenBytes = Array(ProbeDatabase.token.utf8)

    static let bytes: [HostCallCase] = [
        HostCallCase("get_jwt", .success, "the token of who calls") {
            _ = token(&$0)
        } check: {
            #expect($0.u32(at: 0) != 0)
        },
        HostCallCase("get_jwt", .success, "a connection that is none has the source 0") { program in
            let connection = program.place(Array(repeating: 7, count: 16))
            program.call("get_jwt", .address(connection), .address(program.room()))
        } check: {
            #expect($0.u32(at: 16) == 0)
        },
        HostCallCase("bytes_source_read", .success, "all at once") { program in
            let source = token(&program)
            _ = read(&program, source, room: 100)
        } check: { outcome in
            #expect(outcome.last == -1)
            #expect(outcome.bytes(4, tokenBytes.count) == tokenBytes)
            #expect(outcome.u32(at: 104) == UInt32(tokenBytes.count))
        },
        HostCallCase("bytes_source_read", .success, "a part, of which more is left") { program in
            let source = token(&program)
            _ = read(&program, source, room: 10)
        } check: {
            #expect($0.last == 0)
            #expect($0.bytes(4, 10) == Array(tokenBytes.prefix(10)))
        },
        HostCallCase("bytes_source_read", .error(8), "a source that is read to its end") { program in
            let source = token(&program)
            _ = read(&program, source, room: 100)
            _ = read(&program, source, room: 100)
        },
        HostCallCase("bytes_source_read", .error(8), "the source 0") { _ = read(&$0, .none, room: 4) },
        HostCallCase("bytes_source_read", .error(8), "a forged source") { _ = read(&$0, unknown, room: 4) },
        HostCallCase("bytes_source_remaining_length", .success, "what is left behind a part") { program in
            let source = token(&program)
            _ = read(&program, source, room: 10)
            program.call("bytes_source_remaining_length", source, .address(program.room()))
        } check: {
            #expect($0.u32(at: 18) == UInt32(tokenBytes.count - 10))
        },
        HostCallCase("bytes_source_remaining_length", .error(8), "the source 0") { program in
            program.call("bytes_source_remaining_length", .none, .address(program.room()))
        },
        HostCallCase("bytes_source_remaining_length", .error(8), "the call's arguments, which have been read") {
            program in
            program.call("bytes_source_remaining_length", .arguments, .address(program.room()))
        },
        HostCallCase("bytes_sink_write", .success, "the call's sink") { program in
            let (text, length) = program.row(Array("said".utf8))
            program.call("bytes_sink_write", .sink, text, length)
        } check: {
            #expect($0.u32(at: 4) == 4)
        },
        HostCallCase("bytes_sink_write", .error(8), "the sink 0") { program in
            let (text, length) = program.row([1])
            program.call("bytes_sink_write", .none, text, length)
        },
        HostCallCase("bytes_sink_write", .error(8), "a forged sink") { program in
            let (text, length) = program.row([1])
            program.call("bytes_sink_write", unknown, text, length)
        },
    ]

    // MARK: Console

    static let console: [HostCallCase] = [
        HostCallCase("console_log", .success, "a line without target and file") { program in
            let text = program.place(Array("hello".utf8))
            program.call(
                "console_log", .number(1), .none, .none, .none, .none, .number(0xffff_ffff), .address(text), .number(5))
        },
        HostCallCase("console_log", .success, "a line from beyond the memory, which is not written") { program in
            program.call(
                "console_log", .number(1), .none, .none, .none, .none, .none, .number(0xffff_fff0), .number(500))
        },
        HostCallCase("console_timer_start", .success, "a timer, whose number is not 0") { program in
            let name = program.place(Array("lap".utf8))
            program.call("console_timer_start", .address(name), .number(3))
        } check: {
            #expect($0.last > 0)
        },
        HostCallCase("console_timer_end", .success, "a timer that runs") { program in
            // The probe has used the first number while it started.
            let name = program.place(Array("lap".utf8))
            for _ in 0..<2 { program.call("console_timer_start", .address(name), .number(3)) }
            program.call("console_timer_end", .number(2))
        },
        HostCallCase("console_timer_end", .error(7), "no such timer") { $0.call("console_timer_end", unknown) },
        HostCallCase("console_timer_end", .error(7), "the timer 0") { $0.call("console_timer_end", .none) },
        HostCallCase("identity", .success, "the database's identity") { program in
            program.call("identity", .address(program.room(32)))
        } check: {
            #expect(Array($0.memory.suffix(2)) == [0x00, 0xc2])
        },
        HostCallCase("volatile_nonatomic_schedule_immediate", .success, "a call of a reducer") { program in
            let name = program.place(Array("probe".utf8))
            var later = ProbeProgram()
            later.insert(5, "later")
            let arguments = later.bytes.bsatn()
            let place = program.place(arguments)
            program.call(
                "volatile_nonatomic_schedule_immediate", .address(name), .number(5), .address(place), .count(arguments))
        },
        HostCallCase("volatile_nonatomic_schedule_immediate", .trap, "a name that is not UTF-8") { program in
            let name = program.place([0xff])
            program.call(
                "volatile_nonatomic_schedule_immediate", .address(name), .number(1), .address(name), .none)
        },
    ]

    // MARK: Procedures

    /// The bytes of a request with the method POST.
    private static func request(_ url: String) -> [UInt8] {
        [2] + UInt32(0).bsatn() + [1] + url.bsatn() + [2]
    }

    private static func send(_ program: inout ProbeProgram, _ request: [UInt8], body: String = "abc") {
        let place = program.place(request)
        let bytes = program.place(Array(body.utf8))
        program.call(
            "procedure_http_request", .address(place), .count(request), .address(bytes),
            .number(UInt64(body.utf8.count)),
            .address(program.room(8)))
    }

    private static func begin(_ program: inout ProbeProgram) {
        program.call("procedure_start_mut_tx", .address(program.room(8)))
    }

    static let procedures: [HostCallCase] = [
        HostCallCase("procedure_sleep_until", .success, "a time that is past", in: .procedure) { program in
            program.call("procedure_sleep_until", .number(5))
        },
        HostCallCase("procedure_sleep_until", .success, "a time before 1970", in: .procedure) { program in
            program.call("procedure_sleep_until", .number(UInt64(bitPattern: -5)))
        },
        HostCallCase("procedure_start_mut_tx", .success, "no transaction is open", in: .procedure) {
            begin(&$0)
        } check: {
            #expect($0.u64(at: 0) > 1_000_000_000_000_000)
        },
        HostCallCase("procedure_start_mut_tx", .error(17), "one is open", in: .procedure) { program in
            begin(&program)
            begin(&program)
        },
        HostCallCase("procedure_commit_mut_tx", .success, "one is open", in: .procedure) { program in
            begin(&program)
            program.insert(3, "from afar")
            program.call("procedure_commit_mut_tx")
        },
        HostCallCase("procedure_commit_mut_tx", .error(18), "none is open", in: .procedure) { program in
            program.call("procedure_commit_mut_tx")
        },
        HostCallCase("procedure_abort_mut_tx", .success, "one is open", in: .procedure) { program in
            begin(&program)
            program.insert(3, "from afar")
            program.call("procedure_abort_mut_tx")
        },
        HostCallCase("procedure_abort_mut_tx", .error(18), "it has been committed", in: .procedure) { program in
            begin(&program)
            program.call("procedure_commit_mut_tx")
            program.call("procedure_abort_mut_tx")
        },
        HostCallCase("procedure_http_request", .success, "a server answers", in: .procedure) { program in
            send(&program, request("http://there.example/"))
            let sources = program.lastArguments[4]
            guard case .address(let place) = sources else { return }
            _ = read(&program, .loaded(place + 4), room: 8)
            program.call("bytes_source_remaining_length", .loaded(place), .address(program.room()))
            // The call in question is the last one.
            send(&program, request("http://there.example/"))
        } check: { outcome in
            #expect(outcome.memory.firstRange(of: Array("cba".utf8)) != nil)
        },
        HostCallCase("procedure_http_request", .error(3), "bytes that are no request", in: .procedure) { program in
            send(&program, [77])
        },
        HostCallCase("procedure_http_request", .error(17), "a transaction is open", in: .procedure) { program in
            begin(&program)
            send(&program, request("http://there.example/"))
        },
        HostCallCase("procedure_http_request", .error(3), "no request, while a transaction is open", in: .procedure) {
            program in
            begin(&program)
            send(&program, [77])
        },
        HostCallCase("procedure_http_request", .error(21), "nobody answers", in: .procedure) { program in
            send(&program, request("http://foo.invalid/"))
        } check: { outcome in
            #expect(outcome.u32(at: outcome.memory.count - 8) != 0)
        },
    ]

    // MARK: Places

    /// What works in one place and not in another.
    static let contexts: [HostCallCase] =
        noTransaction(.procedure) + noTransaction(.handler) + writesInViews
        + [
            HostCallCase("procedure_start_mut_tx", .error(17), "reducers are transactions") { begin(&$0) },
            HostCallCase("procedure_commit_mut_tx", .error(18), "a reducer does not commit") {
                $0.call("procedure_commit_mut_tx")
            },
            HostCallCase("procedure_abort_mut_tx", .error(18), "a reducer does not abort") {
                $0.call("procedure_abort_mut_tx")
            },
            HostCallCase("procedure_sleep_until", .trap, "a reducer does not wait") {
                $0.call("procedure_sleep_until", .number(5))
            },
            HostCallCase("procedure_http_request", .trap, "a reducer does not send") {
                send(&$0, request("http://there.example/"))
            },
            HostCallCase("datastore_table_row_count", .success, "a hook reads tables", in: .connect) { program in
                let table = program.table("item")
                program.call("datastore_table_row_count", table, .address(program.room(8)))
            },
            HostCallCase(
                "datastore_table_row_count", .success, "a procedure reads tables in its transaction", in: .procedure
            ) { program in
                begin(&program)
                let table = program.table("item")
                program.call("datastore_table_row_count", table, .address(program.room(8)))
            },
            HostCallCase(
                "datastore_table_row_count", .success, "a handler reads tables in its transaction", in: .handler
            ) { program in
                begin(&program)
                let table = program.table("item")
                program.call("datastore_table_row_count", table, .address(program.room(8)))
            },
        ]

    /// Every function that needs a transaction, where there is none.
    private static func noTransaction(_ place: ProbeDatabase.Place) -> [HostCallCase] {
        let names = documentedErrors.filter { $0.value.contains(2) }.keys.sorted()
        return names.map { name in
            HostCallCase(name, .error(2), "no transaction is open", in: place) { program in
                guard let valid = all(of: name, .success, in: .reducer).first else { return }
                // The function alone: the calls before it would fail as well, so its numbers may be any.
                let room = program.room(64)
                let arguments = valid.program.lastArguments.map { argument -> ProbeProgram.Argument in
                    if case .number = argument { argument } else { .address(room) }
                }
                program.call(name, with: arguments)
            }
        }
    }

    /// A view only reads.
    private static let writesInViews: [HostCallCase] = documentedErrors.filter { $0.value.contains(19) }.keys.sorted()
        .flatMap { name in
            [ProbeDatabase.Place.ownView, .everybodysView].map { place in
                HostCallCase(name, .error(19), "a view only reads", in: place) { program in
                    if let valid = all(of: name, .success, in: .reducer).first { valid.build(&program) }
                }
            }
        }

    private static let reducerCases = lookups + scans + changes + deletions + bytes + console

    /// The cases of a function that run in one place with one outcome.
    static func all(of name: String, _ expected: Expected, in place: ProbeDatabase.Place) -> [HostCallCase] {
        reducerCases.filter { $0.name == name && $0.expected == expected && $0.place == place }
    }
}
