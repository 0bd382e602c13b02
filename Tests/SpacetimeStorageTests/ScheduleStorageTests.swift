import SpacetimeKit
import SpacetimeTesting
import Testing

@Table(name: "job") struct Job: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

@Table(name: "done") struct Done: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var job: UInt64
    var at: Timestamp
    var dice: UInt8
}

@Module enum Jobs {
    static let tables = Tables(Job.self, Done.self)

    @Reducer static func add(_ context: borrowing Context, when: ScheduleAt) throws {
        try context.db.job.insert(Job(id: 0, when: when))
    }

    @Reducer(.scheduled) static func work(_ context: borrowing Context, job: Job) throws {
        var random = context.random
        try context.db.done.insert(
            Done(id: 0, job: job.id, at: context.timestamp, dice: .random(in: 1...6, using: &random)))
    }
}

/// Schedules over restarts, in the log, and when the disk fails.
@Suite struct ScheduleStorageTests {
    private let disk = SimulatedDisk()
    private let clock = VirtualClock()

    private func open(at directory: String = "jobs", clock: VirtualClock? = nil) throws -> Database<Jobs> {
        var options = DatabaseOptions()
        options.seed = 1
        options.clock = clock ?? self.clock
        return try Database.open(.directory(directory, .simulated(disk)), module: Jobs.self, options: options)
    }

    private func done(_ database: Database<Jobs>) throws -> [Done] {
        try database.read { Array($0.done.rows).sorted { $0.id < $1.id } }
    }

    private func seconds(_ database: Database<Jobs>) throws -> [Int64] {
        try done(database).map { ($0.at - .testStart).microseconds / 1_000_000 }
    }

    @Test func overdueRowsRunAtOnceAfterOpeningAndIntervalsStartAnew() throws {
        let first = try open()
        try first.call(Jobs.add, .time(.testStart + .seconds(100)))
        try first.call(Jobs.add, .time(.testStart + .seconds(300)))
        try first.call(Jobs.add, .interval(.seconds(60)))
        clock.advance(by: .seconds(70))
        #expect(try seconds(first) == [60])
        try first.close()
        // Nothing runs while it is closed.
        clock.advance(by: .seconds(130))
        let second = try open()
        #expect(try seconds(second) == [60])
        clock.advance(by: .zero)
        #expect(try seconds(second) == [60, 200])
        clock.advance(by: .seconds(150))
        #expect(try seconds(second) == [60, 200, 260, 300, 320])
    }

    @Test func aCrashBetweenTheCallAndTheRemovalOfTheRowRunsItAgain() throws {
        let database = try open()
        try database.call(Jobs.add, .time(.testStart + .seconds(5)))
        let call = TxOffset(try database.lastOffset().rawValue + 1)
        clock.advance(by: .seconds(5))
        #expect(try database.lastOffset() == TxOffset(call.rawValue + 1))
        try database.close()
        try Database<Jobs>.restore(from: "jobs", to: "crashed", upTo: call, disk: disk)
        let again = try open(at: "crashed")
        #expect(try again.read { $0.job.count } == 1)
        clock.advance(by: .zero)
        #expect(try done(again).map(\.job) == [1, 1])
        #expect(try again.read { $0.job.count } == 0)
    }

    @Test func aScheduledCallIsReplayedFromTheLog() throws {
        let database = try open()
        try database.call(Jobs.add, .interval(.seconds(5)))
        let offset = TxOffset(try database.lastOffset().rawValue + 1)
        clock.advance(by: .seconds(20))
        try database.close()
        let report = try Database<Jobs>.replay(offset, at: "jobs", module: Jobs.self, disk: disk)
        #expect(report.reducer == "work")
        #expect(report.caller == database.identity)
        #expect(report.timestamp == .testStart + .seconds(5))
        #expect(report.differences == [])
    }

    @Test func aDatabaseThatTakesNoWritesCallsNothingAndDoesNotLoseIt() throws {
        let database = try open()
        try database.call(Jobs.add, .interval(.seconds(5)))
        try database.call(Jobs.add, .time(.testStart + .seconds(12)))
        try database.flush()
        var faults = SimulatedDisk.Faults()
        faults.powerOffAt = disk.operationCount
        disk.setFaults(faults)
        clock.advance(by: .seconds(30))
        try? database.flush()
        let found = try seconds(database)
        clock.advance(by: .hours(1))
        #expect(try seconds(database) == found)
        let survivor = disk.afterPowerLoss(.everythingUnsynced, seed: 1)
        var options = DatabaseOptions()
        options.clock = clock
        let again = try Database.open(.directory("jobs", .simulated(survivor)), module: Jobs.self, options: options)
        clock.advance(by: .zero)
        #expect(try done(again).map(\.job) == [2])
    }

    @Test func theOpenedPastCallsNothing() throws {
        let database = try open()
        try database.call(Jobs.add, .interval(.seconds(5)))
        try database.close()
        var options = DatabaseOptions()
        options.clock = clock
        let past = try Database.open(
            at: "jobs", asOf: database.lastOffset(), module: Jobs.self, options: options, disk: disk)
        clock.advance(by: .hours(1))
        #expect(try done(past) == [])
    }

    @Test func theScheduleGoesOnOverAMigration() throws {
        let database = try open()
        try database.call(Jobs.add, .interval(.seconds(5)))
        try database.close()
        let module = Module("Jobs") {
            Table(Job.self)
            Table(Done.self)
            Table(Remark.self)
            Reducer("add") { (context: borrowing ReducerContext, when: ScheduleAt) in
                try context.table(Job.self).insert(Job(id: 0, when: when))
            }
            Reducer("work", parameters: ["job"], lifecycle: .scheduled) {
                (context: borrowing ReducerContext, job: Job) in
                try context.table(Remark.self).insert(Remark(id: UInt64(context.table(Remark.self).count)))
            }
        }
        var options = DatabaseOptions()
        options.clock = clock
        let grown = try Database.open(.directory("jobs", .simulated(disk)), module: module, options: options)
        clock.advance(by: .seconds(12))
        #expect(try grown.snapshot().rows(Remark.all).count == 2)
    }
}
