import SpacetimeEngine
import SpacetimeTestSupport

/// Keeps queries up to date by running them before and after each commit: slow, and right by definition. The driver is
/// tested with it, and with its ways of being wrong.
final class NaiveLiveHost: LiveHost {
    enum Fault: CaseIterable {
        case none
        /// A row that comes twice is told once.
        case losesMultiplicity
        /// What leaves is not told.
        case losesDeletes
        /// A row that was replaced is told as new only.
        case losesOneDelete
        /// Changes of the right tables of joins are not looked at.
        case looksAtFirstTable
        /// First rows are those before the last commit.
        case startsLate
    }

    let features: RandomQueries.Features = [
        .joins, .outerJoins, .columns, .aggregates, .windows, .arithmetic, .parameters, .wordless,
    ]
    private let fault: Fault
    private(set) var model: ModelDatabase
    private(set) var previous: ModelDatabase
    private let ids: [TableID]
    private var clients: [Client] = []

    init(_ schema: RandomSchema, fault: Fault = .none) {
        model = ModelDatabase(schema)
        previous = model
        ids = schema.tables.indices.map { TableID(UInt32($0)) }
        self.fault = fault
    }

    var tableIDs: [TableID] { ids }
    var remembersClients: Bool { false }

    func supports(_ query: TestQuery) -> Bool {
        // Whether a number fits depends on the rows.
        !"\(query)".contains("arithmetic") && !"\(query)".contains("Function.sum")
            && query.sources.allSatisfy { $0.join != .left || fault != .looksAtFirstTable }
    }

    func connect() -> Client {
        let client = Client(self)
        clients.append(client)
        return client
    }

    func commit(_ changes: [ModelDatabase.Change]) throws {
        previous = model
        for change in changes { try model.apply(change) }
        let tables = Set(changes.map(\.table))
        for client in clients { try client.tell(tables) }
    }

    fileprivate func result(_ query: TestQuery, _ model: ModelDatabase) throws -> [[UInt8]] {
        let shape = ResultShape(query, model.schema)
        return try model.evaluator(ids, parameters: query.parameters.map(\.value)).run(query.bound(ids))
            .map(shape.bytes)
    }

    final class Client: LiveClient {
        private let host: NaiveLiveHost
        private var sets: [UInt32: [TestQuery]] = [:]
        private var events: [LiveEvent] = []

        fileprivate init(_ host: NaiveLiveHost) { self.host = host }

        func subscribe(_ set: UInt32, to queries: [TestQuery], meanwhile: () -> Void) throws {
            meanwhile()
            sets[set] = queries
            let model = host.fault == .startsLate ? host.previous : host.model
            events.append(.rows(set: set, try queries.map { try host.result($0, model) }))
        }

        func unsubscribe(_ set: UInt32) { sets[set] = nil }
        func leave() { host.clients.removeAll { $0 === self } }

        func goOn(from old: Client, with sets: [(set: UInt32, queries: [TestQuery], hasRows: Bool)]) throws {
            for set in sets { try subscribe(set.set, to: set.queries) {} }
        }

        func pull() -> [LiveEvent] {
            defer { events = [] }
            return events
        }

        fileprivate func tell(_ tables: Set<Int>) throws {
            for (set, queries) in sets.sorted(by: { $0.key < $1.key }) {
                for (position, query) in queries.enumerated() {
                    if host.fault == .looksAtFirstTable, !tables.contains(query.sources[0].table) { continue }
                    var counts: [[UInt8]: Int] = [:]
                    for row in try host.result(query, host.model) { counts[row, default: 0] += 1 }
                    for row in try host.result(query, host.previous) { counts[row, default: 0] -= 1 }
                    if host.fault == .losesMultiplicity { counts = counts.mapValues { max(-1, min(1, $0)) } }
                    func rows(_ sign: Int) -> [[UInt8]] {
                        counts.flatMap { Array(repeating: $0.key, count: max(0, $0.value * sign)) }
                    }
                    var deletes = rows(-1)
                    if host.fault == .losesDeletes { deletes = [] }
                    if host.fault == .losesOneDelete { deletes = Array(deletes.dropFirst()) }
                    let inserts = rows(1)
                    if deletes.isEmpty, inserts.isEmpty { continue }
                    events.append(.change(set: set, query: position, deletes: deletes, inserts: inserts))
                }
            }
        }
    }
}
