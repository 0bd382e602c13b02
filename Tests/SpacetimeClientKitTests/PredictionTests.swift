import SpacetimeClientKit
import SpacetimeServerTestSupport
import SpacetimeTestSupport
import Synchronization
import Testing

@Table(.public)
private struct Piece: Hashable {
    @PrimaryKey @AutoIncrement var id: UInt64
    @Indexed var board: UInt32
    var x: Int32
    var moved: Timestamp
    var luck: UInt64
}

/// What clients do not see: so they foresee wrongly what depends on it.
@Table
private struct Ban: Hashable {
    @PrimaryKey var board: UInt32
}

@Table(.public, .event)
private struct Sound: Hashable {
    var name: String
}

@Module
private enum Game {
    static let tables = Tables(Piece.self, Ban.self, Sound.self)

    @Reducer(.initialize) static func setUp(_ context: borrowing Context) throws {
        try context.db.ban.insert(Ban(board: 13))
    }

    @Reducer static func place(_ context: borrowing Context, board: UInt32, x: Int32) throws {
        guard context.db.ban.board.find(board) == nil else { throw SenderError("board \(board) is closed") }
        try context.db.piece.insert(Piece(id: 0, board: board, x: x, moved: context.timestamp, luck: 0))
        try context.db.sound.insert(Sound(name: "click"))
    }

    @Reducer static func move(_ context: borrowing Context, id: UInt64, by step: Int32) throws {
        guard var piece = context.db.piece.id.find(id) else { throw SenderError("there is no piece \(id)") }
        guard context.db.ban.board.find(piece.board) == nil else { throw SenderError("the board is closed") }
        piece.x += step
        piece.moved = context.timestamp
        try context.db.piece.update(piece)
    }

    @Reducer static func take(_ context: borrowing Context, id: UInt64) throws {
        guard try context.db.piece.id.delete(id) else { throw SenderError("there is no piece \(id)") }
    }

    @Reducer static func shuffle(_ context: borrowing Context, board: UInt32) throws {
        for var piece in context.db.piece.board.filter(board) {
            piece.luck = UInt64.random(in: .min ... .max, using: &context.random)
            try context.db.piece.update(piece)
        }
    }

    @Reducer static func close(_ context: borrowing Context, board: UInt32) throws {
        try context.db.ban.upsert(Ban(board: board))
    }
}

/// Calls whose outcome is shown before it is known, run by the module's own reducers.
@Suite(.timeLimit(.minutes(10))) struct PredictionTests {
    private let database: Database<Game>

    init() throws { database = try Database.open(.inMemory, module: Game.self) }

    /// A client to which nothing comes but when it is told to take it in.
    private func client() async throws -> DatabaseClient {
        try await client(over: LocalTransport(database, as: .local("ada")))
    }

    private func client(over transport: some ClientTransport) async throws -> DatabaseClient {
        var options = ClientOptions()
        options.delivery = .onFrameTick
        options.reconnection = ClientOptions.Reconnection(
            firstDelay: .milliseconds(1), longestDelay: .milliseconds(5))
        let client = try await DatabaseClient.connect(
            to: "localhost", database: "game", over: transport, options: options)
        let subscription = try client.beginSubscribing(Piece.all, Sound.all)
        while subscription.state != .active {
            client.frameTick()
            await Task.yield()
        }
        return client
    }

    private func settle(_ client: DatabaseClient, _ left: borrowing Mutex<Int>) async {
        while left.withLock({ $0 }) > 0 {
            client.frameTick()
            await Task.yield()
        }
    }

    @Test func aCallIsSeenBeforeTheServerHasAnswered() async throws {
        let client = try await client()
        let pieces = client.table(Piece.self)
        let left = Mutex(2)
        let told = Mutex<[String]>([])
        client.onInsert(Piece.self) { piece in told.withLock { $0.append("+\(piece.x)") } }
        client.onUpdate(Piece.self) { old, new in told.withLock { $0.append("\(old.x)>\(new.x)") } }
        client.onDelete(Piece.self) { piece in told.withLock { $0.append("-\(piece.x)") } }
        client.onInsert(Sound.self) { sound in told.withLock { $0.append(sound.name) } }
        try client.post(predicting: Game.place, 1, 5) { _ in left.withLock { $0 -= 1 } }
        let foreseen = try #require(try pieces.first { $0.board == 1 })
        #expect(foreseen.x == 5 && foreseen.id == 1)
        // The second one runs on what the first one leaves.
        try client.post(predicting: Game.move, 1, 2) { _ in left.withLock { $0 -= 1 } }
        #expect(try pieces.find(1)?.x == 7)
        #expect(told.withLock { $0 } == [])
        await settle(client, left)
        let real = try await database.read { Set($0.piece.rows) }
        #expect(try Set(pieces.rows()) == real && real.first?.x == 7)
        // Seen at once, and never as less than it was; the sound is the server's alone.
        let all = told.withLock { $0 }
        #expect(all.first == "+5" || all.first == "+7")
        #expect(all.count { $0 == "click" } == 1)
        await client.disconnect()
    }

    @Test func whatTheServerRefusesIsTakenBack() async throws {
        let client = try await client()
        let left = Mutex(1)
        let refusal = Mutex<(any Error)?>(nil)
        // The client does not know that the board is closed.
        try client.post(predicting: Game.place, 13, 1) { outcome in
            if case .failure(let error) = outcome { refusal.withLock { $0 = error } }
            left.withLock { $0 -= 1 }
        }
        #expect(client.table(Piece.self).count == 1)
        await settle(client, left)
        #expect(client.table(Piece.self).isEmpty)
        #expect(refusal.withLock { $0 } as? SenderError == SenderError("board 13 is closed"))
        // What is refused here already is sent all the same: the server decides.
        let second = Mutex(1)
        try client.post(predicting: Game.move, 99, 1) { _ in second.withLock { $0 -= 1 } }
        #expect(client.table(Piece.self).isEmpty)
        await settle(client, second)
        await client.disconnect()
    }

    @Test func whatIsRunAgainDoesTheSame() async throws {
        let client = try await client()
        let left = Mutex(2)
        try client.post(predicting: Game.place, 1, 5) { _ in left.withLock { $0 -= 1 } }
        try client.post(predicting: Game.shuffle, 1) { _ in left.withLock { $0 -= 1 } }
        let foreseen = try client.table(Piece.self).rows()
        #expect(foreseen.first.map { $0.luck != 0 } == true)
        // Others under way, which have it run again.
        let others = Mutex(5)
        for x in 0..<5 as Range<Int32> {
            try client.post(predicting: Game.place, 2, x) { _ in others.withLock { $0 -= 1 } }
        }
        #expect(try client.table(Piece.self).rows { $0.board == 1 } == foreseen)
        await settle(client, left)
        await settle(client, others)
        #expect(try Set(client.table(Piece.self).rows()) == (try await database.read { Set($0.piece.rows) }))
        await client.disconnect()
    }

    @Test func whoWaitsIsToldTheOutcome() async throws {
        let client = try await DatabaseClient.connect(to: database, as: "bob")
        try await client.subscribe(Piece.all)
        try await client.predict(Game.place, 1, 5)
        #expect(try Set(client.table(Piece.self).rows()) == (try await database.read { Set($0.piece.rows) }))
        let refused = await thrown { try await client.predict(Game.place, 13, 5) }
        #expect(refused as? SenderError == SenderError("board 13 is closed"))
        #expect(client.table(Piece.self).count == 1)
        await client.disconnect()
    }

    /// After all results are in, the cache has the server's rows, whatever was foreseen, refused and lost, and what others did meanwhile.
    @Test(arguments: [1, 2, 3, 4, nil] as [UInt64?])
    func whenAllOutcomesAreKnownTheCacheHasTheDatabasesRows(pinned: UInt64?) async throws {
        let seed = pinned ?? freshSeed()
        var dice = RandomValues(seed: seed)
        let transport = CuttableTransport(LocalTransport(database, as: .local("ada")))
        let client = try await client(over: transport)
        let mirror = Mirror()
        client.onChange(Piece.self) { mirror.apply($0) }
        let left = Mutex(0)
        let settled: @Sendable (Result<Void, any Error>) -> Void = { _ in left.withLock { $0 -= 1 } }
        for step in 0..<200 {
            let (board, id, x) = (UInt32(dice.below(3)), UInt64(1 + dice.below(12)), Int32(dice.below(10)))
            if dice.oneIn(3) {
                switch dice.below(3) {
                case 0: _ = try? await database.call(Game.place, board, x)
                case 1: _ = try? await database.call(Game.take, id)
                default: _ = try? await database.call(Game.move, id, -1)
                }
                if step == 150 { try await database.call(Game.close, 2) }
            } else {
                left.withLock { $0 += 1 }
                switch dice.below(5) {
                case 0...1:
                    try client.post(predicting: Game.place, dice.oneIn(6) ? 13 : board, x, completion: settled)
                case 2: try client.post(predicting: Game.take, id, completion: settled)
                case 3: try client.post(predicting: Game.shuffle, board, completion: settled)
                default: try client.post(predicting: Game.move, id, 1, completion: settled)
                }
            }
            if dice.oneIn(25) { transport.cut() }
            if dice.oneIn(4) { client.frameTick() }
            if dice.oneIn(20) { await settle(client, left) }
        }
        await settle(client, left)
        // A call of one's own is answered when the cache has everything before it, also behind a lost connection.
        let isBehind = Mutex(false)
        while !isBehind.withLock({ $0 }) {
            let last = Mutex(1)
            try client.post(predicting: Game.place, 0, 1) { outcome in
                if case .success = outcome { isBehind.withLock { $0 = true } }
                last.withLock { $0 -= 1 }
            }
            await settle(client, last)
        }
        let real = try await database.read { Set($0.piece.rows) }
        #expect(try Set(client.table(Piece.self).rows()) == real, "seed \(seed)")
        #expect(mirror.rows == real, "seed \(seed)")
        #expect(mirror.isTrue, "seed \(seed): something was told that was not so")
        await client.disconnect()
    }
}

/// What somebody has who puts together what is told.
private final class Mirror: Sendable {
    private let state = Mutex((pieces: [UInt64: Piece](), isTrue: true))

    var rows: Set<Piece> { state.withLock { Set($0.pieces.values) } }
    var isTrue: Bool { state.withLock { $0.isTrue } }

    func apply(_ changes: RowChanges<Piece>) {
        for piece in changes.deleted { put(piece, nil) }
        for (old, new) in changes.updated { put(old, new) }
        for piece in changes.inserted { put(nil, piece) }
    }

    private func put(_ old: Piece?, _ new: Piece?) {
        guard let id = (new ?? old)?.id else { return }
        state.withLock { state in
            if state.pieces[id] != old { state.isTrue = false }
            state.pieces[id] = new
        }
    }
}
