import SpacetimeKit
import SpacetimeTesting
import Testing

@Table(.private)
struct Secret {
    @PrimaryKey @AutoIncrement var id: UInt64
    var owner: Identity
    var number: UInt64
    var made: Timestamp
}

@Module
enum Vault {
    static let tables = Tables(Secret.self)

    @Reducer static func draw(_ context: borrowing Context) throws {
        let number = UInt64.random(in: .min ... .max, using: &context.random)
        try context.db.secret.insert(
            Secret(id: 0, owner: context.sender, number: number, made: context.timestamp))
    }

    @Reducer(.clientConnected) static func connected(_ context: borrowing Context) throws {
        if context.sender == Identity(issuer: "localhost", subject: "mallory") {
            throw SenderError("you are not welcome")
        }
    }
}

struct TestDatabaseTests {
    @Test func privateTablesCanBePeekedAt() throws {
        let test = try TestDatabase(Vault.self)
        let alice = try test.connect(as: "alice")
        try alice.call(Vault.draw)
        #expect(try test.rows(of: Secret.self).map(\.owner) == [alice.identity])
        #expect(try test.rows(Secret.where { $0.owner == alice.identity }).count == 1)
    }

    @Test func aRefusedClientLeavesNothing() throws {
        let test = try TestDatabase(Vault.self)
        #expect(throws: SenderError.self) { try test.connect(as: "mallory") }
        try test.connect(as: "alice").call(Vault.draw)
    }

    @Test func timeMovesOnlyWhenTold() throws {
        let test = try TestDatabase(Vault.self)
        try test.call(Vault.draw)
        try test.call(Vault.draw)
        test.clock.advance(by: .seconds(3_600))
        try test.call(Vault.draw)
        let times = try test.rows(of: Secret.self).map(\.made)
        #expect(times[0] == .testStart && times[1] == .testStart)
        #expect(times[2] == .testStart + TimeDuration(microseconds: 3_600_000_000))
    }

    @Test(arguments: [0, 1, 42] as [UInt64])
    func sameSeedAndCallsGiveTheSameRows(seed: UInt64) throws {
        func run() throws -> [[UInt8]] {
            let test = try TestDatabase(Vault.self, seed: seed)
            let alice = try test.connect(as: "alice")
            for _ in 0..<20 { try alice.call(Vault.draw) }
            return try test.rows(of: Secret.self).map { $0.bsatn() }
        }
        #expect(try run() == run())
    }

    @Test func callsOfOneMomentDrawDifferentNumbers() throws {
        let test = try TestDatabase(Vault.self)
        for _ in 0..<100 { try test.call(Vault.draw) }
        #expect(Set(try test.rows(of: Secret.self).map(\.number)).count == 100)
    }

    @Test func sameNameIsSameIdentityOnDifferentConnections() throws {
        let test = try TestDatabase(Vault.self)
        let first = try test.connect(as: "alice")
        let second = try test.connect(as: "alice")
        #expect(first.identity == second.identity)
        #expect(first.connectionID != second.connectionID)
        #expect(try test.connect(as: "bob").identity != first.identity)
    }

    @Test func aDisconnectedClientCannotCall() throws {
        let test = try TestDatabase(Vault.self)
        let alice = try test.connect(as: "alice")
        try alice.disconnect()
        #expect(throws: DatabaseError.self) { try alice.call(Vault.draw) }
    }

    @Test func liveRowsFollowInsertsUpdatesAndDeletes() throws {
        let test = try TestDatabase(Library.self)
        let all = try test.connect(as: "ada").subscribe(Book.all)
        let lent = try test.connect(as: "bob").subscribe(Book.where { $0.borrower != nil })
        for title in ["A", "B", "C"] { try test.call(Library.add, title, "shelf") }
        #expect(all.rows.map(\.title) == ["A", "B", "C"])
        try test.call(Library.lend, 2, "Ada")
        // An updated row keeps its place.
        #expect(all.rows.map(\.title) == ["A", "B", "C"])
        #expect(all.takeChanges().last?.updated.map(\.new.borrower) == ["Ada"])
        // For the narrower query the row is new.
        #expect(lent.takeChanges().map(\.inserted.count) == [1])
        lent.cancel()
        try test.call(Library.lend, 3, "Bob")
        #expect(lent.changes.isEmpty)
    }
}
