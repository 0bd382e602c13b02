import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeSchema

/// The sets of queries that a client without a socket watches, and what it will be told when their rows are there.
struct LocalSets {
    /// Changes of what is watched, made at one point between two transactions.
    struct Step {
        var leaving: [QuerySetID] = []
        var joining: [(set: QuerySetID, queries: [SessionQuery])] = []
        /// The commits at which the client has the rows of sets that it joins again.
        var since: [QuerySetID: ResumePoint] = [:]
        /// Sets that are watched for a moment only, for the rows of one that is left.
        var shadows: [QuerySetID] = []

        func touches(_ set: UInt32) -> Bool {
            leaving.contains(QuerySetID(set)) || joining.contains { $0.set.rawValue == set }
        }
    }

    /// What a client has asked for.
    struct Answer {
        let isLeaving: Bool
        let request: UInt32
        let set: UInt32
        /// What the rows of each query are called that are no table's own.
        let names: [String]

        func encode(_ rows: SetRows, _ catalog: Catalog, to writer: inout BSATNWriter) {
            var encoder: V2.RowsEncoder =
                isLeaving
                ? .unsubscribeApplied(requestID: request, querySetID: set, in: &writer)
                : .subscribeApplied(requestID: request, querySetID: set, in: &writer)
            for (position, delta) in rows.rows.enumerated() {
                let table = LocalSets.name(of: delta, position, names, catalog)
                encoder.append(delta.inserts.bytes, ends: delta.inserts.ends, table: table, to: &writer)
            }
        }

        func failure(_ text: String) -> V2.ServerMessage {
            // A set is left, whether its rows can be found or not.
            isLeaving
                ? .unsubscribeApplied(requestID: request, querySetID: set, rows: [])
                : .subscriptionError(requestID: request, querySetID: set, message: text)
        }
    }

    private struct Watched {
        let texts: [String]
        let names: [String]
    }

    private var watched: [UInt32: Watched] = [:]
    /// By the set that the rows will name.
    private var answers: [UInt32: Answer] = [:]
    /// Sets whose rows the client was told, until it is told that they have gone: of others it hears nothing.
    private var told: [UInt32: [String]] = [:]
    /// The number of the next shadow. They go down from the top, where clients never come.
    private var nextShadow = UInt32.max

    mutating func join(
        _ set: UInt32, _ request: UInt32, _ texts: [String], _ names: [String]
    ) throws(DatabaseError) {
        guard watched[set] == nil, answers[set] == nil else {
            throw DatabaseError(.alreadySubscribed, "there is a set of queries \(set) already; choose another number")
        }
        watched[set] = Watched(texts: texts, names: names)
        answers[set] = Answer(isLeaving: false, request: request, set: set, names: names)
    }

    /// - Returns: the shadow to join, and what for; nil if there is no such set.
    mutating func leave(_ set: UInt32, _ request: UInt32) -> (shadow: UInt32, texts: [String])? {
        guard let known = watched.removeValue(forKey: set) else { return nil }
        let shadow = nextShadow
        nextShadow = nextShadow < 1 << 31 ? .max : nextShadow - 1
        answers[shadow] = Answer(isLeaving: true, request: request, set: set, names: known.names)
        return (shadow, known.texts)
    }

    /// What a client is told with rows that are there now.
    mutating func take(_ set: UInt32) -> Answer? {
        guard let answer = answers.removeValue(forKey: set) else { return nil }
        told[answer.set] = answer.isLeaving ? nil : answer.names
        return answer
    }

    /// What a client is told instead of rows.
    mutating func refused(_ set: UInt32) -> Answer? {
        guard let answer = take(set) else { return nil }
        told[answer.set] = nil
        if !answer.isLeaving { watched[set] = nil }
        return answer
    }

    /// A set cannot be kept up to date, or its first rows could not be found.
    mutating func failed(_ set: UInt32, _ text: String) -> V2.ServerMessage {
        if let answer = refused(set) { return answer.failure(text) }
        watched[set] = nil
        told[set] = nil
        return .subscriptionError(requestID: nil, querySetID: set, message: text)
    }

    /// What changed rows are called; nil for those of a set that the client does not know.
    func tableName(of change: SetChange, _ catalog: Catalog) -> String? {
        let set = change.set.rawValue
        guard let names = told[set] else { return nil }
        return Self.name(of: change.delta, change.query, names, catalog)
    }

    private static func name(
        of delta: SharedDelta, _ query: Int, _ names: [String], _ catalog: Catalog
    ) -> String {
        if let table = delta.table { return catalog.schema(of: table)?.name ?? "" }
        return names.indices.contains(query) ? names[query] : ""
    }
}
