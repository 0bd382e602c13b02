import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

@testable import SpacetimeServer

/// A client that does random things, keeps a cache as all clients do, and compares it with what the database had at the commit
/// that it has reached: after each message that it gets.
struct ModelClient {
    private enum Request {
        case subscribe(set: UInt32, Set<ModelQuery>?)
        case unsubscribe(set: UInt32)
        case call(seed: UInt32, fails: Bool)
    }

    /// The set in which it watches which commit it has reached.
    private static let turns: UInt32 = 1_000

    private let database: HostedDatabase
    private let delivery: LoopDelivery
    private let subprotocol: Subprotocol
    private let isConfirmed: Bool
    private var dice: Dice
    private var connection: ModelConnection
    /// What it was told in one frame and has not looked at.
    private var unread: ArraySlice<V3.ServerMessage> = []
    private var id = ConnectionId(number: 0)

    private var cache = ModelCache()
    /// What it was told that it watches.
    private var sets: [UInt32: Set<ModelQuery>] = [:]
    /// What it will be, once everything is answered that it has asked for.
    private var wanted: Set<UInt32> = []
    private var isWatchingTurns = false
    private var requests: [UInt32: Request] = [:]
    private var nextRequest: UInt32 = 0
    private(set) var messages = 0
    private(set) var checks = 0
    /// Commits that it made.
    private(set) var commits = 0

    /// - Parameter isConfirmed: it must hear of nothing that is not on disk.
    init(
        _ database: HostedDatabase, _ delivery: LoopDelivery, _ subprotocol: Subprotocol, isConfirmed: Bool = false,
        seed: UInt64
    ) async throws {
        self.database = database
        self.delivery = delivery
        self.subprotocol = subprotocol
        self.isConfirmed = isConfirmed
        dice = Dice(seed: seed)
        connection = ModelConnection(database, delivery, subprotocol, as: seed, isConfirmed: isConfirmed)
        try await begin()
    }

    // MARK: Coming and going

    private mutating func begin() async throws {
        connection.begin()
        guard case .initialConnection(_, let id, "token") = try await next() else {
            throw Problem(what: "the first message is no greeting")
        }
        self.id = id
        try await send([subscribe(Self.turns, queries: nil)])
        while !isWatchingTurns { try await handle(try await next()) }
    }

    /// The socket has gone, with whatever was under way; then a new one is there, and everything is asked for again.
    private mutating func reconnect() async throws {
        connection.vanish()
        connection = ModelConnection(database, delivery, subprotocol, as: dice.next(), isConfirmed: isConfirmed)
        unread = []
        cache = ModelCache()
        sets = [:]
        wanted = []
        isWatchingTurns = false
        requests = [:]
        nextRequest = 0
        try await begin()
    }

    func leave() { connection.vanish() }

    // MARK: Acting

    mutating func act() async throws {
        if dice.below(25) == 0 { return try await reconnect() }
        let count = subprotocol.isBatched ? 1 + dice.below(5) : 1
        try await send((0..<count).map { _ in something() })
        // Sometimes it waits, and sometimes it goes on asking.
        if dice.below(3) == 0 { try await settle() }
    }

    private mutating func something() -> V2.ClientMessage {
        let set = dice.below(4)
        switch dice.below(10) {
        case 0...1: return subscribe(set, queries: Set((0..<1 + dice.below(3)).map { _ in ModelQuery(&dice) }))
        case 2:
            wanted.remove(set)
            let request = ask(.unsubscribe(set: set))
            return .unsubscribe(requestID: request, querySetID: set, wantsRows: true)
        default:
            let (seed, fails) = (UInt32(truncatingIfNeeded: dice.next()), dice.below(5) == 0)
            let request = ask(.call(seed: seed, fails: fails))
            return .callReducer(requestID: request, name: "change", arguments: seed.bsatn() + fails.bsatn())
        }
    }

    private mutating func subscribe(_ set: UInt32, queries: Set<ModelQuery>?) -> V2.ClientMessage {
        // An id that is in use is refused, and what is there stays.
        let isFree = wanted.insert(set).inserted
        let request = ask(.subscribe(set: set, isFree ? queries ?? [] : nil))
        var texts = queries?.map(\.text) ?? ["SELECT * FROM turn"]
        // The same query twice counts once.
        if texts.count > 1 { texts.append(texts[0]) }
        return .subscribe(requestID: request, querySetID: set, queries: texts)
    }

    private mutating func ask(_ request: Request) -> UInt32 {
        nextRequest += 1
        requests[nextRequest] = request
        return nextRequest
    }

    private func send(_ messages: [V2.ClientMessage]) async throws {
        try await connection.send(messages.map { .common($0) })
    }

    /// Has its session watch a query of which it knows nothing.
    func joinUnasked(set: UInt32, _ text: String) async throws {
        guard let session = try await connection.session else { throw Problem(what: "there is no session") }
        let queries = try database.core.sessions.texts.queries([text], as: session.caller)
        try await database.core.sessions.subscribe(session, to: QuerySetID(set), queries)
    }

    /// Changes something for sure, and takes in what it is told of it.
    mutating func callAndSettle() async throws {
        let seed = UInt32(truncatingIfNeeded: dice.next())
        let request = ask(.call(seed: seed, fails: false))
        try await send([.callReducer(requestID: request, name: "change", arguments: seed.bsatn() + false.bsatn())])
        try await settle()
    }

    /// Takes in messages until everything is answered.
    mutating func settle() async throws {
        while !requests.isEmpty { try await handle(try await next()) }
    }

    /// Takes in messages until it has seen this commit.
    mutating func follow(to number: UInt64) async throws {
        while try (cache.turn()?.number ?? 0) < number { try await handle(try await next()) }
    }

    // MARK: Being told

    struct Problem: Error, CustomStringConvertible {
        let what: String
        var description: String { what }
    }

    private mutating func next() async throws -> V2.ServerMessage {
        while true {
            switch unread.popFirst() {
            case .common(let message)?: return message
            case nil: unread = try await connection.frame()[...]
            case let message?: throw Problem(what: "\(message) came, which nobody asked for")
            }
        }
    }

    private mutating func handle(_ message: V2.ServerMessage) async throws {
        messages += 1
        switch message {
        case .subscribeApplied(let request, let set, let rows):
            guard case .subscribe(set, let queries?) = requests.removeValue(forKey: request) else {
                throw Problem(what: "set \(set) was applied though nobody asked for it")
            }
            try cache.apply(inserts: rows, deletes: [])
            if set == Self.turns { isWatchingTurns = true } else { sets[set] = queries }
        case .unsubscribeApplied(let request, let set, let rows?):
            guard case .unsubscribe(set) = requests.removeValue(forKey: request), sets[set] != nil else {
                throw Problem(what: "set \(set) was left though nobody asked for it")
            }
            try cache.apply(inserts: [], deletes: rows)
            sets[set] = nil
        case .subscriptionError(let request?, let set, let text):
            switch requests.removeValue(forKey: request) {
            case .subscribe(set, nil): break
            case .unsubscribe(set) where sets[set] == nil: break
            default: throw Problem(what: "set \(set) failed: \(text)")
            }
        case .transactionUpdate(let changes):
            let before = try cache.turn()
            try cache.apply(changes)
            try expectTurn(after: before, isOwn: false, request: nil)
        case .reducerResult(let request, _, let outcome): try take(outcome, of: request)
        default: throw Problem(what: "\(message) came, which nobody asked for")
        }
        try check()
    }

    private mutating func take(_ outcome: V2.ReducerOutcome, of request: UInt32) throws {
        guard case .call(let seed, let fails) = requests.removeValue(forKey: request) else {
            throw Problem(what: "call \(request) was answered though it was not made, or twice")
        }
        switch outcome {
        case .committed(let value, let changes):
            guard !fails, value.isEmpty else { throw Problem(what: "a call that fails was committed") }
            commits += 1
            let before = try cache.turn()
            try cache.apply(changes)
            // Its own changes are in the answer.
            try expectTurn(after: before, isOwn: true, request: seed)
        default:
            guard fails, outcome == .failed("taken back") else { throw Problem(what: "call \(request): \(outcome)") }
        }
    }

    /// Each commit is told once, in the order of the commits; the caller in the answer to its call, and never otherwise.
    private func expectTurn(after before: Turn?, isOwn: Bool, request: UInt32?) throws {
        guard isWatchingTurns else { return }
        guard let turn = try cache.turn() else { throw Problem(what: "no commit was told") }
        guard turn.number == (before?.number ?? 0) + 1 else {
            throw Problem(what: "commit \(turn.number) was told after \(before?.number ?? 0)")
        }
        guard (turn.by == id) == isOwn, request.map({ $0 == turn.request }) ?? true else {
            throw Problem(what: "commit \(turn.number) was told \(isOwn ? "as" : "besides") the answer to a call")
        }
    }

    /// In the first protocol a query is told once, however many sets have it.
    private var watchedQueries: [ModelQuery] {
        let all = sets.values.flatMap { $0 }
        return subprotocol.speaksV2 ? all : Array(Set(all))
    }

    /// The cache is what the database had at the commit that the client has reached.
    private mutating func check() throws {
        guard isWatchingTurns else { return }
        let number = try cache.turn()?.number ?? 0
        guard let moment = History.moment(after: number, in: database.identity) else {
            throw Problem(what: "there was no commit \(number)")
        }
        if isConfirmed, number > 0, !database.core.durabilityWatch.isDurable(moment.offset) {
            throw Problem(what: "commit \(number) was told before it was on disk")
        }
        var expected: [[UInt8]: Int] = [:]
        for query in watchedQueries {
            for parcel in moment.parcels where query.matches(parcel, moment) {
                expected[parcel.bsatn(), default: 0] += 1
            }
        }
        checks += 1
        guard cache.rows(of: "parcel") == expected else {
            throw Problem(what: "at commit \(number) the cache has other rows than the database had: \(sets)")
        }
    }
}
