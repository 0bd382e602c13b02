import SpacetimeEngine
import SpacetimeSATS
import Synchronization
import Testing

@testable import SpacetimeHost

/// A client as the libraries of clients are: it keeps the rows of what it subscribed to, with the number of queries that
/// brought each, and checks that nothing leaves that did not come.
final class FakeSession {
    let session: Session
    /// Another one's once the module was replaced.
    var sessions: Sessions
    /// Everything that it was told.
    private(set) var events: [SessionEvent] = []
    /// How often each row is there, by set and query.
    private(set) var rows: [QuerySetID: [Int: [[UInt8]: Int]]] = [:]
    private(set) var end: SubscriptionEnd?
    /// The sets that it was told to have gone on with.
    private(set) var resumed: [UInt32] = []
    private var lastOffset: TxOffset?

    /// - Parameter follows: whether it lives on when the module is replaced.
    init(
        _ core: DatabaseCore, as caller: Caller? = nil, queueLimit: Int = 1000, follows: Bool = false,
        tellsOffsets: Bool = false
    ) {
        sessions = core.sessions
        session = Session(
            caller ?? core.owner, outlet: nil, queueLimit: queueLimit, tellsOffsets: tellsOffsets,
            catalog: follows ? core.catalog : nil)
    }

    deinit { sessions.end(session) }

    func subscribe(_ set: UInt32, _ queries: SessionQuery...) throws {
        try sessions.subscribe(session, to: QuerySetID(set), queries)
    }

    /// Subscribes to queries in SQL.
    func subscribe(_ set: UInt32, _ texts: String...) throws {
        try sessions.subscribe(session, to: QuerySetID(set), try sessions.texts.queries(texts, as: session.caller))
    }

    /// Keeps the rows of an earlier connection.
    func take(rowsOf old: FakeSession) { rows = old.rows }

    func unsubscribe(_ set: UInt32) {
        sessions.unsubscribe(session, from: QuerySetID(set))
        rows[QuerySetID(set)] = nil
    }

    /// Takes what is in the queue.
    @discardableResult
    func pull() -> [SessionEvent] {
        var taken: [SessionEvent] = []
        while let event = session.queue.nextAvailable() {
            taken.append(event)
            apply(event)
        }
        events += taken
        return taken
    }

    /// The updates that it was told, after taking what is in the queue.
    var updates: [SessionUpdate] {
        pull()
        return events.compactMap { if case .update(let update) = $0 { update } else { nil } }
    }

    /// The rows of a query, each as often as it is there, sorted.
    func rows(_ set: UInt32, query: Int = 0) -> [[UInt8]] {
        pull()
        return (rows[QuerySetID(set)]?[query] ?? [:]).flatMap { Array(repeating: $0.key, count: $0.value) }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func apply(_ event: SessionEvent) {
        #expect(end == nil, "an event came behind the end")
        switch event {
        case .subscribed(let first):
            rows[first.set] = [:]
            for (query, delta) in first.rows.enumerated() { apply(delta, first.set, query) }
        case .update(let update):
            #expect(!update.changes.isEmpty, "an update says nothing")
            if let lastOffset { #expect(update.offset > lastOffset, "updates are not in the order of commits") }
            lastOffset = update.offset
            for change in update.changes {
                // Sets that were left may still have updates on their way.
                guard rows[change.set] != nil else { continue }
                #expect(!change.delta.deletes.isEmpty || !change.delta.inserts.isEmpty, "a change is none")
                apply(change.delta, change.set, change.query)
            }
        case .resumed(let changed):
            resumed.append(changed.set.rawValue)
            for change in changed.changes { apply(change.delta, change.set, change.query) }
        case .unsubscribed(let gone): rows[gone.set] = nil
        case .failed(let set, _): rows[set] = nil
        case .reply, .moduleReplaced: break
        case .ended(let reason): end = reason
        }
    }

    private func apply(_ delta: SharedDelta, _ set: QuerySetID, _ query: Int) {
        delta.deletes.forEach { row in
            let count = rows[set]?[query]?[Array(row)] ?? 0
            #expect(count > 0, "a row left that was not there")
            rows[set]?[query]?[Array(row)] = count > 1 ? count - 1 : nil
        }
        delta.inserts.forEach { row in rows[set]?[query, default: [:]][Array(row), default: 0] += 1 }
    }
}
