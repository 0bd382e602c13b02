public import SpacetimeKit

/// Something that somebody wrote down. A table has a row for each.
@Table(.public)
public struct Note {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var author: Identity
    public var text: String
    public var written: Timestamp
}

/// The database: its tables, and what clients can do with them.
@Module
public enum Template {
    public static let tables = Tables(Note.self)

    /// Writes something down. Either all of a reducer happens or, if it throws, nothing.
    @Reducer
    public static func add(_ context: borrowing Context, text: String) throws {
        guard !text.isEmpty else { throw SenderError("there is nothing to write down") }
        try context.db.note.insert(Note(id: 0, author: context.sender, text: text, written: context.timestamp))
    }

    /// Forgets one of the caller's own notes.
    @Reducer
    public static func remove(_ context: borrowing Context, id: UInt64) throws {
        guard let note = context.db.note.id.find(id) else { throw SenderError("there is no note \(id)") }
        guard note.author == context.sender else { throw SenderError("note \(id) is somebody else's") }
        try context.db.note.id.delete(id)
    }
}
