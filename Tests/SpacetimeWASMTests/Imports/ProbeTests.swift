import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import SpacetimeTesting
import Testing

@testable import SpacetimeHost

/// What comes of calls, beyond the numbers that they return.
@Suite(.enabled(if: GuestPrograms.areThere, GuestPrograms.skipReason))
struct ProbeTests {
    let database: ProbeDatabase

    init() throws { database = try ProbeDatabase() }

    // MARK: What functions return

    @Test func aReducersTextIsItsCallersError() throws {
        var program = ProbeProgram()
        program.insert(1, "undone")
        program.answer = 1
        program.said = Array("no ✓".utf8)
        let error = #expect(throws: SenderError.self) { try database.run(program) }
        #expect(error?.message == "no ✓")
        #expect(try database.items() == ["a", "b", "c"])
    }

    @Test(arguments: [2, -1, -4, 700] as [Int32]) func anyOtherNumberIsTheModulesFailure(number: Int32) throws {
        var count = ProbeProgram()
        count.commit(.count)
        #expect(try database.run(count).last == 1)
        var program = ProbeProgram()
        program.insert(1, "undone")
        program.answer = number
        let error = #expect(throws: DatabaseError.self) { try database.run(program) }
        #expect(error?.code == .moduleFailure)
        #expect(try database.items() == ["a", "b", "c"])
        #expect(try database.run(count).last == 2, "the instance is kept")
    }

    @Test func aTrapCostsTheGuestWhatItRemembered() throws {
        var count = ProbeProgram()
        count.commit(.count)
        #expect(try database.run(count).last == 1)
        #expect(try database.run(count).last == 2)
        var program = ProbeProgram()
        program.insert(1, "undone")
        program.commit(.trap)
        let error = #expect(throws: DatabaseError.self) { try database.run(program) }
        #expect(error?.code == .moduleFailure)
        #expect(try database.items() == ["a", "b", "c"])
        #expect(try database.run(count).last == 1)
    }

    @Test func aProcedureThatReturnsAnythingElseFails() async throws {
        for answer: Int32 in [1, 5, -1] {
            var program = ProbeProgram()
            program.answer = answer
            await #expect(throws: DatabaseError.self) { try await database.run(program, in: .procedure) }
        }
        var program = ProbeProgram()
        program.said = nil
        #expect(try await database.run(program, in: .procedure).results.isEmpty)
    }

    // MARK: Transactions of procedures

    @Test func whatAProcedureLeavesOpenIsTakenBack() async throws {
        var program = ProbeProgram()
        program.call("procedure_start_mut_tx", .address(program.room(8)))
        program.insert(1, "kept")
        program.call("procedure_commit_mut_tx")
        program.call("procedure_start_mut_tx", .address(program.room(8)))
        program.insert(1, "left open")
        let outcome = try await database.run(program, in: .procedure)
        #expect(outcome.last == 0)
        #expect(try database.items() == ["a", "b", "c", "kept"])
        #expect(database.core.log.last().contains { $0.level == .error })
    }

    @Test func commitsBeforeAProceduresTrapStay() async throws {
        var program = ProbeProgram()
        program.call("procedure_start_mut_tx", .address(program.room(8)))
        program.insert(1, "kept")
        program.call("procedure_commit_mut_tx")
        program.call("procedure_start_mut_tx", .address(program.room(8)))
        program.insert(1, "undone")
        program.commit(.trap)
        await #expect(throws: DatabaseError.self) { try await database.run(program, in: .procedure) }
        #expect(try database.items() == ["a", "b", "c", "kept"])
    }

    @Test func abortingTakesBackTheTransaction() async throws {
        var program = ProbeProgram()
        program.call("procedure_start_mut_tx", .address(program.room(8)))
        program.insert(1, "undone")
        program.call("procedure_abort_mut_tx")
        #expect(try await database.run(program, in: .procedure).results.allSatisfy { $0 == 0 })
        #expect(try database.items() == ["a", "b", "c"])
    }

    @Test func aProcedureSleepsUntilTheTimeItNamed() async throws {
        let wake = database.clock.now() + TimeDuration(microseconds: 5_000_000)
        var program = ProbeProgram()
        program.call("procedure_sleep_until", .number(UInt64(bitPattern: wake.microsecondsSinceUnixEpoch)))
        program.said = nil
        let bytes = program.bytes.bsatn()
        let (core, client) = (database.core, database.client)
        async let value = core.procedures.call("act", arguments: bytes, as: client)
        await core.procedures.settle()
        database.clock.advance(by: .seconds(5))
        let outcome = try ProbeOutcome([UInt8](bsatn: try await value))
        #expect(outcome.results == [wake.microsecondsSinceUnixEpoch])
    }

    @Test func requestsAreSentAsTheGuestWroteThem() async throws {
        var program = ProbeProgram()
        let request =
            [3] + UInt32(1).bsatn() + "x-one".bsatn() + [UInt8]("two".utf8).bsatn() + [1]
            + "http://there.example/path?q=1".bsatn() + [2]
        let place = program.place(request)
        let body = program.place([1, 2, 3])
        program.call(
            "procedure_http_request", .address(place), .count(request), .address(body), .number(3),
            .address(program.room(8)))
        #expect(try await database.run(program, in: .procedure).last == 0)
        let sent = try #require(database.http.requests.first)
        #expect(sent.method == .put)
        #expect(sent.url == "http://there.example/path?q=1")
        #expect(sent.headers["x-one"] == "two")
        #expect(sent.body == [1, 2, 3])
    }

    // MARK: Facts of the call

    @Test func guestsAreToldWhoCallsAndWhen() async throws {
        var program = ProbeProgram()
        program.commit(.copy, .address(program.room(56)), .fact(0), .number(56))
        let client = database.client
        let now = database.clock.now().microsecondsSinceUnixEpoch
        for place in [ProbeDatabase.Place.reducer, .procedure] {
            let outcome = try await database.run(program, in: place)
            #expect(outcome.memory == client.identity.bsatn() + client.connection.bsatn() + now.bsatn())
        }
        let view = try await database.run(program, in: .ownView)
        #expect(view.bytes(0, 32) == client.identity.bsatn())
        let handler = try await database.run(program, in: .handler)
        #expect(handler.bytes(48, 8) == now.bsatn())
    }

    @Test func handlersReadTheRequest() async throws {
        var program = ProbeProgram()
        let buffer = program.room(200)
        let length = program.place(UInt32(200).bsatn())
        program.call("bytes_source_read", .arguments, .address(buffer), .address(length))
        let outcome = try await database.run(program, in: .handler)
        #expect(outcome.last == -1)
        let request = outcome.bytes(buffer, Int(outcome.u32(at: length)))
        // POST, no headers, no timeout, the address, version 1.1.
        #expect(request == [2] + UInt32(0).bsatn() + [1] + "http://host.example/web".bsatn() + [2])
    }

    @Test func linesOfTheLogStayWhenTheTransactionIsUndone() throws {
        var program = ProbeProgram()
        let text = program.place(Array("seen \u{fffd}".utf8) + [0xff])
        let file = program.place(Array("a.c".utf8))
        let length = UInt64("seen \u{fffd}".utf8.count + 1)
        for level: UInt64 in [0, 1, 2, 3, 4, 101, 5, 256 + 1] {
            program.call(
                "console_log", .number(level), .address(file), .number(3), .address(file), .number(3), .number(9),
                .address(text), .number(length))
        }
        program.answer = 1
        #expect(throws: SenderError.self) { try database.run(program) }
        let lines = database.core.log.last().filter { $0.line == 9 }
        let kept = [LogLevel.error, .warn, .info, .debug, .trace, .panic, .debug, .warn]
            .filter { $0.isKept(downTo: database.core.log.options.level) }
        #expect(lines.map(\.level) == kept)
        #expect(lines.allSatisfy { $0.message == "seen \u{fffd}\u{fffd}" && $0.target == "a.c" && $0.file == "a.c" })
    }

    @Test func timersTellHowLongSomethingTook() throws {
        var program = ProbeProgram()
        let name = program.place(Array("lap".utf8))
        program.call("console_timer_start", .address(name), .number(3))
        // The probe has used the first number while it started.
        program.call("console_timer_end", .number(2))
        try database.run(program)
        let line = try #require(database.core.log.last().last { $0.message.hasPrefix("Timing span") })
        #expect(line.level == .info)
        #expect(line.message.hasPrefix("Timing span \"lap\": "))
    }

    @Test(.timeLimit(.minutes(10))) func immediateCallsAreMadeEvenIfTheirTransactionIsUndone() async throws {
        var later = ProbeProgram()
        later.insert(5, "later")
        var program = ProbeProgram()
        program.insert(5, "undone")
        let name = program.place(Array("probe".utf8))
        let arguments = later.bytes.bsatn()
        let place = program.place(arguments)
        program.call(
            "volatile_nonatomic_schedule_immediate", .address(name), .number(5), .address(place), .count(arguments))
        program.answer = 1
        let records = database.core.log.follow()
        #expect(throws: SenderError.self) { try database.run(program) }
        // Both tell what came of them.
        var count = 0
        for await record in records where record.target == "probe" {
            count += 1
            if count == 2 { break }
        }
        // The line is written before the commit: whoever gets the lock now comes behind it.
        try await database.core.runner.call("probe", arguments: ProbeProgram().bytes.bsatn(), as: database.client)
        #expect(try database.items() == ["a", "b", "c", "later"])
    }

    // MARK: Scans

    @Test func aScanShowsTheRowsAsTheyWereWhenItWasOpened() throws {
        var program = ProbeProgram()
        let table = program.table("item")
        let iterator = program.room()
        program.call("datastore_table_scan_bsatn", table, .address(iterator))
        program.insert(1, "too late")
        program.call("datastore_clear", table, .address(program.room(8)))
        let buffer = program.room(200)
        let length = program.place(UInt32(200).bsatn())
        program.call("row_iter_bsatn_advance", .loaded(iterator), .address(buffer), .address(length))
        let outcome = try database.run(program)
        #expect(outcome.last == -1)
        #expect(outcome.u32(at: length) == 51)
    }

    @Test func aWholeNumberOfRowsComesInEachPiece() async throws {
        for batch in 0..<40 {
            var program = ProbeProgram()
            for row in 0..<50 {
                program.insert(UInt32(batch), "row \(batch) \(row)" + String(repeating: "x", count: row))
            }
            try database.run(program)
        }
        // In a procedure, whose result may be long.
        var program = ProbeProgram()
        program.call("procedure_start_mut_tx", .address(program.room(8)))
        let table = program.table("item")
        let iterator = program.room()
        program.call("datastore_table_scan_bsatn", table, .address(iterator))
        let room = 65_536
        let buffer = program.room(room)
        var lengths: [Int] = []
        for _ in 0..<4 {
            lengths.append(program.place(UInt32(room).bsatn()))
            program.call(
                "row_iter_bsatn_advance", .loaded(iterator), .address(buffer), .address(lengths[lengths.count - 1]))
        }
        let outcome = try await database.run(program, in: .procedure)
        let results = outcome.results.suffix(4).map { Int32(truncatingIfNeeded: $0) }
        let end = try #require(results.firstIndex(of: -1))
        #expect(results[..<end].allSatisfy { $0 == 0 })
        #expect(results[(end + 1)...].allSatisfy { $0 == 6 })
        // What the last piece left in the buffer begins with whole rows.
        let last = outcome.bytes(buffer, Int(outcome.u32(at: lengths[end])))
        var reader = BSATNReader(last.span.bytes)
        while reader.remaining > 0 {
            _ = try reader.readU64()
            _ = try reader.readU32()
            #expect(try reader.readString().count > 0)
        }
    }

    // MARK: Views

    @Test func viewsHandOverRowsInBothForms() throws {
        let row = ProbeProgram.item(1, 7, "a")
        for (answer, header) in [(0, []), (2, [0])] as [(Int32, [UInt8])] {
            var program = ProbeProgram()
            program.answer = answer
            program.said = header + UInt32(1).bsatn() + row
            try database.keep(program, as: "own")
            #expect(try database.rows(ofView: "own") == [row])
        }
    }

    @Test func aViewCanBeAQuery() throws {
        var program = ProbeProgram()
        program.answer = 2
        program.said = [1] + "SELECT * FROM item WHERE owner = 9".bsatn()
        try database.keep(program, as: "own")
        #expect(try database.rows(ofView: "own") == [ProbeProgram.item(3, 9, "c")])
        program.said = [1] + "".bsatn()
        try database.keep(program, as: "own")
        #expect(try database.rows(ofView: "own") == [])
    }

    @Test(
        arguments: [
            (1, Array("not now".utf8)), (3, []), (2, [9]), (2, [1, 200]), (0, [5, 0, 0]), (0, [1, 0, 0, 0, 7]),
        ] as [(Int32, [UInt8])])
    func aViewsErrorIsOfWhoeverAskedForIt(answer: Int32, said: [UInt8]) throws {
        var program = ProbeProgram()
        program.answer = answer
        program.said = said
        try database.keep(program, as: "everybodys")
        #expect(throws: (any Error).self) { try database.rows(ofView: "everybodys") }
        #expect(try database.items() == ["a", "b", "c"])
    }

    // MARK: Starting and ending

    @Test func aHookThatFailsRefusesTheClient() throws {
        var program = ProbeProgram()
        program.answer = 1
        program.said = Array("full".utf8)
        try database.keep(program, as: "connect")
        let error = #expect(throws: SenderError.self) {
            try database.connect("late")
        }
        #expect(error?.message == "full")
    }

    @Test func aHookThatFailsKeepsNobodyConnected() throws {
        var program = ProbeProgram()
        program.commit(.trap)
        try database.keep(program, as: "disconnect")
        #expect(try database.core.connections.disconnect(database.client) != nil)
        let client = try database.connect("tester")
        #expect(client.identity == database.client.identity)
    }

    @Test func scheduledRowsCallTheGuestWhenTheyAreDue() throws {
        var tick = ProbeProgram()
        tick.insert(4, "ticked")
        try database.keep(tick, as: "tick")
        var program = ProbeProgram()
        let table = program.table("timer")
        let due = database.clock.now() + TimeDuration(microseconds: 2_000_000)
        let (row, length) = program.row(UInt64(0).bsatn() + [1] + due.microsecondsSinceUnixEpoch.bsatn())
        program.call("datastore_insert_bsatn", table, row, length)
        try database.run(program)
        database.clock.advance(by: .seconds(1))
        #expect(try database.items() == ["a", "b", "c"])
        database.clock.advance(by: .seconds(1))
        #expect(try database.items() == ["a", "b", "c", "ticked"])
    }

    @Test func aHandlersTrapIsItsClientsMisfortune() async throws {
        var program = ProbeProgram()
        program.commit(.trap)
        let request = HTTP.Request(.post, "http://host.example/web", body: program.bytes)
        #expect(await database.core.handle(request).status == 500)
        var next = ProbeProgram()
        next.said = nil
        let response = await database.core.handle(HTTP.Request(.post, "http://host.example/web", body: next.bytes))
        #expect(response.status == 200)
        #expect(response.headers["x-probe"] == "yes")
    }
}
