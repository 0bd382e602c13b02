import ChatModule
import SpacetimeClientKit

/// Turns lines of text into calls, and shows what happens in one room.
struct Session {
    private let client: DatabaseClient
    private var room: String
    /// The messages of the room; given up when another one is entered.
    private var messages: ClientSubscription

    /// Watches who is there, which rooms there are, and what is said in one of them.
    init(_ client: DatabaseClient, room: String) async throws {
        self.client = client
        self.room = room
        client.onInsert(Message.self) { print("[\($0.room)] \($0.author): \($0.text)") }
        client.onUpdate(User.self) { old, new in
            if old.isOnline != new.isOnline { print("* \(new.name) has \(new.isOnline ? "come" : "gone")") }
            if old.name != new.name { print("* \(old.name) is called \(new.name)") }
        }
        try await client.subscribe(User.all, Room.all)
        messages = try await client.subscribe(Self.latest(in: room))
    }

    /// The last messages, and those to come.
    private static func latest(in room: String) -> QueryWindow<Message> {
        Message.where { $0.room == room }.orderBy { $0.id.descending }.limit(20)
    }

    /// Takes one line. Returns false when the user wants to leave.
    mutating func take(_ line: String) async -> Bool {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        switch (words.first, words.count > 1 ? words[1] : nil) {
        case ("/quit", _): return false
        case ("/name", let name?): await say { try await client.call(Chat.rename, name) }
        case ("/room", let name?): await enter(name)
        case ("/who", _):
            await say {
                let names = try client.table(User.self).rows { $0.isOnline }.map(\.name)
                print("* here: \(names.sorted().joined(separator: ", "))")
            }
        case (let word?, _) where word.hasPrefix("/"): print("* /name NAME, /room ROOM, /who, /quit")
        case (nil, _): break
        default: await say { [room] in try await client.call(Chat.send, room, line) }
        }
        return true
    }

    private mutating func enter(_ name: String) async {
        let (client, old) = (client, messages)
        await say {
            if try client.table(Room.self).find(name) == nil { try await client.call(Chat.open, name) }
        }
        guard let entered = try? await client.subscribe(Self.latest(in: name)) else { return }
        (room, messages) = (name, entered)
        await say { try await old.unsubscribe() }
    }

    /// Does something that may be refused, and shows why it was.
    func say(_ body: () async throws -> Void) async {
        do { try await body() } catch { print("! \(error)") }
    }
}
