import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeTestSupport
import Testing

@testable import SpacetimeClient

/// A server with one table, one event table and one client at a time, which answers into a queue.
struct ModelServer {
    /// Whether clients may go on where they were.
    enum Resuming: CaseIterable {
        /// It knows nothing of it, as the originals.
        case unknown
        /// Always.
        case always
        /// With some sets, and not with others.
        case sometimes
        /// It says so, and never does.
        case never
    }

    var resuming = Resuming.always
    /// The name of the history.
    var history: UInt128 = 7
    /// Sets that went on, and such that did not though they wanted to.
    private(set) var resumed = 0
    private(set) var renewed = 0

    var items: [UInt32: Item] = [:] {
        didSet { if items != oldValue { commit() } }
    }
    /// What there was behind each commit.
    private var past: [[UInt32: Item]] = [[:]]
    private var tellsOffsets = false
    private var sets: [UInt32: [ItemQuery]] = [:]
    private var connections: UInt64 = 0
    /// What was said and has not arrived.
    var outbox: [V3.ServerMessage] = []
    /// Rows of the event table that were sent.
    private(set) var noises = 0

    /// Somebody else connects, and what was under way is lost.
    mutating func greet(wantsOffsets: Bool = false) {
        connections += 1
        sets = [:]
        outbox = [
            .common(
                .initialConnection(
                    identity: Identity(issuer: "test", subject: "one"),
                    connectionID: ConnectionId(number: UInt128(connections)), token: "token"))
        ]
        tellsOffsets = wantsOffsets && resuming != .unknown
        if tellsOffsets { outbox.append(.history(history)) }
    }

    /// Another run of the server: what it told of offsets before is worth nothing.
    mutating func restart() {
        history += 1
        past = [items]
    }

    private mutating func commit() { past.append(items) }

    /// Says something, and where the client's rows are then.
    mutating func say(_ message: V3.ServerMessage, reaches: Bool = true) {
        outbox.append(message)
        if reaches, tellsOffsets { outbox.append(.reached(UInt64(past.count - 1))) }
    }

    /// So many messages, in one frame; with the greeting comes the history, and with each the offset behind it.
    mutating func takeFrame(_ count: Int) -> [V3.ServerMessage] {
        var frame: [V3.ServerMessage] = []
        var taken = 0
        while let next = outbox.first {
            let isOwn =
                switch next {
                case .common, .resumed: false
                case .reached, .history: true
                }
            if !isOwn, taken == count { break }
            if !isOwn { taken += 1 }
            frame.append(outbox.removeFirst())
        }
        return frame
    }

    /// The client has gone.
    mutating func drop() {
        sets = [:]
        outbox = []
    }

    mutating func receive(_ payload: [UInt8]) throws {
        var reader = try V2.ClientMessageReader(payload.span.bytes, isBatched: true)
        var messages: [V3.ClientMessage] = []
        while true {
            if tellsOffsets, let since = try reader.nextSubscribeSince() {
                messages.append(.subscribeSince(since))
            } else if let message = try reader.next() {
                messages.append(.common(V2.ClientMessage(message)))
            } else {
                break
            }
        }
        for message in messages {
            switch message {
            case .common(let message): try receive(message)
            case .subscribeSince(let since): try goOn(since)
            }
        }
    }

    private mutating func goOn(_ since: V3.SubscribeSince) throws {
        let queries = since.queries.compactMap { ItemQuery($0) }
        let isKnown =
            switch resuming {
            case .unknown, .never: false
            case .always: true
            case .sometimes: (since.offset + UInt64(since.requestID)) % 2 == 0
            }
        guard isKnown, since.history == history, let offset = Int(exactly: since.offset), offset < past.count,
            queries.count == since.queries.count, sets[since.querySetID] == nil
        else {
            renewed += 1
            return try receive(
                .subscribe(requestID: since.requestID, querySetID: since.querySetID, queries: since.queries))
        }
        resumed += 1
        sets[since.querySetID] = queries
        var changes: [V2.RowChanges] = []
        for query in queries where query != .noise {
            let (old, new) = (past[offset].filter { query.matches($0.value) }, items.filter { query.matches($0.value) })
            let gone = old.keys.sorted().filter { old[$0] != new[$0] }.compactMap { old[$0]?.bsatn() }
            let come = new.keys.sorted().filter { old[$0] != new[$0] }.compactMap { new[$0]?.bsatn() }
            if gone.isEmpty, come.isEmpty { continue }
            changes.append(.persistent(inserts: RowList(come), deletes: RowList(gone)))
        }
        let update = V2.QuerySetUpdate(
            querySetID: since.querySetID, tables: [V2.TableUpdate(table: "item", changes: changes)])
        say(
            .resumed(
                requestID: since.requestID, querySetID: since.querySetID, changes: changes.isEmpty ? [] : [update]))
    }

    private mutating func receive(_ message: V2.ClientMessage) throws {
        switch message {
        case .subscribe(let request, let set, let texts):
            let queries = texts.compactMap { ItemQuery($0) }
            guard queries.count == texts.count, sets[set] == nil else {
                say(
                    .common(.subscriptionError(requestID: request, querySetID: set, message: "no such table")),
                    reaches: false)
                return
            }
            sets[set] = queries
            say(.common(.subscribeApplied(requestID: request, querySetID: set, rows: rows(of: queries))))
        case .unsubscribe(let request, let set, let wantsRows):
            guard let queries = sets.removeValue(forKey: set) else {
                say(
                    .common(.subscriptionError(requestID: request, querySetID: set, message: "no such set")),
                    reaches: false)
                return
            }
            say(
                .common(
                    .unsubscribeApplied(
                        requestID: request, querySetID: set, rows: wantsRows ? rows(of: queries) : nil)), reaches: false
            )
        case .oneOffQuery(let request, let text):
            guard let query = ItemQuery(text) else {
                say(.common(.oneOffQueryResult(requestID: request, result: .error("no such table"))), reaches: false)
                return
            }
            say(.common(.oneOffQueryResult(requestID: request, result: .rows(rows(of: [query])))), reaches: false)
        case .callReducer(let request, let name, let arguments): try call(request, name, arguments)
        case .callProcedure(let request, _, let arguments):
            say(
                .common(
                    .procedureResult(
                        requestID: request, outcome: .returned(arguments),
                        timestamp: Timestamp(microsecondsSinceUnixEpoch: 0), duration: TimeDuration(microseconds: 0))),
                reaches: false)
        }
    }

    private mutating func call(_ request: UInt32, _ name: String, _ arguments: [UInt8]) throws {
        let outcome: V2.ReducerOutcome
        switch name {
        case "put": outcome = .committed(returnValue: [], changes: put(try Item(bsatn: arguments)))
        case "nothing": outcome = .committedEmpty
        case "refuse": outcome = .failed("refused")
        case "fail": outcome = .failed(try String(bsatn: arguments))
        default: outcome = .internalError("no such reducer")
        }
        say(
            .common(
                .reducerResult(
                    requestID: request, timestamp: Timestamp(microsecondsSinceUnixEpoch: 0), outcome: outcome)))
    }

    private func rows(of queries: [ItemQuery]) -> [V2.TableRows] {
        queries.filter { $0 != .noise }.map { query in
            let rows = items.values.filter(query.matches).sorted { $0.id < $1.id }
            return V2.TableRows(table: "item", rows: RowList(rows.map { $0.bsatn() }))
        }
    }

    /// Puts an item in the place of the one with its id, and returns what the client is told.
    mutating func put(_ item: Item) -> [V2.QuerySetUpdate] { change(item.id, to: item, noise: nil) }

    /// Changes an item, or removes it, and makes a noise, and returns what the client is told.
    mutating func change(_ id: UInt32, to new: Item?, noise: String?) -> [V2.QuerySetUpdate] {
        let old = items[id]
        items[id] = new
        var updates: [V2.QuerySetUpdate] = []
        for (set, queries) in sets.sorted(by: { $0.key < $1.key }) {
            var changes: [V2.RowChanges] = []
            for query in queries where query != .noise && old != new {
                let deleted = old.map { query.matches($0) ? [$0.bsatn()] : [] } ?? []
                let inserted = new.map { query.matches($0) ? [$0.bsatn()] : [] } ?? []
                guard !deleted.isEmpty || !inserted.isEmpty else { continue }
                changes.append(.persistent(inserts: RowList(inserted), deletes: RowList(deleted)))
            }
            var tables: [V2.TableUpdate] = []
            if !changes.isEmpty { tables.append(V2.TableUpdate(table: "item", changes: changes)) }
            if let noise, queries.contains(.noise) {
                noises += 1
                tables.append(V2.TableUpdate(table: "noise", changes: [.event(RowList([noise.bsatn()]))]))
            }
            if !tables.isEmpty { updates.append(V2.QuerySetUpdate(querySetID: set, tables: tables)) }
        }
        return updates
    }

    /// A transaction of somebody else.
    mutating func changeForOthers(_ dice: inout RandomValues) {
        let id = UInt32(dice.below(8))
        let new = dice.oneIn(4) ? nil : Item(id: id, owner: UInt32(dice.below(3)), text: "\(dice.below(3))")
        let updates = change(id, to: new, noise: dice.oneIn(5) ? "bang" : nil)
        if !updates.isEmpty { say(.common(.transactionUpdate(updates))) }
    }
}
