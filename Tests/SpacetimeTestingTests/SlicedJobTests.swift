import SpacetimeKit
import SpacetimeTesting
import Synchronization
import Testing

/// Reducers that go through tables, on a virtual clock.
@Suite struct SlicedJobTests {
    private let test: TestDatabase<Farm>

    init() throws { test = try TestDatabase(Farm.self) }

    private func ages() throws -> [UInt32] { try test.rows(of: Animal.self).sorted { $0.id < $1.id }.map(\.age) }

    private func events() throws -> [Event] { try test.rows(of: Event.self).sorted { $0.id < $1.id } }

    private func job(_ function: String, in database: Database<Farm>? = nil) throws -> ScheduleReport.Job {
        let report = try (database ?? test.database).scheduleReport()
        return try #require(report.jobs.first { $0.function == function })
    }

    @Test func eachRowIsCalledOnceInEachPass() throws {
        try test.call(Farm.fill, 1, 1_000)
        for pass in UInt32(1)...3 {
            test.clock.advance(by: .hours(1))
            #expect(try ages() == Array(repeating: pass, count: 1_000))
        }
        let job = try job("age")
        #expect(job.callCount == 3_000)
        #expect(job.passCount == 3)
        #expect(job.greatestLateness == .zero)
        #expect(job.failureCount == 0 && job.skippedCount == 0)
        #expect(job.table == "animal")
        #expect(job.pass?.done == 0 && job.pass?.total == 1_000, "the fourth pass has just begun")
    }

    @Test func rowsAreSpreadOverMostOfThePass() throws {
        try test.call(Farm.fill, 1, 900)
        test.clock.advance(by: .minutes(27))
        #expect((449...451).contains(try ages().count { $0 == 1 }))
        let pass = try #require(try job("age").pass)
        #expect(pass.total == 900 && pass.started == .testStart && !pass.isFinished)
        test.clock.advance(by: .minutes(27))
        #expect(try ages().allSatisfy { $0 == 1 }, "a tenth is kept for catching up")
        let times = try events().map(\.at)
        let gaps = zip(times, times.dropFirst()).map { ($1 - $0).microseconds }
        #expect(gaps.max() == 3_600_000 && gaps.min() == 3_600_000)
        // Each row has the same place in the next pass.
        test.clock.advance(by: .minutes(60))
        let all = try events()
        for (first, second) in zip(all[..<900], all[900...]) {
            #expect(first.what == second.what && second.at == first.at + .hours(1))
        }
    }

    @Test func aTickIsNotHeldUpByALargeTable() throws {
        try test.call(Farm.fill, 1, 74_000)
        try test.call(Farm.wind, .milliseconds(50))
        test.clock.advance(by: .seconds(30))
        var run = 0
        var longest = 0
        var ticks = 0
        for event in try events() {
            run = event.what == "tick" ? 0 : run + 1
            ticks += event.what == "tick" ? 1 : 0
            longest = max(longest, run)
        }
        #expect(ticks == 600)
        #expect(longest == 2, "two rows at most stand between two ticks")
        #expect(try job("tick").greatestLateness == .zero)
        #expect(try job("age").pass?.total == 74_000)
    }

    @Test func rowsThatComeAndGoAreCalledOnceAtMostInAPass() throws {
        try test.call(Farm.fill, 1, 500)
        test.clock.advance(by: .minutes(20))
        let called = Set(try test.rows(of: Animal.self).filter { $0.age == 1 }.map(\.id))
        #expect(called.count > 100 && called.count < 400)
        try test.call(Farm.sell, Array(1...50) + Array(called))
        try test.call(Farm.fill, 10_001, 100)
        test.clock.advance(by: .minutes(40))
        let rows = try test.rows(of: Animal.self)
        #expect(rows.filter { $0.id <= 500 }.allSatisfy { $0.age == 1 })
        #expect(rows.allSatisfy { $0.age <= 1 })
        test.clock.advance(by: .hours(1))
        #expect(try test.rows(of: Animal.self).filter { $0.id > 10_000 }.allSatisfy { $0.age >= 1 && $0.age <= 2 })
    }

    @Test func tablesThatAreGatheredInSeveralBatchesAreGoneThroughOnce() throws {
        try test.call(Farm.fill, 1, 40_000)
        test.clock.advance(by: .hours(1))
        #expect(try ages().allSatisfy { $0 == 1 })
        #expect(try job("age").callCount == 40_000)
    }

    @Test func keysMayBeTexts() throws {
        try test.call(Farm.sow, ["", "a", "north", "a long name of a field", "ä"])
        test.clock.advance(by: .minutes(30))
        #expect(try test.rows(of: Field.self).map(\.harvests) == [3, 3, 3, 3, 3])
    }

    @Test func anEmptyTableIsAPass() throws {
        test.clock.advance(by: .hours(2))
        #expect(try job("age").callCount == 0)
        try test.call(Farm.fill, 1, 10)
        test.clock.advance(by: .hours(2))
        #expect(try ages().allSatisfy { $0 >= 1 })
    }

    @Test func aRowThatFailsIsReportedAndTheOthersGoOn() throws {
        let failures = Mutex<[ScheduleReport.Failure]>([])
        var options = DatabaseOptions()
        options.clock = test.clock
        options.onScheduleFailure = { failure in failures.withLock { $0.append(failure) } }
        let database = try Database.open(.inMemory, module: Farm.self, options: options)
        try database.call(Farm.fill, 1, 20)
        try database.call(Farm.infect, 7)
        test.clock.advance(by: .hours(1))
        let rows = try database.read { Array($0.animal.rows) }
        #expect(rows.filter { $0.age == 0 }.map(\.id) == [7], "what failed was undone")
        #expect(failures.withLock { $0.map(\.key) } == [7])
        #expect(failures.withLock { $0.map(\.reducer) } == ["age"])
        #expect(failures.withLock { ($0.first?.error as? SenderError)?.message } == "7 is ill")
        #expect(try job("age", in: database).failureCount == 1)
        #expect(try database.read { db in db.event.rows.filter { $0.what == "nurse 7" }.count } == 1)
    }

    @Test func aJobThatIsLateCatchesUpAndSaysSo() throws {
        let clock = JumpingClock()
        var options = DatabaseOptions()
        options.clock = clock
        let database = try Database.open(.inMemory, module: Farm.self, options: options)
        try database.call(Farm.fill, 1, 1_000)
        clock.jump(.minutes(30))
        #expect((550...560).contains(try database.read { db in db.animal.rows.count { $0.age == 1 } }))
        let late = try job("age", in: database)
        #expect(late.greatestLateness > .minutes(29))
        #expect(late.lateCount > 500)
        clock.jump(.hours(5))
        let job = try job("age", in: database)
        #expect(job.skippedCount == 4)
        #expect(try database.read { db in db.animal.rows.allSatisfy { $0.age >= 1 && $0.age <= 2 } })
    }

    /// Jumps, and rings afterwards for all that was due on the way, as a machine's clock after a sleep.
    private final class JumpingClock: HostClock {
        private let state = Mutex((now: Timestamp.testStart, alarms: [Alarm]()))

        func now() -> Timestamp { state.withLock { $0.now } }

        func makeAlarm(_ ring: @escaping @Sendable () -> Void) -> any HostAlarm {
            let alarm = Alarm(ring)
            state.withLock { $0.alarms.append(alarm) }
            return alarm
        }

        func jump(_ duration: Duration) {
            state.withLock { $0.now = $0.now + duration }
            let (now, alarms) = state.withLock { $0 }
            while let due = alarms.first(where: { $0.take(until: now) }) { due.ring() }
        }

        private final class Alarm: HostAlarm {
            let ring: @Sendable () -> Void
            private let time = Mutex<Timestamp?>(nil)

            init(_ ring: @escaping @Sendable () -> Void) { self.ring = ring }

            func set(_ time: Timestamp?) { self.time.withLock { $0 = time } }
            func cancel() { set(nil) }

            func take(until now: Timestamp) -> Bool {
                time.withLock { time in
                    guard let due = time, due <= now else { return false }
                    time = nil
                    return true
                }
            }
        }
    }

    @Test func clientsCannotCallItAndTheOwnerCan() throws {
        let alice = try test.connect(as: "alice")
        let row = Animal(id: 1, age: 0)
        let error = #expect(throws: DatabaseError.self) { try alice.call(Farm.age, row) }
        #expect(error?.code == .noSuchReducer)
        let refused = #expect(throws: SenderError.self) { try test.call(Farm.age, row) }
        #expect(refused?.message == "who are you?")
    }

    // MARK: Refusals

    @Table struct Keyless { var a: UInt32 }
    @Table(.event) struct Passing { @PrimaryKey var id: UInt32 }
    @Table struct Keyed { @PrimaryKey var id: UInt32 }

    @Test func tablesThatCannotBeGoneThroughAreRefused() throws {
        func refused(_ module: Module) throws -> String {
            let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
            #expect(error?.code == .invalidModule)
            return error?.message ?? ""
        }
        let keyless = Module("a") {
            Table(Keyless.self)
            Reducer("go", lifecycle: .sliced(within: .hours(1))) {
                (context: borrowing ReducerContext, row: Keyless) in
            }
        }
        #expect(try refused(keyless).contains("needs a primary key of one column"))
        let event = Module("a") {
            Table(Passing.self)
            Reducer("go", lifecycle: .sliced(within: .hours(1))) {
                (context: borrowing ReducerContext, row: Passing) in
            }
        }
        #expect(try refused(event).contains("keeps no rows"))
        let hasty = Module("a") {
            Table(Keyed.self)
            Reducer("go", lifecycle: .sliced(within: .zero)) { (context: borrowing ReducerContext, row: Keyed) in }
        }
        #expect(try refused(hasty).contains("takes no time"))
        let other = Module("a") {
            Table(Keyed.self)
            Reducer("go", lifecycle: .sliced(within: .hours(1))) { (context: borrowing ReducerContext, row: UInt32) in }
        }
        #expect(try refused(other).contains("must take one row of a table of this module"))
    }
}
