import SpacetimeKit
import SpacetimeTesting
import TemplateDatabase
import Testing

@Suite struct NoteTests {
    @Test func onlyTheAuthorRemovesANote() throws {
        let test = try TestDatabase(Template.self)
        let ada = try test.connect(as: "ada")
        let bob = try test.connect(as: "bob")
        let notes = try bob.subscribe(Note.all)
        try ada.call(Template.add, "buy milk")
        let note = try #require(notes.rows.first)
        #expect(throws: SenderError.self) { try bob.call(Template.remove, note.id) }
        try ada.call(Template.remove, note.id)
        #expect(notes.rows.isEmpty)
    }

    @Test func nothingIsNotWrittenDown() throws {
        let test = try TestDatabase(Template.self)
        #expect(throws: SenderError.self) { try test.connect(as: "ada").call(Template.add, "") }
    }
}
