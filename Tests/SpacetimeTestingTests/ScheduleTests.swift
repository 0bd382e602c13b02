import SpacetimeKit
import SpacetimeTesting
import Testing

/// The contract of schedules, on a virtual clock.
@Suite struct ScheduleTests {
    private let test: TestDatabase<Jobs>

    init() throws { test = try TestDatabase(Jobs.self) }

    /// Seconds since the start of the test at which something ran.
    private func runs(_ what: String? = nil) throws -> [Int64] {
        try test.rows(of: Run.self).sorted { $0.id < $1.id }.filter { what == nil || $0.what == what }.map {
            ($0.at - .testStart).microseconds / 1_000_000
        }
    }

    private func jobs() throws -> [Job] { try test.rows(of: Job.self).sorted { $0.id < $1.id } }

    @Test func aOneShotRunsOnceAtItsTimeAndIsRemoved() throws {
        try test.call(Jobs.add, "a", .time(.testStart + .seconds(90)))
        test.clock.advance(by: .seconds(89))
        #expect(try runs() == [])
        #expect(try jobs().count == 1)
        test.clock.advance(by: .seconds(60))
        #expect(try runs() == [90])
        #expect(try jobs() == [])
        test.clock.advance(by: .days(1))
        #expect(try runs() == [90])
    }

    @Test func anIntervalRunsAtAFixedRate() throws {
        try test.call(Jobs.add, "tick", .interval(.seconds(10)))
        test.clock.advance(by: .seconds(35))
        #expect(try runs() == [10, 20, 30])
        test.clock.advance(by: .seconds(5))
        #expect(try runs() == [10, 20, 30, 40])
        #expect(try jobs().count == 1)
    }

    @Test func aMonthOfHourlyJobsTakesNoTime() throws {
        try test.call(Jobs.add, "hourly", .interval(.hours(1)))
        test.clock.advance(by: .hours(24 * 30))
        #expect(try runs() == (1...720).map { $0 * 3_600 })
        let report = try test.database.scheduleReport()
        #expect(report.callCount == 720)
        #expect(report.failureCount == 0)
        #expect(report.greatestLateness == .zero)
        #expect(report.pendingCount == 1)
        #expect(report.nextDue == .testStart + .hours(721))
    }

    @Test func whatIsOverdueRunsAtOnceAtTheTimeOfNow() throws {
        test.clock.advance(by: .seconds(100))
        try test.call(Jobs.add, "late", .time(.testStart + .seconds(40)))
        #expect(try runs() == [], "nothing runs inside of a call")
        test.clock.advance(by: .zero)
        #expect(try runs() == [100])
        let report = try test.database.scheduleReport()
        #expect(report.lastLateness == .seconds(60))
        #expect(report.lateCount == 1)
    }

    @Test func whatARolledBackCallScheduledNeverRuns() throws {
        #expect(throws: SenderError.self) { try test.call(Jobs.addAndFail, "a", .interval(.seconds(1))) }
        test.clock.advance(by: .minutes(1))
        #expect(try runs() == [])
        #expect(try test.database.scheduleReport().nextDue == nil)
    }

    @Test func aDeletedRowDoesNotRun() throws {
        try test.call(Jobs.add, "a", .interval(.seconds(10)))
        test.clock.advance(by: .seconds(15))
        try test.call(Jobs.remove, 1)
        let report = try test.database.scheduleReport()
        #expect(report.pendingCount == 0 && report.nextDue == nil)
        test.clock.advance(by: .minutes(1))
        #expect(try runs() == [10])
    }

    @Test func anUpdateReplacesTheTimerAndTheRowIsAsItIsWhenItFires() throws {
        try test.call(Jobs.add, "old", .time(.testStart + .seconds(10)))
        try test.call(Jobs.change, 1, "new", .time(.testStart + .seconds(20)))
        test.clock.advance(by: .minutes(1))
        #expect(try runs("old") == [])
        #expect(try runs("new") == [20])
    }

    @Test func anUpdateThatLeavesTheScheduleAloneKeepsThePhase() throws {
        try test.call(Jobs.add, "old", .interval(.seconds(10)))
        test.clock.advance(by: .seconds(7))
        try test.call(Jobs.change, 1, "new", .interval(.seconds(10)))
        test.clock.advance(by: .seconds(5))
        #expect(try runs() == [10])
        try test.call(Jobs.change, 1, "new", .interval(.seconds(3)))
        test.clock.advance(by: .seconds(4))
        #expect(try runs() == [10, 15])
    }

    @Test func aReducerThatChangesItsOwnRowKeepsThePhase() throws {
        try test.call(Jobs.add, "count", .interval(.seconds(10)))
        test.clock.advance(by: .seconds(45))
        #expect(try runs() == [10, 20, 30, 40])
        #expect(try jobs().map(\.runs) == [4])
    }

    @Test func aFailedOneShotIsNotRetriedAndIsRemoved() throws {
        try test.call(Jobs.add, "fail", .time(.testStart + .seconds(1)))
        test.clock.advance(by: .minutes(1))
        #expect(try runs() == [])
        #expect(try jobs() == [])
        let failure = try #require(try test.database.scheduleReport().lastFailure)
        #expect(failure.error is SenderError)
        #expect(failure.description.contains("'work' failed for row 1 of 'job'"))
        #expect(
            try test.database.scheduleReport().description == """
                0 rows wait
                1 calls, 0 skipped, 1 failed, last: \(failure)
                0 late; mean 0.0 seconds, worst 0.0 seconds, last 0.0 seconds
                """)
    }

    @Test func aFailedIntervalGoesOn() throws {
        try test.call(Jobs.add, "fail", .interval(.seconds(10)))
        test.clock.advance(by: .seconds(45))
        #expect(try test.database.scheduleReport().failureCount == 4)
        #expect(try jobs().count == 1)
    }

    @Test(
        arguments: [
            ("stop after one", []), ("again, same key", [65]), ("again, replaced", [65]), ("again, new key", [65]),
            ("become an interval", [65, 125]), ("count", []),
        ] as [(String, [Int64])])
    func aOneShotMayDealWithItsRow(_ name: String, _ later: [Int64]) throws {
        try test.call(Jobs.add, name, .time(.testStart + .seconds(5)))
        test.clock.advance(by: .seconds(130))
        #expect(try runs(name) == [5])
        #expect(try runs("x") == later)
        #expect(try jobs().count == (name == "become an interval" ? 1 : 0))
    }

    @Test func aOneShotReplacedByItsLikeIsAnotherOneShot() throws {
        try test.call(Jobs.add, "replaced by its like", .time(.testStart + .seconds(5)))
        test.clock.advance(by: .seconds(60))
        #expect(try runs() == [5, 5, 5])
        #expect(try jobs() == [])
    }

    /// An update keeps the phase, whatever it does to the row; a new row has a phase of its own, whatever it looks like.
    @Test(arguments: ["tick", "t", String(repeating: "a longer row, which moves ", count: 40)])
    func anIntervalKeepsItsPhaseOverAnUpdateAndBeginsAnewInANewRow(_ name: String) throws {
        for (id, replaces) in [(1, false), (2, true)] as [(UInt64, Bool)] {
            let start = test.clock.now()
            try test.call(Jobs.add, "tick", .interval(.seconds(10)))
            test.clock.advance(by: .seconds(7))
            if replaces {
                try test.call(Jobs.replace, id, name, .interval(.seconds(10)))
            } else {
                try test.call(Jobs.change, id, name, .interval(.seconds(10)))
            }
            test.clock.advance(by: .seconds(11))
            try test.call(Jobs.remove, id)
            let seen = try runs().filter { $0 > (start - .testStart).microseconds / 1_000_000 }
            #expect(seen.map { $0 - (start - .testStart).microseconds / 1_000_000 } == [replaces ? 17 : 10])
        }
    }

    @Test func anIntervalMayBecomeAOneShot() throws {
        try test.call(Jobs.add, "become one last time", .interval(.seconds(10)))
        test.clock.advance(by: .minutes(2))
        #expect(try runs("x") == [17])
        #expect(try jobs() == [])
    }

    @Test func callsOfOneTimeComeInTheOrderOfSettingAndOfTables() throws {
        try test.call(Jobs.add, "b", .time(.testStart + .seconds(5)))
        try test.call(Jobs.ring, .time(.testStart + .seconds(5)))
        try test.call(Jobs.add, "a", .time(.testStart + .seconds(5)))
        test.clock.advance(by: .seconds(5))
        #expect(try test.rows(of: Run.self).sorted { $0.id < $1.id }.map(\.what) == ["b", "alarm 1", "a"])
        #expect(try test.rows(of: Alarm.self) == [])
    }

    @Test func whatSchedulesItselfForNowRunsInTheSameMove() throws {
        try test.call(Jobs.add, "at once", .time(.testStart))
        test.clock.advance(by: .zero)
        #expect(try runs("at once") == [0, 0, 0, 0, 0])
    }

    @Test func subscribersSeeTheCallAndTheRemovalOfTheRow() throws {
        let alice = try test.connect(as: "alice")
        let jobs = try alice.subscribe(Job.all)
        let seen = try alice.subscribe(Run.all)
        try alice.call(Jobs.add, "a", .time(.testStart + .seconds(5)))
        test.clock.advance(by: .seconds(5))
        #expect(seen.rows.map(\.what) == ["a"])
        #expect(jobs.rows == [])
        #expect(jobs.changes.count == 2)
        // One after the other, each a commit.
        #expect(try #require(seen.changes.first).offset < #require(jobs.changes.last).offset)
    }

    @Test func clientsCannotCallAScheduledReducerButTheOwnerCan() throws {
        let alice = try test.connect(as: "alice")
        let job = Job(id: 7, name: "a", when: .interval(.zero))
        let error = #expect(throws: DatabaseError.self) { try alice.call(Jobs.work, job) }
        #expect(error?.code == .noSuchReducer)
        #expect(throws: DatabaseError.self) { try alice.connection.call("work", arguments: job.bsatn()) }
        // It gets as far as the check of who calls.
        #expect(throws: SenderError.self) { try test.call(Jobs.work, job) }
    }

    @Test func twoRunsAreEqual() throws {
        func history() throws -> [Run] {
            let test = try TestDatabase(Jobs.self, seed: 3)
            for number in 1...20 as ClosedRange<Int64> {
                try test.call(Jobs.add, "\(number)", .interval(.seconds(number % 7 + 1)))
            }
            test.clock.advance(by: .minutes(5))
            return try test.rows(of: Run.self)
        }
        #expect(try history() == history())
    }
}
