import SpacetimeKit
import Synchronization
import Testing

@Table(name: "beat") struct Beat {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

@Table(name: "two_times") struct TwoTimes {
    @PrimaryKey var id: UInt64
    var first: ScheduleAt
    var second: ScheduleAt
}

@Table(name: "narrow") struct NarrowKey {
    @PrimaryKey var id: UInt32
    var when: ScheduleAt
}

@Table(.event, name: "passing") struct Passing {
    @PrimaryKey var id: UInt64
    var when: ScheduleAt
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

    @Test func aScheduledReducerWithoutARowIsRefused() {
        let module = Module("m") {
            Table(Beat.self)
            Reducer("run", lifecycle: .scheduled) { (context: borrowing ReducerContext) in }
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(.inMemory, module: module) }
        #expect(error?.message.contains("must take one row") == true)
    }

    /// Three beats a millisecond apart, with the machine's clock and the thread of its alarm.
    @Test(.timeLimit(.minutes(1))) func theMachinesClockCallsByItself() async throws {
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
