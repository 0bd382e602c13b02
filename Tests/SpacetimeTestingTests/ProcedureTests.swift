import SpacetimeKit
import SpacetimeTesting
import Synchronization
import Testing

/// The contract of procedures, on a virtual clock.
@Suite struct ProcedureTests {
    private let test: TestDatabase<Workshop>

    init() throws { test = try TestDatabase(Workshop.self) }

    private func lines(_ test: TestDatabase<Workshop>? = nil) throws -> [String] {
        try (test ?? self.test).rows(of: Line.self).sorted { $0.id < $1.id }.map(\.text)
    }

    /// Texts with the seconds at which they were written.
    private func timedLines() throws -> [String] {
        try test.rows(of: Line.self).sorted { $0.id < $1.id }
            .map { "\(($0.at - .testStart).microseconds / 1_000_000) \($0.text)" }
    }

    // MARK: Calling

    @Test func aResultReachesTheCallerTypedAndAsBytes() async throws {
        #expect(try await test.call(Workshop.join, ["a", "b"], "-") == "a-b")
        let bytes = try await test.database.callProcedure("join", arguments: ["c"].bsatn() + "".bsatn())
        #expect(try String(bsatn: bytes) == "c")
        #expect(try await test.call(Bench.sum, [1, 2, 3]) == 6)
        #expect(try await test.database.callProcedure("add_up", arguments: [Int64(4)].bsatn()) == Int64(4).bsatn())
        #expect(try lines() == ["a-b", "c"])
    }

    @Test func aProcedureThatReturnsNothingReturnsNoBytes() async throws {
        try await test.call(Workshop.writeAll, ["a"])
        #expect(try await test.database.callProcedure("writeAll", arguments: [String]().bsatn()) == [])
        #expect(try await test.database.callProcedure("write_all", arguments: [String]().bsatn()) == [])
    }

    @Test func eachTransactionStandsForItself() async throws {
        let error = await #expect(throws: SenderError.self) { try await test.call(Workshop.writeAll, ["a", "", "c"]) }
        #expect(error?.message == "nothing to write")
        #expect(try lines() == ["a"], "what was committed before stays")
        #expect(try await test.call(Workshop.tryAll, ["b", "", "c"]) == 1)
        #expect(try lines() == ["a", "begun", "b", "begun", "c"], "what failed left nothing")
    }

    @Test func subscribersSeeEachTransactionByItself() async throws {
        let alice = try test.connect(as: "alice")
        let changes = Mutex<[[String]]>([])
        let observer = try await alice.connection.subscribe(Line.all) { change in
            changes.withLock { $0.append(change.inserted.map(\.text)) }
        }
        try await alice.call(Workshop.writeAll, ["a", "b"])
        #expect(changes.withLock { $0.filter { !$0.isEmpty } } == [["a"], ["b"]])
        #expect(try test.rows(of: Line.self).allSatisfy { $0.who == alice.identity })
        observer.cancel()
    }

    @Test func theContextTellsOfTheCallAndTheClockGoesOn() async throws {
        let alice = try test.connect(as: "alice")
        async let found = alice.call(Workshop.facts)
        await started(1)
        await test.advance(by: .seconds(30))
        let facts = try await found
        #expect(facts.sender == alice.identity)
        #expect(facts.connection == alice.connectionID)
        #expect(facts.timestamp == .testStart)
        #expect(facts.now == .testStart + .seconds(10))
        #expect(facts.identity == test.database.identity)
        #expect(facts.owner == test.database.owner)
        #expect(facts.uuids.map(\.version) == [4, 7])
        async let own = test.call(Workshop.facts)
        await started(1)
        await test.advance(by: .seconds(10))
        #expect(try await own.sender == test.database.owner)
        #expect(try await own.connection == nil)
    }

    /// Waits until so many procedures have begun.
    private func started(_ count: Int) async {
        while test.database.runningProcedures < count { await Task.yield() }
        await test.settle()
    }

    @Test func equalSeedsDrawEqualNumbers() async throws {
        var rolls: [[UInt8]] = []
        for seed: UInt64 in [1, 1, 2] {
            let test = try TestDatabase(Workshop.self, seed: seed)
            rolls.append(try await test.call(Workshop.dice, 40))
            #expect(try await test.call(Workshop.dice, 40) != rolls.last, "each call has numbers of its own")
        }
        #expect(rolls[0] == rolls[1])
        #expect(rolls[0] != rolls[2])
    }

    // MARK: Refusals

    @Test func privateProceduresDoNotExistForClients() async throws {
        let alice = try test.connect(as: "alice")
        #expect(try await test.call(Workshop.secret) == "hush")
        #expect(try await test.database.callProcedure("hidden", arguments: []) == "hush".bsatn())
        for name in ["secret", "hidden", "run", "nobody"] {
            let error = await #expect(throws: DatabaseError.self) {
                try await alice.connection.callProcedure(name, arguments: [])
            }
            #expect(error?.code == .noSuchProcedure)
            #expect(error?.message.contains("there is no procedure '\(name)'") == true)
        }
        let typed = await #expect(throws: DatabaseError.self) { try await alice.call(Workshop.secret) }
        #expect(typed?.code == .noSuchProcedure)
    }

    @Test(arguments: [[], [1], [0, 0, 0, 0, 0]] as [[UInt8]])
    func argumentsThatDoNotFitAreRefused(_ bytes: [UInt8]) async throws {
        let error = await #expect(throws: DatabaseError.self) {
            try await test.database.callProcedure("writeAll", arguments: bytes)
        }
        #expect(error?.code == .badArguments)
    }

    @Test func aClosedConnectionCallsNothing() async throws {
        let alice = try test.connect(as: "alice")
        try alice.disconnect()
        let error = await #expect(throws: DatabaseError.self) { try await alice.call(Workshop.dice, 1) }
        #expect(error?.code == .disconnected)
    }

    @Test func aCallInsideOfATransactionIsRefused() async throws {
        let database = test.database
        let module = Module("nested") {
            Table(Line.self)
            Procedure("nest") { (context: ProcedureContext<DynamicModule>) async throws in
                try await context.withTransaction { _ in try database.call(Workshop.write, "inside") }
                return NoValue()
            }
        }
        let other = try await Database.open(.inMemory, module: module)
        let error = await #expect(throws: DatabaseError.self) { try await other.callProcedure("nest", arguments: []) }
        #expect(error?.code == .nestedTransaction)
    }

    @Test func aContextThatOutlivesItsCallDoesNothing() async throws {
        let kept = Mutex<ProcedureContext<DynamicModule>?>(nil)
        let keep = Procedure("keep") { (context: ProcedureContext<DynamicModule>) async throws in
            kept.withLock { $0 = context }
            return NoValue()
        }
        let database = try await Database.open(
            .inMemory,
            module: Module("keeper") {
                Table(Line.self)
                keep
            })
        try await database.call(keep)
        let context = try #require(kept.withLock { $0 })
        for use in [
            { try await context.withTransaction { _ in } }, { try await context.sleep(for: .seconds(1)) },
            { _ = try await context.send(HTTP.Request(.get, "https://example.com")) },
        ] as [() async throws -> Void] {
            let error = await #expect(throws: DatabaseError.self) { try await use() }
            #expect(error?.code == .procedureEnded)
        }
    }

    @Test func moreThanTheLimitAreRefused() async throws {
        var options = DatabaseOptions()
        options.clock = test.clock
        options.procedureLimit = 3
        let database = try await Database.open(.inMemory, module: Workshop.self, options: options)
        let tasks = (0..<3).map { _ in Task { try await database.call(Workshop.writeLater, 10, "x") } }
        while database.runningProcedures < 3 { await Task.yield() }
        let error = await #expect(throws: DatabaseError.self) { try await database.call(Workshop.dice, 1) }
        #expect(error?.code == .limitReached)
        await database.settleProcedures()
        test.clock.advance(by: .seconds(10))
        for task in tasks { _ = try await task.value }
        #expect(try await database.call(Workshop.dice, 1).count == 1)
    }

    // MARK: Time

    @Test func aThousandSleepAtOnceAndWakeInOrder() async throws {
        let test = test
        let tasks = (0..<1_000).map { number in
            Task { try await test.call(Workshop.writeLater, Int64(1 + number * 7 % 1_000), "\(number * 7 % 1_000)") }
        }
        await started(1_000)
        await test.advance(by: .seconds(500))
        #expect(try lines().count == 500)
        await test.advance(by: .seconds(500))
        for task in tasks { _ = try await task.value }
        #expect(try lines() == (0..<1_000).map { "\($0)" })
    }

    @Test func sleepingUntilThePastTakesNoTime() async throws {
        test.clock.advance(by: .seconds(60))
        try await test.call(Workshop.writeLater, -5, "at once")
        #expect(try timedLines() == ["60 at once"])
    }

    @Test func cancellingTheCallerCancelsTheProcedure() async throws {
        let test = test
        let task = Task { try await test.call(Workshop.writeLater, 10, "never") }
        await started(1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await test.advance(by: .seconds(20))
        #expect(try lines() == [])
        #expect(test.database.runningProcedures == 0)
    }

    @Test func closingTheDatabaseCancelsWhatRuns() async throws {
        let test = test
        let task = Task { try await test.call(Workshop.writeLater, 10, "never") }
        await started(1)
        try await test.database.close()
        await #expect(throws: CancellationError.self) { try await task.value }
        let error = await #expect(throws: DatabaseError.self) { try await test.call(Workshop.dice, 1) }
        #expect(error?.code == .closed)
    }

    @Test func lettingGoOfTheDatabaseCancelsWhatRuns() async throws {
        let clock = VirtualClock()
        var options = DatabaseOptions()
        options.clock = clock
        let outcome = Mutex<String?>(nil)
        let module = Module("dropped") {
            Table(Line.self)
            Procedure("wait") { (context: ProcedureContext<DynamicModule>) async throws in
                do { try await context.sleep(for: .seconds(1)) } catch {
                    outcome.withLock { $0 = "\(error)" }
                    throw error
                }
                return NoValue()
            }
        }
        var database: Database? = try await Database.open(.inMemory, module: module, options: options)
        let core = try #require(database?.core.procedures)
        let owner = try #require(database?.owner)
        let waiting = Task { try await core.call("wait", arguments: [], as: Caller(identity: owner)) }
        while core.runningCount < 1 { await Task.yield() }
        await core.settle()
        database = nil
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(outcome.withLock { $0 } == "CancellationError()")
    }

    // MARK: Requests

    @Test func requestsGoToTheExecutor() async throws {
        let http = StubHTTP { request in
            if request.path == "/broken" { throw SenderError("no route to host") }
            return HTTP.Response(status: 203, text: "for \(request.url)")
        }
        let test = try TestDatabase(Workshop.self, http: http)
        #expect(
            try await test.call(Workshop.fetch, "https://a.example/x?key=1", 5) == "203 for https://a.example/x?key=1")
        let error = await #expect(throws: DatabaseError.self) {
            try await test.call(Workshop.fetch, "https://a.example/broken?key=secret", 5)
        }
        #expect(error?.code == .httpFailure)
        #expect(error?.message.contains("https://a.example/broken failed") == true)
        #expect(error?.message.contains("secret") == false, "queries hold secrets")
        #expect((error?.cause as? SenderError)?.message == "no route to host")
        #expect(http.requests.map(\.path) == ["/x", "/broken"])
    }

    @Test func withoutAnExecutorARequestFails() async throws {
        let error = await #expect(throws: DatabaseError.self) {
            try await test.call(Workshop.fetch, "https://a.example/?q=1", 5)
        }
        #expect(error?.code == .httpFailure)
        #expect(error?.message.contains("DatabaseOptions.http") == true)
        #expect(error?.message.contains("q=1") == false)
    }

    @Test(arguments: [(5, 5), (30, 30), (1_000, 180)] as [(Int64, Int64)])
    func aRequestEndsAfterItsTimeWhateverTheExecutorDoes(_ asked: Int64, _ given: Int64) async throws {
        // It answers to nothing, not even to being cancelled, until the test is over.
        let (stream, end) = AsyncStream<Void>.makeStream()
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let http = StubHTTP { _ in
            arrived.yield()
            await Task { for await _ in stream {} }.value
            return HTTP.Response()
        }
        let test = try TestDatabase(Workshop.self, http: http)
        let task = Task { try await test.call(Workshop.fetch, "https://slow.example/?key=1", asked) }
        for await _ in arrivals { break }
        test.clock.advance(by: .seconds(given) - .milliseconds(1))
        #expect(test.database.runningProcedures == 1)
        test.clock.advance(by: .milliseconds(1))
        let error = await #expect(throws: DatabaseError.self) { try await task.value }
        #expect(error?.code == .httpFailure)
        #expect(error?.message == "https://slow.example/ did not answer within \(given).0 seconds")
        end.finish()
    }

    @Test func aServerThatDoesNotAnswerIsPlayedOnTheClockOfTheTest() async throws {
        let test = try TestDatabase(Workshop.self, http: StubHTTP { _ in throw StubHTTP.noAnswer })
        let task = Task { try await test.call(Workshop.fetch, "https://mute.example/", 20) }
        while test.database.runningProcedures < 1 { await Task.yield() }
        await test.advance(by: .seconds(19))
        #expect(test.database.runningProcedures == 1)
        await test.advance(by: .seconds(1))
        let error = await #expect(throws: DatabaseError.self) { try await task.value }
        #expect(error?.code == .httpFailure)
        #expect(error?.message == "https://mute.example/ did not answer within 20.0 seconds")
        await test.settle()
    }

    @Test func aRequestThatIsNotAnsweredCanBeCancelled() async throws {
        let http = StubHTTP { _ in throw StubHTTP.noAnswer }
        let test = try TestDatabase(Workshop.self, http: http)
        let task = Task { try await test.call(Workshop.fetch, "https://mute.example/", 20) }
        while http.requests.isEmpty { await Task.yield() }
        await test.settle()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await test.settle()
        #expect(test.database.runningProcedures == 0)
    }

    // MARK: Schedules

    @Test func aScheduledProcedureIsCalledOnceAndItsRowIsGoneBefore() async throws {
        try test.call(Workshop.plan, "a", .time(.testStart + .seconds(10)))
        await test.advance(by: .minutes(1))
        #expect(try timedLines() == ["10 begin a", "10 end a, row gone"])
        #expect(try test.rows(of: Errand.self) == [])
        #expect(try test.rows(of: Line.self).allSatisfy { $0.who == test.database.identity })
    }

    @Test func aLongProcedureHoldsNobodyUp() async throws {
        try test.call(Workshop.plan, "long", .time(.testStart + .seconds(1)))
        try test.call(Workshop.plan, "short", .time(.testStart + .seconds(2)))
        try test.call(Workshop.beat, .seconds(10))
        await test.advance(by: .seconds(30))
        #expect(
            try timedLines() == [
                "1 begin long", "2 begin short", "2 end short, row gone", "10 tick", "20 tick",
                "26 end long, row gone", "30 tick",
            ])
        #expect(try test.database.scheduleReport().greatestLateness == .zero)
    }

    @Test func anIntervalSkipsWhatFallsIntoItsOwnRun() async throws {
        try test.call(Workshop.plan, "long", .interval(.seconds(10)))
        await test.advance(by: .seconds(80))
        #expect(
            try timedLines() == [
                "10 begin long", "35 end long, row there", "40 begin long", "65 end long, row there",
                "70 begin long",
            ])
        let report = try test.database.scheduleReport()
        #expect(report.callCount == 3)
        #expect(report.skippedCount == 5)
    }

    @Test func aFailedScheduledProcedureIsReported() async throws {
        let failures = Mutex<[String]>([])
        var options = DatabaseOptions()
        options.clock = test.clock
        options.onScheduleFailure = { failure in failures.withLock { $0.append("\(failure)") } }
        let database = try await Database.open(.inMemory, module: Workshop.self, options: options)
        try await database.call(Workshop.plan, "fail", .time(.testStart + .seconds(3)))
        test.clock.advance(by: .seconds(3))
        await database.settleProcedures()
        #expect(failures.withLock { $0.count } == 1)
        #expect(failures.withLock { $0[0].contains("scheduled 'run' failed for row 1 of 'errand'") })
        #expect(try database.scheduleReport().failureCount == 1)
        #expect(try await database.read { $0.errand.count } == 0)
    }
}

extension Database {
    var runningProcedures: Int { core.procedures.runningCount }
    func settleProcedures() async { await core.procedures.settle() }
}
