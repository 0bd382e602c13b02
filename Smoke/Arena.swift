import SpacetimeHost
import SpacetimeKit
import SpacetimeSATS

import SpacetimeServer

@Table(.public) struct User {
    @PrimaryKey var id: UInt32
    var name: String
}

@Table(.public) struct Score {
    @PrimaryKey var userId: UInt32
    var points: Int32
}

@Table(.public, .event) struct Ping {
    var userId: UInt32
    var text: String
}

/// The module of the protocols' worked examples.
@Module enum Arena {
    static let tables = Tables(User.self, Score.self, Ping.self)

    @Reducer(.clientConnected) static func clientConnected(_ context: borrowing Context) throws {}

    @Reducer static func addUser(_ context: borrowing Context, id: UInt32, name: String) throws {
        guard !context.db.user.contains(where: { $0.name == name }) else { throw SenderError("name taken") }
        try context.db.user.insert(User(id: id, name: name))
    }

    /// Pings everybody.
    @Reducer static func tick(_ context: borrowing Context) throws {
        for user in context.db.user.rows { try context.db.ping.insert(Ping(userId: user.id, text: "tick")) }
    }

    @Procedure static func sum(_ context: ProcedureContext, a: UInt32, b: UInt32) async throws -> UInt64 {
        UInt64(a) + UInt64(b)
    }

    /// The user that owns the arena of the worked examples.
    static let owner = Identity(issuer: "localhost", subject: "11111111-2222-4333-8444-555555555555")
    /// 2023-11-14T22:13:20.123456Z, the time of the worked examples.
    static let time = Timestamp(microsecondsSinceUnixEpoch: 1_700_000_000_123_456)

    /// A new arena in memory.
    static func open(_ change: (inout DatabaseOptions) -> Void = { _ in }) throws -> Database<Arena> {
        var options = DatabaseOptions()
        options.owner = owner
        options.clock = VirtualClock(start: time)
        options.seed = 1
        change(&options)
        return try Database.open(.inMemory, module: Arena.self, options: options)
    }
}
