import SpacetimeKit
import Testing

@Table(.public) struct Accounts: Equatable {
    @PrimaryKey var id: UInt32
    var balance: Int64
}

@Module enum Keynote {
    static let tables = Tables(Accounts.self)

    @Reducer static func seed(_ context: borrowing Context, count: UInt32, balance: Int64) throws {
        for id in 0..<count { try context.db.accounts.insert(Accounts(id: id, balance: balance)) }
    }

    @Reducer static func transfer(_ context: borrowing Context, from: UInt32, to: UInt32, amount: Int64) throws {
        let accounts = context.db.accounts.id
        guard var source = accounts.find(from), var destination = accounts.find(to) else {
            throw SenderError("account_missing")
        }
        guard source.balance >= amount else { throw SenderError("insufficient_funds") }
        source.balance -= amount
        destination.balance += amount
        try accounts.update(source)
        try accounts.update(destination)
    }
}

/// What the original's benchmark sends: no token, no subscription, many calls in a frame.
@Suite struct KeynotePlayerTests {
    private static let query = "compression=None&confirmed=true"
    private static let protocols = TypeScriptPlayerTests.protocols

    private static func transfer(_ request: UInt32, _ from: UInt32, _ to: UInt32, _ amount: Int64) -> [UInt8] {
        Say.call(request, "transfer", littleEndian(from) + littleEndian(to) + littleEndian(amount))
    }

    @Test func eachOfManyCallsInAFrameIsAnswered() async throws {
        let database = try await Database.open(.inMemory, module: Keynote.self)
        try await database.call(Keynote.seed, 100, 1_000)
        try await withServer(database, as: "test-1") { server in
            let client = try await server.greeted("test-1", protocols: Self.protocols, query: Self.query)
            let one = Self.transfer(0, 7, 9, 1)
            expect(
                one,
                is: """
                    03 00000000 00 08000000 7472616e73666572 10000000 07000000 09000000 0100000000000000
                    """)
            let calls = 200 as UInt32
            try await client.send((0..<calls).flatMap { Self.transfer($0, $0 % 100, ($0 + 1) % 100, 1) })
            var answered: [UInt32] = []
            while answered.count < Int(calls) {
                var rest = try await client.message().dropFirst()
                while !rest.isEmpty {
                    let answer = rest.prefix(22)
                    try #require(answer.count == 22 && answer.first == 6)
                    #expect(answer.suffix(9).allSatisfy { $0 == 0 })
                    answered.append(answer.dropFirst().prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
                    rest = rest.dropFirst(22)
                }
            }
            // Calls of one connection run, and are answered, in the order in which they were sent.
            #expect(answered == Array(0..<calls))
        }
        // Each account gave once and got once, in both rounds.
        #expect(try await database.snapshot().rows(Accounts.all).allSatisfy { $0.balance == 1_000 })
    }

    @Test func failedTransfersAreAnsweredWithTheirTexts() async throws {
        let database = try await Database.open(.inMemory, module: Keynote.self)
        try await database.call(Keynote.seed, 2, 10)
        try await withServer(database, as: "test-1") { server in
            let client = try await server.greeted("test-1", protocols: Self.protocols, query: Self.query)
            try await client.send(Self.transfer(0, 0, 1, 11))
            expect(
                try await client.message(),
                is: "00 06 00000000 ________________ 02 16000000 12000000 696e73756666696369656e745f66756e6473")
            try await client.send(Self.transfer(1, 0, 2, 1))
            expect(
                try await client.message(),
                is: "00 06 01000000 ________________ 02 13000000 0f000000 6163636f756e745f6d697373696e67")
        }
    }

    @Test func itsCheckSubscribesToAllAccounts() async throws {
        let database = try await Database.open(.inMemory, module: Keynote.self)
        try await database.call(Keynote.seed, 1_000, 10)
        try await withServer(database, as: "test-1") { server in
            let client = try await server.greeted("test-1", protocols: Self.protocols, query: Self.query)
            try await client.send(Say.subscribe(0, 0, "SELECT * FROM accounts"))
            let applied = try await client.message()
            #expect(applied.count == 12_033)
        }
    }
}
