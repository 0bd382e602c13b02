import SpacetimeKit
import Synchronization
import Testing

@Table(name: "beat") struct Beat {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

/// Macros see names only, so what they would refuse is hidden from them here, to be found when a database is opened.
typealias Moment = ScheduleAt
typealias Narrow = UInt32

@Table(name: "two_times") struct TwoTimes {
    @PrimaryKey var id: UInt64
    var first: Moment
    var second: Moment
}

@Table(name: "narrow") struct NarrowKey {
    @PrimaryKey var id: Narrow
    var when: ScheduleAt
}

@Table(.event, name: "passing") struct Passing {
    @PrimaryKey var id: UInt64
    var when: Moment
}

@Table(.unscheduled, name: "diary") struct Diary: Equatable {
    var when: ScheduleAt
    var until: ScheduleAt?
}

@Module enum Forgotten {
    static let tables = Tables(Beat.self)
}

/// What a module may schedule, and the machine's clock as the one who wakes.
@Suite struct ScheduleModuleTests {
    private func refusal<Row: TableRow>(_ row: Row.Type, listed: Bool = true) -> String {
        let module = Module("m") {
            if listed { Table(row) }
            Reducer("run", lifecycle: .scheduled) { (context: borrowing ReducerContext, row: Row) in }
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.code == .invalidModule)
        return error?.message ?? ""
    }

    @Test func tablesThatCannotBeScheduledAreRefusedWithTheReason() {
        #expect(refusal(Beat.self, listed: false).contains("'run' must take one row of a table of this module"))
        #expect(refusal(TwoTimes.self).contains("one column of type ScheduleAt, not 2"))
        #expect(refusal(Account.self).contains("one column of type ScheduleAt, not 0"))
        #expect(refusal(NarrowKey.self).contains("a primary key of one U64 column"))
        #expect(refusal(Passing.self).contains("is an event table, which keeps no rows"))
    }

    @Test func rowsThatNothingIsCalledForAreRefused() {
        let modules = [
            Module("m") { Table(Beat.self) }, Module("m") { Table(TwoTimes.self) }, Module("m") { Table(Passing.self) },
        ]
        for module in modules {
            let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
            #expect(error?.code == .invalidModule)
            #expect(error?.message.contains("@Reducer(.scheduled)") == true)
            #expect(error?.message.contains("@Table(.unscheduled)") == true)
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: Forgotten.self) }
        #expect(error?.message.contains("'beat' is due") == true)
        #expect(error?.message.contains("column 'when'") == true)
        #expect(error?.message.contains("row: Beat") == true)
    }

    @Test func furtherTablesKeepRowsThatAreScheduledElsewhere() throws {
        let module = Module("m") {
            Table(Beat.self)
            Table(Beat.self, name: "archive")
            Reducer("beat", lifecycle: .scheduled) { (context: borrowing ReducerContext, beat: Beat) in }
        }
        let db = try Database.open(.inMemory, module: module)
        #expect(try db.scheduleReport().pendingCount == 0)
        let unscheduled = Module("m") { Table(Beat.self, name: "archive") }
        #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: unscheduled) }
    }

    @Test func unscheduledTimesAreValuesLikeAnyOther() throws {
        let module = Module("m") {
            Table(Diary.self)
            Reducer("write") { (context: borrowing ReducerContext, entry: ScheduleAt) in
                try context.table(Diary.self).insert(Diary(when: entry, until: nil))
            }
        }
        let db = try Database.open(.inMemory, module: module)
        try db.call("write", arguments: ScheduleAt.interval(.milliseconds(1)).bsatn())
        let rows = try db.read { Array($0.table(Diary.self).rows) }
        #expect(rows == [Diary(when: .interval(.milliseconds(1)), until: nil)])
        #expect(try db.scheduleReport().pendingCount == 0)
    }

    @Test func aScheduledReducerWithoutARowIsRefused() {
        let module = Module("m") {
            Table(Beat.self)
            Reducer("run", lifecycle: .scheduled) { (context: borrowing ReducerContext) in }
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.message.contains("must take one row") == true)
    }

    /// Three beats a millisecond apart, with the machine's clock and the thread of its alarm.
    @Test(.timeLimit(.minutes(10))) func theMachinesClockCallsByItself() async throws {
        let failures = Mutex<[String]>([])
        var options = DatabaseOptions()
        options.onScheduleFailure = { failure in failures.withLock { $0.append(failure.reducer) } }
        let module = Module("m") {
            Table(Beat.self)
            Table(Account.self)
            Reducer("begin") { (context: borrowing ReducerContext) in
                try context.table(Beat.self).insert(Beat(id: 0, when: .interval(.milliseconds(1))))
                try context.table(Beat.self).insert(Beat(id: 0, when: .time(context.timestamp)))
            }
            Reducer("beat", lifecycle: .scheduled) { (context: borrowing ReducerContext, beat: Beat) in
                if case .time = beat.when { throw SenderError("on purpose") }
                let table = context.table(Account.self)
                try table.insert(Account(id: UInt64(table.count), owner: 1, slot: UInt32(table.count), balance: 0))
            }
        }
        let database = try await Database.open(.inMemory, module: module, options: options)
        let accounts = try await database.subscribe(Account.all)
        try await database.call("begin", arguments: [])
        var seen = 0
        for try await change in accounts {
            seen += change.inserted.count
            if seen == 3 { break }
        }
        #expect(failures.withLock { $0 } == ["beat"])
        let report = try database.scheduleReport()
        #expect(report.callCount >= 4 && report.failureCount == 1 && report.pendingCount == 1)
        try await database.close()
        #expect(try database.scheduleReport().nextDue != nil)
    }
}
