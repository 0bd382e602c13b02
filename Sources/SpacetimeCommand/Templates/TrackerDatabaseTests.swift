import SpacetimeKit
import SpacetimeTesting
import TemplateDatabase
import Testing

@Suite struct TrackerTests {
    @Test func anIssueIsTakenByOneAndFinishedByTheSame() throws {
        let test = try TestDatabase(Tracker.self)
        let ada = try test.connect(as: "ada")
        let bob = try test.connect(as: "bob")
        let issues = try bob.subscribe(Issue.all)
        try ada.call(Tracker.open, "Paint the shed")
        let id = try #require(issues.rows.first).id
        try ada.call(Tracker.take, id)
        #expect(throws: SenderError.self) { try bob.call(Tracker.take, id) }
        #expect(throws: SenderError.self) { try bob.call(Tracker.finish, id) }
        try ada.call(Tracker.finish, id)
        #expect(issues.rows.first?.assignee == ada.identity)
    }

    @Test func whatIsArchivedTakesItsRemarksAlong() throws {
        let test = try TestDatabase(Tracker.self)
        let ada = try test.connect(as: "ada")
        let remarks = try ada.subscribe(Remark.all)
        try ada.call(Tracker.open, "Paint the shed")
        try ada.call(Tracker.remark, 1, "which colour?")
        #expect(remarks.rows.count == 1)
        #expect(throws: SenderError.self) { try ada.call(Tracker.archive, 1) }
        try ada.call(Tracker.take, 1)
        try ada.call(Tracker.finish, 1)
        try ada.call(Tracker.archive, 1)
        #expect(remarks.rows.isEmpty)
    }
}
