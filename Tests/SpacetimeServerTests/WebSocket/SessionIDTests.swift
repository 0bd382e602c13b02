import SpacetimeKit
import Testing

@testable import SpacetimeServer

/// Who has come and gone, in the order in which the module saw it.
@Table(.public) struct Passing: Equatable {
    @PrimaryKey @AutoIncrement var id: UInt64
    var connection: ConnectionId
    var isArrival: Bool
}

@Module private enum Door {
    static let tables = Tables(Passing.self)

    @Reducer(.clientConnected) static func arrived(_ context: borrowing Context) throws {
        try note(context, isArrival: true)
    }

    @Reducer(.clientDisconnected) static func left(_ context: borrowing Context) throws {
        try note(context, isArrival: false)
    }

    private static func note(_ context: borrowing Context, isArrival: Bool) throws {
        guard let connection = context.connectionID else { return }
        try context.db.passing.insert(Passing(id: 0, connection: connection, isArrival: isArrival))
    }
}

/// Clients that name their session, over sockets: the module never sees two connections of one.
@Suite struct SessionIDTests {
    private func serve(_ body: @escaping @Sendable (RunningServer, Database<Door>) async throws -> Void) async throws {
        let door = try await Database.open(.inMemory, module: Door.self)
        try await withServer(door, as: "door") { try await body($0, door) }
    }

    private func connect(_ server: RunningServer, _ session: String, _ token: String) async throws -> RawClient {
        try await server.connect(
            "/v1/database/door/subscribe?compression=None&session_id=\(session)", protocols: "v2.bsatn.spacetimedb",
            headers: ["Authorization: Bearer \(token)"])
    }

    /// Whether each connection left before the next of the same client arrived.
    private func mostAtOnce(_ door: Database<Door>) throws -> Int {
        let passings = try door.read { $0.passing.rows.sorted { $0.id < $1.id } }
        var (present, most) = (0, 0)
        for passing in passings {
            present += passing.isArrival ? 1 : -1
            most = max(most, present)
        }
        return most
    }

    @Test func aSecondConnectionOfASessionComesInWhenTheFirstHasLeft() async throws {
        try await serve { server, door in
            let token = server.server.authority.issue(to: "ada").token
            var last = try await connect(server, "00ff", token)
            _ = try await last.message()
            for _ in 0..<20 {
                // The old connection is alive, but the client has lost it.
                let next = try await connect(server, "00ff", token)
                try #require(next.response.status == 101)
                _ = try await next.message()
                try await last.expectClose(1_001)
                last = next
            }
            #expect(try mostAtOnce(door) == 1)
            #expect(try await door.read { $0.passing.count } == 41)
        }
    }

    @Test func sessionsOfOthersAndOtherSessionsAreLeftAlone() async throws {
        try await serve { server, door in
            let (ada, bob) = (
                server.server.authority.issue(to: "ada").token, server.server.authority.issue(to: "bob").token
            )
            let clients = [
                try await connect(server, "1", ada), try await connect(server, "1", bob),
                try await connect(server, "2", ada),
            ]
            for client in clients { _ = try await client.message() }
            for (number, client) in clients.enumerated() {
                try await client.send(Say.query(UInt32(number), "SELECT * FROM passing"))
                expect(Array(try await client.message().prefix(7)), is: "00 05 0\(number)000000 00")
            }
            #expect(try mostAtOnce(door) == 3)
        }
    }

    @Test func aSessionWhoseConnectionHasGoneIsFree() async throws {
        try await serve { server, door in
            let token = server.server.authority.issue(to: "ada").token
            for _ in 0..<5 {
                let client = try await connect(server, "7", token)
                _ = try await client.message()
                try await client.vanish()
            }
            #expect(try mostAtOnce(door) == 1)
        }
    }
}
