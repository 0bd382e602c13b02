import SpacetimeKit

@Table(.public) struct Line: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
    var who: Identity
    var at: Timestamp
}

@Table struct Errand: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
    var task: String
}

@Table struct Beat: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var when: ScheduleAt
}

@SpacetimeType struct Facts: Equatable {
    var sender: Identity
    var connection: ConnectionId?
    var timestamp: Timestamp
    var now: Timestamp
    var identity: Identity
    var owner: Identity
    var uuids: [Uuid]
}

/// Procedures and handlers of all kinds.
@Module enum Workshop {
    static let tables = Tables(Line.self, Errand.self, Beat.self)
    static let reducers = Reducers(Bench.self)

    @Reducer static func write(_ context: borrowing Context, text: String) throws {
        if text.isEmpty { throw SenderError("nothing to write") }
        try context.db.line.insert(Line(id: 0, text: text, who: context.sender, at: context.timestamp))
    }

    @Reducer static func plan(_ context: borrowing Context, task: String, when: ScheduleAt) throws {
        try context.db.errand.insert(Errand(id: 0, when: when, task: task))
    }

    @Reducer static func beat(_ context: borrowing Context, every interval: TimeDuration) throws {
        try context.db.beat.insert(Beat(id: 0, when: .interval(interval)))
    }

    @Reducer(.scheduled) static func tick(_ context: borrowing Context, beat: Beat) throws {
        try write(context, text: "tick")
    }

    @Procedure static func join(_ context: ProcedureContext, words: [String], by separator: String) async throws
        -> String
    {
        let text = words.joined(separator: separator)
        try await context.withTransaction { try Workshop.write($0, text: text) }
        return text
    }

    @Procedure static func writeAll(_ context: ProcedureContext, texts: [String]) async throws {
        for text in texts { try await context.withTransaction { try Workshop.write($0, text: text) } }
    }

    @Procedure static func tryAll(_ context: ProcedureContext, texts: [String]) async throws -> UInt32 {
        var failures: UInt32 = 0
        for text in texts {
            do {
                try await context.withTransaction { context in
                    try context.db.line.insert(Line(id: 0, text: "begun", who: context.sender, at: context.timestamp))
                    try Workshop.write(context, text: text)
                }
            } catch is SenderError { failures += 1 }
        }
        return failures
    }

    @Procedure static func facts(_ context: ProcedureContext) async throws -> Facts {
        try await context.sleep(for: .seconds(10))
        return Facts(
            sender: context.sender, connection: context.connectionID, timestamp: context.timestamp, now: context.now,
            identity: context.identity, owner: context.owner, uuids: [context.newUUIDv4(), context.newUUIDv7()])
    }

    @Procedure static func dice(_ context: ProcedureContext, count: UInt32) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 1...6, using: &context.random) }
    }

    @Procedure static func writeLater(_ context: ProcedureContext, seconds: Int64, text: String) async throws {
        try await context.sleep(until: context.timestamp + .seconds(seconds))
        try await context.withTransaction { try Workshop.write($0, text: text) }
    }

    @Procedure static func fetch(_ context: ProcedureContext, url: String, seconds: Int64) async throws -> String {
        let response = try await context.send(HTTP.Request(.get, url), timeout: .seconds(seconds))
        return "\(response.status) \(response.text)"
    }

    @Procedure(.private) static func secret(_ context: ProcedureContext) async -> String { "hush" }

    @Procedure private static func hidden(_ context: ProcedureContext) async -> String { "hush" }

    @Procedure(.scheduled) static func run(_ context: ProcedureContext, errand: Errand) async throws {
        let there = try await context.withTransaction { context in
            try context.db.line.insert(
                Line(id: 0, text: "begin \(errand.task)", who: context.sender, at: context.timestamp))
            return context.db.errand.id.find(errand.id) != nil
        }
        if errand.task == "fail" { throw SenderError("on purpose") }
        if errand.task == "long" { try await context.sleep(for: .seconds(25)) }
        try await context.withTransaction { context in
            try context.db.line.insert(
                Line(
                    id: 0, text: "end \(errand.task), row \(there ? "there" : "gone")", who: context.sender,
                    at: context.timestamp))
        }
    }
}

/// Procedures and handlers may stand in groups, too.
@Reducers(of: Workshop.self) enum Bench {
    @Procedure(name: "add_up") static func sum(_ context: ProcedureContext, of numbers: [Int64]) -> Int64 {
        numbers.reduce(0, &+)
    }

    @Handler(.get, "/lines") static func lines(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        let texts = try await context.withTransaction { $0.db.line.rows.map(\.text).sorted() }
        return HTTP.Response(text: texts.joined(separator: ","))
    }

    @Handler(.post, "/lines") static func post(
        _ context: ProcedureContext, request: HTTP.Request
    ) async throws -> HTTP.Response {
        try await context.withTransaction { try Workshop.write($0, text: request.text) }
        return HTTP.Response(status: 201, headers: ["x-sender": "\(context.sender == context.identity)"])
    }

    @Handler(.any, "/echo/") static func echo(_ context: ProcedureContext, request: HTTP.Request) -> HTTP.Response {
        HTTP.Response(
            text: "\(request.method) \(request.query ?? "-") \(request.headers["X-Name"] ?? "-") \(request.text)")
    }

    @Handler(.get, "") static func root(_ context: ProcedureContext, request: HTTP.Request) -> HTTP.Response {
        HTTP.Response(text: "root")
    }
}
