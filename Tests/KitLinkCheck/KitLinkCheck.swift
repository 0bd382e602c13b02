// A program that uses SpacetimeKit and nothing else. CI inspects the linked binary: an embedded database must not bring
// along a server, SQLite, a WebAssembly runtime or Foundation.

import SpacetimeKit

@Table(.public)
struct Note {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var topic: String
    var text: String
}

@Module
enum Notes {
    static let tables = Tables(Note.self)

    @Reducer static func write(_ context: borrowing Context, topic: String, text: String) throws {
        try context.db.note.insert(Note(id: 0, topic: topic, text: text))
    }
}

@main
enum KitLinkCheck {
    static func main() throws {
        let db = try Database.open(.inMemory, module: Notes.self)
        try db.call(Notes.write, "links", "few")
        let texts = try db.read { db in db.note.topic.filter("links").map(\.text) }
        precondition(texts == ["few"], "the row that was written is not the row that was read")
        print("1 row written and read")
    }
}
