import SpacetimeEngine
import SpacetimeKit
import Testing

/// What a client may see of a database, beside its owner.
@Suite struct ClientRightsTests {
    private func message(_ body: () throws -> Void) -> (DatabaseError.Code?, String?) {
        let error = #expect(throws: DatabaseError.self) { try body() }
        return (error?.code, error?.message)
    }

    @Test func aPrivateTableIsAsAbsentForAClientAsOneThatTheModuleLacks() throws {
        let db = try openChat()
        try db.call(Chat.open, 1, 100)
        let alice = try db.connect(as: "alice")
        let (code, text) = message { _ = try alice.subscribe(Account.all) }
        #expect(code == .noSuchTable)
        #expect(message { try alice.subscribe(Account.where { $0.id == 1 }, onChange: { _ in }) }.0 == .noSuchTable)
        #expect(try db.core.sessions.queryCount() == 0)

        let small = try Database.open(.inMemory, module: Module("small") { Table(Message.self) })
        let bob = try small.connect(as: "bob")
        let (missing, missingText) = message { _ = try bob.subscribe(Account.all) }
        #expect(missing == code && missingText == text)
    }

    @Test func theFormsThatSuspendRefuseAPrivateTableToo() async throws {
        let db = try openChat()
        let alice = try await db.connect(as: "alice")
        let errors = [
            await #expect(throws: DatabaseError.self) { _ = try await alice.subscribe(Account.all) },
            await #expect(throws: DatabaseError.self) { try await alice.subscribe(Account.all, onChange: { _ in }) },
        ]
        #expect(errors.map { $0?.code } == [.noSuchTable, .noSuchTable])
    }

    @Test func theOwnerWatchesPrivateTables() throws {
        let db = try openChat()
        try db.call(Chat.open, 1, 100)
        #expect(try db.subscribe(Account.all).nextAvailable()?.inserted.count == 1)
        // Also over a connection, since rights belong to the identity.
        let connection = try db.connect(db.owner)
        #expect(try connection.subscribe(Account.all).nextAvailable()?.inserted.count == 1)
    }

    @Test func bytesOfAPrivateTableAreRefusedInTheCore() throws {
        let db = try openChat()
        let stranger = Caller(identity: Identity(issuer: "localhost", subject: "stranger"))
        let session = Session(stranger, outlet: nil, queueLimit: 10)
        let table = db.core.catalog.tableMap.table(at: 1)
        let error = #expect(throws: DatabaseError.self) {
            try db.core.sessions.subscribe(session, to: QuerySetID(1), [SessionQuery(table)])
        }
        #expect(error?.code == .noSuchTable)
        #expect(session.queue.count == 0)
    }
}
