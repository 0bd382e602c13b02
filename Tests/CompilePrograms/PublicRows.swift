public import SpacetimeKit

// Rows that other modules use: memberwise initialisers are as visible as the rows.
// compiles-with: -package-name app -enable-upcoming-feature InternalImportsByDefault
// compiles-with: -package-name app -default-isolation MainActor -strict-memory-safety

private nonisolated let hidden: Int32 = 7

@Table(.public)
public struct Message {
    @PrimaryKey @AutoIncrement public var id: UInt64 = 0
    public var mood: Mood = .happy
    public var offset: Int32 = -1
    public var size: Int32 = hidden
    public var `default`: String = "none"
    public var note: String?
    public let tags: [String]
    public var seen: Bool = false { didSet {} }
    public private(set) var count: UInt32 = UInt32(Message.limit)

    static let limit = 5

    @SpacetimeType public enum Mood { case happy, sad(reason: String) }
    @SpacetimeType public struct Empty {}
}

/// With an initialiser of its own that takes the same as the one that would be made.
@SpacetimeType
public struct Checked {
    public var value: Int32
    public init(value: Swift.Int32) { self.value = value < 0 ? 0 : value }
}

/// With another one, which takes nothing away.
@SpacetimeType
public struct Point {
    public var x: Float
    public var y: Float
    public init(both value: Float) { self.init(x: value, y: value) }
}

/// With a column that only this module sees: Swift's own initialiser is there, for this module.
@Table public struct Account {
    @PrimaryKey public var id: UInt64
    var secret: String = ""
}

@SpacetimeType package struct Draft {
    package var text: String
    public var number: Int32?
}

public enum Versions {
    @Table public struct Line {
        @PrimaryKey public var id: UInt64
        public var state: State = .open
        @SpacetimeType public enum State { case open, closed }
    }
}

package func draft() -> Draft { Draft(text: "a") }

@inlinable public func make() -> [Message] {
    let first = Message(tags: [])
    let second = Message(
        id: 1, mood: .sad(reason: "rain"), offset: 2, size: 3, default: "d", note: nil, tags: ["t"], seen: true,
        count: 4)
    _ = (Message.Empty(), Checked(value: -1), Point(x: 1, y: 2), Point(both: 3), Versions.Line(id: 1))
    return [first, second]
}

func inside() -> Account { Account(id: 1) }
