import SpacetimeKit

@Table(.public) struct Job: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var name: String
    var when: ScheduleAt
    var runs: UInt32 = 0
}

@Table(.public) struct Alarm: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

@Table(.public) struct Run: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var what: String
    var at: Timestamp
}

/// Schedule tables and what their rows do, by their names.
@Module enum Jobs {
    static let tables = Tables(Job.self, Alarm.self, Run.self)

    @Reducer static func add(_ context: borrowing Context, name: String, when: ScheduleAt) throws {
        try context.db.job.insert(Job(id: 0, name: name, when: when))
    }

    @Reducer static func addAndFail(_ context: borrowing Context, name: String, when: ScheduleAt) throws {
        try add(context, name: name, when: when)
        throw SenderError("on purpose")
    }

    @Reducer static func change(_ context: borrowing Context, id: UInt64, name: String, when: ScheduleAt) throws {
        try context.db.job.id.update(Job(id: id, name: name, when: when))
    }

    @Reducer static func replace(_ context: borrowing Context, id: UInt64, name: String, when: ScheduleAt) throws {
        try context.db.job.id.delete(id)
        try context.db.job.insert(Job(id: id, name: name, when: when))
    }

    @Reducer static func remove(_ context: borrowing Context, id: UInt64) throws { try context.db.job.id.delete(id) }

    @Reducer static func ring(_ context: borrowing Context, alarmAt when: ScheduleAt) throws {
        try context.db.alarm.insert(Alarm(id: 0, when: when))
    }

    @Reducer(.scheduled) static func work(_ context: borrowing Context, job: Job) throws {
        guard context.connectionID == nil, context.sender == context.identity else { throw SenderError("who are you?") }
        try context.db.run.insert(Run(id: 0, what: job.name, at: context.timestamp))
        switch job.name {
        case "fail": throw SenderError("on purpose")
        case "count":
            var job = job
            job.runs += 1
            try context.db.job.id.update(job)
        case "stop after one": try context.db.job.id.delete(job.id)
        case "again, same key":
            try context.db.job.id.update(Job(id: job.id, name: "x", when: .time(context.timestamp + .seconds(60))))
        case "again, replaced":
            try context.db.job.id.delete(job.id)
            try context.db.job.insert(Job(id: job.id, name: "x", when: .time(context.timestamp + .seconds(60))))
        case "replaced by its like":
            // For the time that has just come.
            guard context.db.run.count < 3 else { return }
            try context.db.job.id.delete(job.id)
            try context.db.job.insert(job)
        case "again, new key":
            try context.db.job.id.delete(job.id)
            try context.db.job.insert(Job(id: 0, name: "x", when: .time(context.timestamp + .seconds(60))))
        case "become an interval":
            try context.db.job.id.update(Job(id: job.id, name: "x", when: .interval(.seconds(60))))
        case "become one last time":
            try context.db.job.id.update(Job(id: job.id, name: "x", when: .time(context.timestamp + .seconds(7))))
        case "at once":
            if context.db.run.count < 5 {
                try context.db.job.insert(Job(id: 0, name: "at once", when: .time(.unixEpoch)))
            }
        default: break
        }
    }

    @Reducer(.scheduled) static func wake(_ context: borrowing Context, alarm: Alarm) throws {
        try context.db.run.insert(Run(id: 0, what: "alarm \(alarm.id)", at: context.timestamp))
    }
}
