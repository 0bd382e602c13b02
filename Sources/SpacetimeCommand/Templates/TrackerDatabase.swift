public import SpacetimeKit

/// How far something is.
@SpacetimeType
public enum Progress: Sendable {
    case open, underWay, done
}

/// Something to be done.
@Table(.public)
public struct Issue {
    @PrimaryKey @AutoIncrement public var id: UInt64
    public var title: String
    public var progress: Progress
    /// Who does it.
    @Indexed public var assignee: Identity?
    public var changed: Timestamp
}

/// Something that was said about it.
@Table(.public)
public struct Remark {
    @PrimaryKey @AutoIncrement public var id: UInt64
    @Indexed public var issue: UInt64
    public var author: Identity
    public var text: String
    public var written: Timestamp
}

/// What has to be done, who does it, and what is said about it.
@Module
public enum Tracker {
    public static let tables = Tables(Issue.self, Remark.self)

    @Reducer
    public static func open(_ context: borrowing Context, title: String) throws {
        guard !title.isEmpty else { throw SenderError("an issue needs a title") }
        try context.db.issue.insert(
            Issue(id: 0, title: title, progress: .open, assignee: nil, changed: context.timestamp))
    }

    /// Takes an issue that nobody works on.
    @Reducer
    public static func take(_ context: borrowing Context, id: UInt64) throws {
        var issue = try find(context, id)
        guard issue.assignee == nil else { throw SenderError("somebody works on issue \(id) already") }
        issue.assignee = context.sender
        issue.progress = .underWay
        issue.changed = context.timestamp
        try context.db.issue.update(issue)
    }

    /// Says that one of the caller's issues is done.
    @Reducer
    public static func finish(_ context: borrowing Context, id: UInt64) throws {
        var issue = try find(context, id)
        guard issue.assignee == context.sender else { throw SenderError("issue \(id) is not yours") }
        issue.progress = .done
        issue.changed = context.timestamp
        try context.db.issue.update(issue)
    }

    @Reducer
    public static func remark(_ context: borrowing Context, issue id: UInt64, text: String) throws {
        guard !text.isEmpty else { throw SenderError("there is nothing to say") }
        let issue = try find(context, id)
        try context.db.remark.insert(
            Remark(id: 0, issue: issue.id, author: context.sender, text: text, written: context.timestamp))
    }

    /// Deletes an issue that is done, and what was said about it.
    @Reducer
    public static func archive(_ context: borrowing Context, id: UInt64) throws {
        let issue = try find(context, id)
        guard case .done = issue.progress else { throw SenderError("issue \(id) is not done") }
        for remark in context.db.remark.issue.filter(id) { try context.db.remark.id.delete(remark.id) }
        try context.db.issue.id.delete(id)
    }

    private static func find(_ context: borrowing Context, _ id: UInt64) throws -> Issue {
        guard let issue = context.db.issue.id.find(id) else { throw SenderError("there is no issue \(id)") }
        return issue
    }
}
