import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

@testable import SpacetimeServer

/// A client that loses its connection now and then and goes on with the rows that it has. After each frame the rows of each set
/// are compared with what the database had at the commit that the client has reached.
struct ReturningClient {
    private struct Point {
        let history: UInt128
        let offset: UInt64
    }

    private struct Kept {
        /// Nil for the set in which it watches which commit it has reached.
        let queries: [ModelQuery]?
        var cache = ModelCache()
        var point: Point?
        /// Whether the set was answered on this connection.
        var isLive = false

        var texts: [String] { queries?.map(\.text) ?? ["SELECT * FROM turn"] }
    }

    private static let turns: UInt32 = 1_000

    var database: HostedDatabase
    private let delivery: LoopDelivery
    private let isConfirmed: Bool
    private let seed: UInt64
    private var dice: Dice
    private var connection: ModelConnection
    private var history: UInt128?
    private var sets: [UInt32: Kept] = [turns: Kept(queries: nil)]
    /// What was asked for and is not answered yet.
    private var requests: [UInt32: UInt32?] = [:]
    private var nextRequest: UInt32 = 0
    private(set) var checks = 0
    /// Sets with which it went on, and those that it had and that came anew.
    private(set) var (resumed, renewed) = (0, 0)

    init(_ database: HostedDatabase, _ delivery: LoopDelivery, isConfirmed: Bool, seed: UInt64) async throws {
        self.database = database
        self.delivery = delivery
        self.isConfirmed = isConfirmed
        self.seed = seed
        dice = Dice(seed: seed)
        connection = Self.connection(database, delivery, isConfirmed, seed)
        try await begin()
    }

    private static func connection(
        _ database: HostedDatabase, _ delivery: LoopDelivery, _ isConfirmed: Bool, _ seed: UInt64
    ) -> ModelConnection {
        ModelConnection(database, delivery, .v3, as: seed, isConfirmed: isConfirmed, tellsOffsets: true)
    }

    struct Problem: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    // MARK: Coming and going

    private mutating func begin() async throws {
        connection.begin()
        while history == nil { try take(try await connection.frame()) }
        var messages: [V3.ClientMessage] = []
        for (set, kept) in sets.sorted(by: { $0.key < $1.key }) {
            let request = ask(set)
            if let point = kept.point {
                messages.append(
                    .subscribeSince(
                        V3.SubscribeSince(
                            requestID: request, querySetID: set, history: point.history, offset: point.offset,
                            queries: kept.texts)))
            } else {
                messages.append(.common(.subscribe(requestID: request, querySetID: set, queries: kept.texts)))
            }
        }
        try await connection.send(messages)
        try await settle()
    }

    /// The connection is gone, with what was under way in both directions.
    func vanish() { connection.vanish() }

    mutating func comeBack() async throws {
        connection = Self.connection(database, delivery, isConfirmed, seed)
        history = nil
        for set in sets.keys { sets[set]?.isLive = false }
        requests = [:]
        try await begin()
    }

    // MARK: Acting

    mutating func act() async throws {
        if dice.below(12) == 0 {
            vanish()
            return try await comeBack()
        }
        let messages = (0..<1 + dice.below(4)).map { _ in V3.ClientMessage.common(something()) }
        try await connection.send(messages)
        if dice.below(3) == 0 { try await settle() }
    }

    private mutating func something() -> V2.ClientMessage {
        let set = dice.below(5)
        switch dice.below(10) {
        case 0 where sets[set] == nil:
            let kept = Kept(queries: (0..<1 + dice.below(3)).map { _ in ModelQuery(&dice) })
            sets[set] = kept
            return .subscribe(requestID: ask(set), querySetID: set, queries: kept.texts)
        case 1 where sets[set]?.isLive == true:
            sets[set] = nil
            return .unsubscribe(requestID: ask(nil), querySetID: set, wantsRows: false)
        default:
            let (seed, fails) = (UInt32(truncatingIfNeeded: dice.next()), dice.below(5) == 0)
            return .callReducer(requestID: ask(nil), name: "change", arguments: seed.bsatn() + fails.bsatn())
        }
    }

    private mutating func ask(_ set: UInt32?) -> UInt32 {
        nextRequest += 1
        requests[nextRequest] = .some(set)
        return nextRequest
    }

    mutating func settle() async throws { while !requests.isEmpty { try take(try await connection.frame()) } }

    mutating func follow(to number: UInt64) async throws {
        while try (sets[Self.turns]?.cache.turn()?.number ?? 0) < number { try take(try await connection.frame()) }
    }

    // MARK: Being told

    private mutating func take(_ frame: [V3.ServerMessage]) throws {
        for (position, message) in frame.enumerated() {
            if case .reached(let offset) = message {
                guard position == frame.count - 1 else { throw Problem("an offset is not last in its frame") }
                try reach(offset)
            } else {
                try take(message)
            }
        }
        try check()
    }

    private mutating func reach(_ offset: UInt64) throws {
        guard let history else { throw Problem("an offset came without a history") }
        for (set, kept) in sets where kept.isLive {
            if let point = kept.point, point.history == history, point.offset > offset {
                throw Problem("set \(set) went from \(point.offset) back to \(offset)")
            }
            sets[set]?.point = Point(history: history, offset: offset)
        }
        guard let number = try sets[Self.turns]?.cache.turn()?.number else { return }
        if let moment = History.moment(after: number, in: database.identity), moment.offset.rawValue > offset {
            throw Problem("commit \(number) was told, and offset \(offset) is before it")
        }
        if isConfirmed, !database.core.durabilityWatch.isDurable(TxOffset(offset)) {
            throw Problem("offset \(offset) was told before it was on disk")
        }
    }

    private mutating func take(_ message: V3.ServerMessage) throws {
        switch message {
        case .history(let name): history = name
        case .reached: break
        case .resumed(let request, let set, let changes):
            try answer(request, set)
            guard sets[set]?.point != nil else { throw Problem("set \(set) was resumed, which it never had") }
            resumed += 1
            sets[set]?.isLive = true
            try apply(changes)
        case .common(.initialConnection): break
        case .common(.subscribeApplied(let request, let set, let rows)):
            try answer(request, set)
            // It may have been left again.
            guard let kept = sets[set] else { return }
            if kept.point != nil { renewed += 1 }
            sets[set]?.cache = ModelCache()
            try sets[set]?.cache.apply(inserts: rows, deletes: [])
            sets[set]?.isLive = true
        case .common(.unsubscribeApplied(let request, _, _)): requests[request] = nil
        case .common(.transactionUpdate(let changes)): try apply(changes)
        case .common(.reducerResult(let request, _, let outcome)):
            requests[request] = nil
            if case .committed(_, let changes) = outcome { try apply(changes) }
        default: throw Problem("\(message) came, which nobody asked for")
        }
    }

    private mutating func answer(_ request: UInt32, _ set: UInt32) throws {
        guard case .some(.some(set)) = requests.removeValue(forKey: request) else {
            throw Problem("set \(set) was answered though nobody asked")
        }
    }

    private mutating func apply(_ changes: [V2.QuerySetUpdate]) throws {
        // Of a set that was left there may still be something on its way, also when its number is used again.
        for update in changes where sets[update.querySetID]?.isLive == true {
            try sets[update.querySetID]?.cache.apply([update])
        }
    }

    /// What it has is what the database had at the commit that it has reached.
    private mutating func check() throws {
        guard let turns = sets[Self.turns], turns.isLive else { return }
        let number = try turns.cache.turn()?.number ?? 0
        guard let moment = History.moment(after: number, in: database.identity) else {
            throw Problem("there was no commit \(number)")
        }
        for (set, kept) in sets where kept.isLive {
            var expected: [[UInt8]: Int] = [:]
            for query in Set(kept.queries ?? []) {
                for parcel in moment.parcels where query.matches(parcel, moment) {
                    expected[parcel.bsatn(), default: 0] += 1
                }
            }
            guard kept.cache.rows(of: "parcel") == expected else {
                throw Problem("at commit \(number) set \(set) has other rows than the database: \(kept.texts)")
            }
        }
        checks += 1
    }
}
