import SpacetimeKit
import Testing

/// A module that has something to say.
@Module enum Talker {
    static let tables = Tables(Account.self)

    @Reducer static func say(_ context: borrowing Context, text: String) throws {
        context.log.info("said \(text)")
        if text == "no" { throw SenderError("it said no") }
    }

    @Reducer static func levels(_ context: borrowing Context) {
        context.log.error("e")
        context.log.warn("w")
        context.log.info("i")
        context.log.debug("d")
        context.log.trace("t")
    }

    @View static func spoken(_ context: borrowing AnonymousViewContext) -> [Account] {
        context.log.trace("looked at")
        return []
    }

    @Procedure static func ask(_ context: ProcedureContext, text: String) async throws -> String {
        context.log.debug("asked \(text)")
        try await context.withTransaction { $0.log.info("inside") }
        if text == "no" { throw SenderError("it said no") }
        return text
    }
}

@Suite struct LogWriterTests {
    private func open(_ change: (inout DatabaseOptions) -> Void = { _ in }) throws -> Database<Talker> {
        var options = DatabaseOptions()
        options.clock = VirtualClock()
        options.seed = 1
        change(&options)
        return try Database.open(.inMemory, module: Talker.self, options: options)
    }

    @Test func linesSayWhereTheyAreFromAndWhatRan() throws {
        let db = try open()
        try db.call(Talker.say, "hello")
        let record = try #require(db.log.last(1).first)
        #expect(record.message == "said hello")
        #expect(record.level == .info)
        #expect(record.function == "say")
        #expect(record.target == "SpacetimeKitTests")
        #expect(record.file == "SpacetimeKitTests/LogWriterTests.swift")
        #expect(record.line == 9)
        #expect(record.timestamp == VirtualClock().now())
    }

    @Test func linesOfCallsThatAreUndoneStay() throws {
        let db = try open()
        #expect(throws: SenderError("it said no")) { try db.call(Talker.say, "no") }
        #expect(db.log.last(1).map(\.message) == ["said no"], "the caller has the error")
        #expect(throws: SenderError("it said no")) { try db.call("say", arguments: "no".bsatn()) }
        #expect(db.log.last(2).map(\.message) == ["said no", "'say' failed: it said no"])
        #expect(db.log.last(1).map(\.level) == [.error])
    }

    @Test func eachLevelHasItsMethod() throws {
        let db = try open()
        try db.call(Talker.levels)
        #expect(db.log.last(5).map(\.level) == [.error, .warn, .info, .debug, .trace])
        #expect(db.log.last(5).map(\.message) == ["e", "w", "i", "d", "t"])
    }

    @Test func textsOfLevelsThatAreNotKeptAreNotMade() throws {
        let module = Module("test") {
            Table(Account.self)
            Reducer("run") { (context: borrowing ReducerContext) in
                var made = 0
                func text(_ level: String) -> String {
                    made += 1
                    return level
                }
                context.log.debug(text("debug"))
                context.log.warn(text("warn"))
                if made != 1 { throw SenderError("\(made) texts were made") }
            }
        }
        var options = DatabaseOptions()
        options.log.level = .info
        let db = try Database.open(.inMemory, module: module, options: options)
        try db.call("run", arguments: [])
        #expect(db.log.last(1).map(\.message) == ["warn"])
    }

    @Test func proceduresWriteInsideAndOutsideOfTransactions() async throws {
        let db = try open()
        #expect(try await db.call(Talker.ask, "yes") == "yes")
        #expect(db.log.last(2).map(\.message) == ["asked yes", "inside"])
        #expect(db.log.last(2).first?.function == "ask")
        await #expect(throws: SenderError.self) { try await db.call(Talker.ask, "no") }
        #expect(db.log.last(1).map(\.message) == ["'ask' failed: it said no"])
    }

    @Test func viewsWriteUnderTheirOwnName() throws {
        let db = try open()
        _ = try db.sql("SELECT * FROM spoken")
        #expect(db.log.last(1).map(\.message) == ["looked at"])
        #expect(db.log.last(1).first?.function == "spoken")
    }

    @Test func theDatabaseTellsOfItsCreation() throws {
        let db = try open()
        #expect(db.log.last().map(\.message) == ["Creating table `account`", "Database initialized"])
        #expect(db.log.last().allSatisfy { $0.isOfHost && $0.level == .info })
    }

    @Test func followersEndWithTheDatabase() async throws {
        let db = try open()
        let records = db.log.follow()
        try await db.call(Talker.say, "hello")
        try await db.close()
        var messages: [String] = []
        for await record in records { messages.append(record.message) }
        #expect(messages == ["said hello"])
    }
}
