import SpacetimeEngine
import SpacetimeHost
import SpacetimeSATS
import SpacetimeTestSupport

/// A database and its sessions.
final class SessionHost: LiveHost {
    let features: RandomQueries.Features = [.parameters, .wordless]
    private let database: TableDatabase

    init(_ schema: RandomSchema) throws { database = try TableDatabase(schema.tables) }

    var tableIDs: [TableID] { database.ids }

    func supports(_ query: TestQuery) -> Bool {
        // Conditions on the rows of one table.
        query.bound(database.ids).foldingConditions().conditions.allSatisfy {
            if case .rows = $0 { true } else { false }
        }
    }

    func connect() -> Client { Client(database) }

    /// How many distinct queries are watched.
    func queryCount() throws -> Int { try database.core.sessions.queryCount() }

    func commit(_ changes: [ModelDatabase.Change]) throws { try database.commit(changes) }

    final class Client: LiveClient {
        private let database: TableDatabase
        private let session: Session

        fileprivate init(_ database: TableDatabase) {
            self.database = database
            session = Session(database.core.owner, outlet: nil, queueLimit: 1000)
        }

        func subscribe(_ set: UInt32, to queries: [TestQuery]) throws {
            let list = queries.map { query in
                SessionQuery(
                    query.bound(database.ids).foldingConditions(), values: query.parameters.map { $0.value.bsatn() })
            }
            try database.core.sessions.subscribe(session, to: QuerySetID(set), list)
        }

        func unsubscribe(_ set: UInt32) { database.core.sessions.unsubscribe(session, from: QuerySetID(set)) }
        func leave() { database.core.sessions.end(session) }

        func pull() -> [LiveEvent] {
            var events: [LiveEvent] = []
            while let event = session.queue.nextAvailable() {
                switch event {
                case .subscribed(let first):
                    events.append(.rows(set: first.set.rawValue, first.rows.map { Self.rows($0.inserts) }))
                case .update(let update):
                    for change in update.changes {
                        events.append(
                            .change(
                                set: change.set.rawValue, query: change.query, deletes: Self.rows(change.delta.deletes),
                                inserts: Self.rows(change.delta.inserts)))
                    }
                    events.append(.endOfCommit)
                case .unsubscribed: break
                case .failed(let set, let error): events.append(.failed(set: set.rawValue, "\(error)"))
                case .ended(let end): events.append(.failed(set: 0, "\(end)"))
                }
            }
            return events
        }

        private static func rows(_ batch: RowBatch) -> [[UInt8]] {
            var rows: [[UInt8]] = []
            batch.forEach { rows.append(Array($0)) }
            return rows
        }
    }
}
