import SpacetimeEngine
import SpacetimeSchema

/// What changed in one query lately. Guarded by the database's lock.
final class QueryHistory {
    struct Change {
        let offset: TxOffset
        /// Nil once it was taken out.
        fileprivate(set) var delta: SharedDelta?
    }

    /// All changes behind this commit are here.
    private(set) var start: TxOffset
    /// Those that are left, in the order of the commits, behind those that were taken out.
    private var changes: [Change] = []
    private var first = 0
    /// How often clients that may come back watch the query now.
    var watchers = 0
    /// How many clients are gone that may come back to it.
    var absent = 0

    init(at offset: TxOffset) { start = offset }

    var count: Int { changes.count - first }
    /// Nobody will ask for it.
    var isUnneeded: Bool { watchers == 0 && absent == 0 }

    func append(_ delta: SharedDelta, at offset: TxOffset) { changes.append(Change(offset: offset, delta: delta)) }

    /// Forgets the oldest change.
    func removeFirst() -> Change? {
        guard first < changes.count else { return nil }
        let change = changes[first]
        changes[first].delta = nil
        start = max(start, change.offset)
        first += 1
        // Shifted now and then, so that taking one out is O(1) on average.
        if first >= 16, first * 2 >= changes.count {
            changes.removeFirst(first)
            first = 0
        }
        return change
    }

    /// What has changed since a commit; nil if not all of it is known.
    func changes(since offset: TxOffset) -> [SharedDelta]? {
        guard offset >= start else { return nil }
        // Who comes back was mostly there shortly before.
        var position = changes.count
        while position > first, changes[position - 1].offset > offset { position -= 1 }
        return changes[position...].compactMap(\.delta)
    }
}

/// The histories of all queries, within bounds. Guarded by the database's lock.
struct QueryHistories {
    /// A client that is gone: what it watched is kept up to date until some time has passed.
    struct Absence {
        let queries: [(query: LiveQuery, history: QueryHistory)]
        let views: [ViewInstance]
        /// In microseconds; nil until the first commit after it has gone, before which nothing costs anything.
        var end: Int64?
    }

    private let options: ResumeOptions
    /// Apart from the queries, of which most have none.
    private var byQuery: [ObjectIdentifier: QueryHistory] = [:]
    /// The history of each change, in the order of the commits. Some are empty, whose changes went all at once.
    private var order: [QueryHistory] = []
    private var first = 0
    private(set) var changeCount = 0
    private(set) var byteCount = 0
    /// The oldest first.
    private var absences: [Absence] = []
    private var firstAbsence = 0
    /// Different queries of these.
    private(set) var absentQueryCount = 0
    /// With repetitions.
    private var absentReferences = 0

    /// For each query that is kept for clients that are gone, so many of them may have it.
    private static let referencesPerQuery = 16
    /// What a change takes besides its rows.
    private static let overheadByteCount = 96

    init(_ options: ResumeOptions) { self.options = options }

    /// The same bounds, without anything.
    var emptied: QueryHistories { QueryHistories(options) }

    var hasAbsences: Bool { firstAbsence < absences.count }

    /// Nil if there is none.
    @inline(__always)
    subscript(query: LiveQuery) -> QueryHistory? { byQuery.isEmpty ? nil : byQuery[ObjectIdentifier(query)] }

    // MARK: Watching

    /// Begins to remember what changes in a query, for one who watches it from this commit on.
    mutating func begin(_ query: LiveQuery, at offset: TxOffset) {
        guard options.queryLimit > 0, !query.template.joinsEvents else { return }
        if let known = self[query] {
            known.watchers += 1
            return
        }
        let history = QueryHistory(at: offset)
        history.watchers = 1
        byQuery[ObjectIdentifier(query)] = history
        // So that it is needed, and no other gets its identity.
        query.joiningCount += 1
    }

    /// One who watched a query does so no more.
    mutating func end(_ query: LiveQuery) {
        guard let history = self[query] else { return }
        history.watchers -= 1
        if history.isUnneeded { drop(query) }
    }

    /// Remembers what a commit has changed in a query.
    mutating func append(_ delta: SharedDelta, at offset: TxOffset, to query: LiveQuery) {
        // What an event table had is not there any more.
        guard let history = self[query], !query.template.schema.isEvent else { return }
        history.append(delta, at: offset)
        order.append(history)
        changeCount += 1
        byteCount += Self.byteCount(of: delta)
        while changeCount > options.changeLimit || byteCount > options.byteLimit, first < order.count { dropOldest() }
    }

    /// With what it takes to say it to clients, which is kept beside it.
    private static func byteCount(of delta: SharedDelta) -> Int { delta.byteCount * 2 + overheadByteCount }

    private mutating func dropOldest() {
        if let change = order[first].removeFirst() { forget(change) }
        first += 1
        if first >= 64, first * 2 >= order.count {
            order.removeFirst(first)
            first = 0
        }
    }

    private mutating func forget(_ change: QueryHistory.Change) {
        changeCount -= 1
        if let delta = change.delta { byteCount -= Self.byteCount(of: delta) }
    }

    /// Forgets what changed in a query.
    mutating func drop(_ query: LiveQuery) {
        guard let history = byQuery.removeValue(forKey: ObjectIdentifier(query)) else { return }
        query.joiningCount -= 1
        if history.absent > 0 {
            absentQueryCount -= 1
            history.absent = 0
        }
        while let change = history.removeFirst() { forget(change) }
        // Their places in the order stay until they come to the front; queries that come and go would fill it.
        if order.count - first > changeCount * 2 + 64 {
            order = order[first...].filter { $0.count > 0 }
            first = 0
        }
    }

    // MARK: Clients that are gone

    /// Has what a client watched kept up to date, although it is gone.
    mutating func keep(_ queries: [LiveQuery], _ views: [ViewInstance]) {
        let kept = queries.compactMap { query in self[query].map { (query: query, history: $0) } }
        if kept.isEmpty { return }
        for (_, history) in kept {
            if history.absent == 0 { absentQueryCount += 1 }
            history.absent += 1
        }
        for view in views { view.users += 1 }
        absentReferences += kept.count
        absences.append(Absence(queries: kept, views: views))
    }

    /// Lets go of what is kept for clients that were gone too long, or are too many.
    ///
    /// - Parameter now: the time; nil if only their number matters.
    /// - Returns: queries that may be needed no more.
    mutating func expire(at now: Int64?) -> [LiveQuery] {
        var released: [LiveQuery] = []
        if let now {
            let end = now + options.window.microseconds
            for position in absences.indices.dropFirst(firstAbsence).reversed() {
                guard absences[position].end == nil else { break }
                absences[position].end = end
            }
        }
        while firstAbsence < absences.count {
            let oldest = absences[firstAbsence]
            let isOver = if let now, let end = oldest.end { end <= now } else { false }
            let isTooMuch =
                absentQueryCount > options.queryLimit
                || absentReferences > options.queryLimit * Self.referencesPerQuery
            guard isOver || isTooMuch else { break }
            firstAbsence += 1
            release(oldest)
            released += oldest.queries.map(\.query)
        }
        if firstAbsence == absences.count {
            absences.removeAll()
            firstAbsence = 0
        } else if firstAbsence >= 64, firstAbsence * 2 >= absences.count {
            absences.removeFirst(firstAbsence)
            firstAbsence = 0
        }
        return released
    }

    private mutating func release(_ absence: Absence) {
        absentReferences -= absence.queries.count
        for view in absence.views { view.users -= 1 }
        // One that was dropped, since the query could not be followed any more, has none.
        for (query, history) in absence.queries where history.absent > 0 {
            history.absent -= 1
            if history.absent == 0 { absentQueryCount -= 1 }
            if history.isUnneeded { drop(query) }
        }
    }
}

extension Duration {
    fileprivate var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        // Longer than any clock goes.
        return overflow || product > 1 << 60 ? 1 << 60 : product + attoseconds / 1_000_000_000_000
    }
}
