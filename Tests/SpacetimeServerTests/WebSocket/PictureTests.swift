import NIOPosix
import SpacetimeDurability
import SpacetimeHost
import SpacetimeKit
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeServer

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Table(.public) private struct Letter {
    @PrimaryKey var id: UInt32
    @Indexed var recipient: Identity
}

@Table(.public) private struct Packet {
    @PrimaryKey var id: UInt32
    @Indexed var owner: Identity
}

@Table private struct Deputy {
    @Indexed var identity: Identity
    @Indexed var of: Identity
}

@Module private enum Post {
    static let tables = Tables(Letter.self, Packet.self, Deputy.self)
    static let rules = RowRules { sender in
        Letter.where { $0.recipient == sender }
        Packet.all.leftSemijoin(Deputy.where { $0.identity == sender }) { $0.owner == $1.of }
    }

    @View static func deputies(_ context: borrowing ViewContext) -> [Deputy] {
        Array(context.db.deputy.of.filter(context.sender))
    }

    @Reducer static func fill(_ context: borrowing Context, ada: Identity, bob: Identity) throws {
        for id in 1...6 as ClosedRange<UInt32> {
            try context.db.letter.insert(Letter(id: id, recipient: id % 3 == 0 ? ada : bob))
            try context.db.packet.insert(Packet(id: id, owner: id < 3 ? ada : bob))
        }
        try context.db.deputy.insert(Deputy(identity: ada, of: bob))
    }

    /// Goes on until it is told to end.
    @Reducer static func hold(_ context: borrowing Context) throws {
        try context.db.letter.clear()
        slowCall.isHeld.store(true, ordering: .releasing)
        while !slowCall.mayEnd.load(ordering: .acquiring) { sched_yield() }
    }
}

private struct SlowCall: ~Copyable {
    let isHeld = Atomic(false)
    let mayEnd = Atomic(false)
}

private let slowCall = SlowCall()

/// What is asked while a slow reducer has the database is answered over a picture of it, as whoever asks may see it.
@Suite struct PictureTests {
    @Test(.timeLimit(.minutes(10))) func whoAsksBesideASlowReducerSeesWhatTheRulesAdmit() async throws {
        let database = try await Database.open(.inMemory, module: Post.self)
        let hosted = HostedDatabase(database.core)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let delivery = LoopDelivery(loop, WebSocketOptions())
        let clients = (1...2).map { ModelConnection(hosted, delivery, .v3, as: UInt64($0), isConfirmed: false) }
        for client in clients {
            client.begin()
            _ = try await client.frame()
        }
        let (ada, bob) = (clients[0], clients[1])
        let identities = (1...3).map { Identity(issuer: "model", subject: "\($0)") }
        try await database.call(Post.fill, identities[0], identities[1])

        let hold = try database.core.sessions.reducer(named: "hold", for: database.core.owner)
        hosted.generation.pace.note(hold, 1_000_000_000)
        defer { slowCall.mayEnd.store(true, ordering: .releasing) }
        // On a thread of its own, so that no other test has to do without one meanwhile.
        startThread {
            let session = Session(database.core.owner, outlet: nil, queueLimit: 8)
            while true {
                guard var batch = try? database.core.sessions.batchIfFree(by: session) else {
                    sched_yield()
                    continue
                }
                return hosted.generation.call(1, hold, [], in: &batch)
            }
        }
        while !slowCall.isHeld.load(ordering: .acquiring) { await Task.yield() }

        /// The ids of the rows that a client is answered.
        func answer(_ client: ModelConnection, _ text: String) async throws -> [UInt32]? {
            try await client.send([.common(.oneOffQuery(requestID: 9, query: text))])
            for case .common(.oneOffQueryResult(9, let result)) in try await client.frame() {
                guard case .rows(let tables) = result else { return nil }
                var ids: [UInt32] = []
                for rows in tables.map(\.rows) {
                    for number in 0..<rows.count { ids.append(try UInt32(bsatn: Array(rows[number].prefix(4)))) }
                }
                return ids.sorted()
            }
            return nil
        }
        #expect(hosted.generation.picture.withLock { $0 != nil })
        #expect(try await answer(ada, "SELECT * FROM letter") == [3, 6])
        #expect(try await answer(bob, "SELECT * FROM letter") == [1, 2, 4, 5])
        #expect(try await answer(bob, "SELECT * FROM letter WHERE id = 3") == [])
        #expect(try await answer(ada, "SELECT * FROM packet") == [3, 4, 5, 6])
        #expect(try await answer(bob, "SELECT * FROM packet") == [])
        #expect(try await answer(ada, "SELECT l.* FROM letter l JOIN packet p ON p.id = l.id") == [3, 6])
        #expect(try await answer(ada, "SELECT * FROM deputies")?.count == 0)
        #expect(try await answer(bob, "SELECT * FROM deputies")?.count == 1)
        #expect(try await answer(bob, "SELECT * FROM deputy") == nil, "a private table")

        slowCall.mayEnd.store(true, ordering: .releasing)
        while hosted.generation.picture.withLock({ $0 != nil }) { await Task.yield() }
        #expect(try await answer(ada, "SELECT * FROM letter") == [])
        #expect(try await answer(ada, "SELECT * FROM packet") == [3, 4, 5, 6])
        for client in clients { client.vanish() }
    }
}
