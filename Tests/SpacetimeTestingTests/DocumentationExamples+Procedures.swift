import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of the article on procedures and of the comments about them, and of that on jobs that go through tables.

@Table(.public)
struct Plant {
    @PrimaryKey @AutoIncrement var id: UInt64
    var height: UInt32
}

@Module
enum Garden {
    static let tables = Tables(Plant.self)

    @Reducer static func sow(_ context: borrowing Context, count: UInt32) throws {
        for _ in 0..<count { try context.db.plant.insert(Plant(id: 0, height: 0)) }
    }

    @Reducer(.sliced(within: .hours(1))) static func grow(_ context: borrowing Context, plant: Plant) throws {
        try context.db.plant.id.update(plant.id) { $0.height += 1 }
    }
}

@Table(.public)
struct Article {
    @PrimaryKey @AutoIncrement var id: UInt64
    var text: String
    var summary: String?
}

@Module
enum Press {
    static let tables = Tables(Article.self, Purchase.self)

    @Reducer static func publish(_ context: borrowing Context, text: String) throws {
        try context.db.article.insert(Article(id: 0, text: text, summary: nil))
    }

    @Procedure static func summarise(_ context: ProcedureContext, article id: UInt64) async throws -> String {
        let text = try await context.withTransaction { $0.db.article.id.find(id)?.text }
        guard let text else { throw SenderError("there is no article \(id)") }
        let answer = try await context.send(HTTP.Request(.post, "https://model.example.com/summary", text: text))
        guard answer.status == 200 else { throw SenderError("the model is not in the mood") }
        try await context.withTransaction { try $0.db.article.id.update(id) { $0.summary = answer.text } }
        return answer.text
    }

    @Procedure(.durable) static func buy(_ context: ProcedureContext, article: UInt64) async throws -> String {
        let key = "\(context.sender) \(article)"
        let receipt = try await context.step("charge") {
            try await context.send(
                HTTP.Request(.post, "https://pay.example.com/charge", headers: ["idempotency-key": key], text: key)
            ).text
        }
        try await context.transactionStep("deliver") { context in
            try context.db.purchase.insert(Purchase(id: 0, article: article, buyer: context.sender, receipt: receipt))
        }
        return receipt
    }

    @Handler(.get, "/articles") static func count(
        _ context: ProcedureContext, _ request: HTTP.Request
    ) async throws -> HTTP.Response {
        let count = try await context.withTransaction { $0.db.article.count }
        return HTTP.Response(text: "\(count) articles")
    }
}

@Table
struct Purchase {
    @PrimaryKey @AutoIncrement var id: UInt64
    var article: UInt64
    var buyer: Identity
    var receipt: String
}

func summariseFirst(_ db: Database<Press>) async throws -> String {
    try await db.call(Press.summarise, 1)
}

/// The code of comments.
enum Casino {
    @Table struct Roll {
        @PrimaryKey @AutoIncrement var id: UInt64
        var who: Identity
        var result: UInt32
    }

    @Table struct Note {
        @PrimaryKey @AutoIncrement var id: UInt64
        var text: String
    }

    @Table struct Message {
        @PrimaryKey @AutoIncrement var id: UInt64
        @Indexed var room: String
    }

    @Module enum Game {
        static let tables = Tables(Roll.self, Note.self)

        @Procedure static func roll(_ context: ProcedureContext, sides: UInt32) async throws -> UInt32 {
            let result = UInt32.random(in: 1...sides, using: &context.random)
            try await context.withTransaction { try $0.db.roll.insert(Roll(id: 0, who: $0.sender, result: result)) }
            return result
        }

        @Handler(.get, "/score") static func score(
            _ context: ProcedureContext, _ request: HTTP.Request
        ) async throws -> HTTP.Response {
            let count = try await context.withTransaction { $0.db.roll.count }
            return HTTP.Response(text: "\(count) rolls")
        }

        @Procedure static func translate(_ context: ProcedureContext, note: UInt64) async throws -> String {
            let text = try await context.withTransaction { $0.db.note.id.find(note)?.text }
            guard let text else { throw SenderError("there is no note \(note)") }
            let answer = try await context.send(HTTP.Request(.post, "https://translate.example.com/en", text: text))
            try await context.withTransaction { try $0.db.note.id.update(Note(id: note, text: answer.text)) }
            return answer.text
        }
    }

    static func values() -> (any Sendable, any Sendable) {
        let count = Procedure("count", parameters: ["room"]) {
            (context: ProcedureContext<DynamicModule>, room: String) async throws -> UInt64 in
            try await context.withTransaction { UInt64($0.table(Message.self).room.filter(room).count) }
        }
        let health = Handler("health", .get, "/health") { (context: ProcedureContext<DynamicModule>, request) in
            HTTP.Response(text: "well at \(context.now)")
        }
        return (count, health)
    }
}

struct Rates: HTTPExecutor {
    func send(_ request: HTTP.Request, timeout: Duration) async throws -> HTTP.Response {
        HTTP.Response(text: request.path == "/rates/eur" ? "1.08" : "1")
    }
}

struct ProcedureExamples {
    @Test func aGardenGrows() throws {
        let test = try TestDatabase(Garden.self)
        try test.call(Garden.sow, 50)
        test.clock.advance(by: .hours(2))
        #expect(try test.rows(of: Plant.self).allSatisfy { $0.height == 2 })
    }

    @Test func aRollIsKept() async throws {
        typealias Notes = Casino.Game
        let http = StubHTTP { request in HTTP.Response(text: request.text.uppercased()) }
        let test = try TestDatabase(Notes.self, http: http)
        let result = try await test.call(Casino.Game.roll, 6)
        #expect(try test.rows(of: Casino.Roll.self).map(\.result) == [result])
        #expect(await test.database.handle(HTTP.Request(.get, "/score")).text == "1 rolls")
        await #expect(throws: SenderError.self) { try await test.call(Casino.Game.translate, 1) }
        _ = Casino.values()
        #expect(try await Rates().send(HTTP.Request(.get, "/rates/eur"), timeout: .zero).text == "1.08")
    }

    @Test func theSummaryIsKept() async throws {
        let http = StubHTTP { request in HTTP.Response(text: "short: \(request.text)") }
        let test = try TestDatabase(Press.self, http: http)
        try test.call(Press.publish, "a long story")

        let summary = try await test.call(Press.summarise, 1)

        #expect(summary == "short: a long story")
        #expect(try test.rows(of: Article.self).map(\.summary) == [summary])
        let response = await test.database.handle(HTTP.Request(.get, "/articles"))
        #expect(response.text == "1 articles")
    }

    @Test func aPurchaseIsChargedAndDelivered() async throws {
        let http = StubHTTP { request in HTTP.Response(text: "receipt for \(request.headers["Idempotency-Key"] ?? "")")
        }
        let test = try TestDatabase(Press.self, http: http)
        let alice = try test.connect(as: "alice")
        let receipt = try await alice.call(Press.buy, 1)
        #expect(receipt == "receipt for \(alice.identity) 1")
        #expect(try test.rows(of: Purchase.self).map(\.receipt) == [receipt])
        #expect(try await test.database.durableCalls().isEmpty)
    }
}
