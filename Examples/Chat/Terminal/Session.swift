import ChatModule
import SpacetimeKit

/// Turns lines of text into calls of the chat module, and prints what its subscription shows.
struct Session {
    private let db: Database<Chat>
    private let you: Connection<Chat>
    private var guests: [String: Connection<Chat>] = [:]
    private var room = "lobby"

    init() throws {
        db = try Database.open(.inMemory, module: Chat.self)
        try db.subscribe(Message.all) { change in
            for message in change.inserted { print("[\(message.room)] \(message.author): \(message.text)") }
        }
        you = try db.connect(as: "you")
        try you.call(Chat.rename, "you")
    }

    /// Takes one line. Returns false when the user wants to leave.
    mutating func take(_ line: String) throws -> Bool {
        if line.hasPrefix("/") {
            return try command(line.dropFirst().split(separator: " ", maxSplits: 1).map(String.init))
        }
        guard let colon = line.firstRange(of: ": ") else {
            if !line.isEmpty { try you.call(Chat.send, room, line) }
            return true
        }
        let text = String(line[colon.upperBound...])
        if !text.isEmpty { try guest(String(line[..<colon.lowerBound])).call(Chat.send, room, text) }
        return true
    }

    /// The connection of somebody who speaks in the text; opened when they first do.
    private mutating func guest(_ name: String) throws -> Connection<Chat> {
        if let present = guests[name] { return present }
        let connection = try db.connect(as: name)
        try connection.call(Chat.rename, name)
        guests[name] = connection
        return connection
    }

    private mutating func command(_ words: [String]) throws -> Bool {
        switch (words.first, words.count > 1 ? words[1] : nil) {
        case ("quit", _): return false
        case ("name", let name?): try you.call(Chat.rename, name)
        case ("room", let name?):
            let exists = try db.read { $0.room.name.contains(name) }
            if !exists { try you.call(Chat.open, name) }
            room = name
        case ("who", _):
            let online = try db.read { db in db.user.where { $0.isOnline }.map(\.name) }
            print("online: \(online.sorted().joined(separator: ", "))")
        default: print("/name NAME, /room NAME, /who, /quit; or `somebody: text` to speak for somebody else")
        }
        return true
    }

    /// Lets everybody leave and says what is in the database.
    func finish() throws {
        for guest in guests.values { try guest.disconnect() }
        try you.disconnect()
        let counts = try db.read { (users: $0.user.count, rooms: $0.room.count, messages: $0.message.count) }
        print("\(counts.messages) messages by \(counts.users) users in \(counts.rooms) rooms")
    }
}
