import SpacetimeKit
import SpacetimeTesting
import Testing

// The code of the article on logging and of the comments about it.

@Table(.public)
struct Guest {
    @PrimaryKey @AutoIncrement var id: UInt64
    var name: String
}

@Module
enum Lounge {
    static let tables = Tables(Guest.self)

    @Reducer static func join(_ context: borrowing Context, name: String) throws {
        context.log.info("\(name) joins as \(context.sender)")
        guard name.count < 40 else { throw SenderError("a shorter name, please") }  // the line stays
        try context.db.guest.insert(Guest(id: 0, name: name))
    }
}

struct LoggingExamples {
    @Test func linesAreReadAndFollowed() async throws {
        let db = try await Database.open(.inMemory, module: Lounge.self)
        try await db.call(Lounge.join, "Ada")
        try await db.close()
        #expect(db.log.last(1).first?.message.hasPrefix("Ada joins as ") == true)
        for record in db.log.last(20) { print(record.json) }
        for await record in db.log.follow() { print(record.message) }
    }

    @Test func linesOfLowLevelsAreNotKept() throws {
        var options = DatabaseOptions()
        options.log.level = .warn
        let db = try Database.open(.inMemory, module: Lounge.self, options: options)
        try db.call(Lounge.join, "Ada")
        #expect(db.log.last().isEmpty)
    }
}
