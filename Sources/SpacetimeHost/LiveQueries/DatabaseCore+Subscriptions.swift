package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Ends a subscription when asked to.
package final class SubscriptionToken: Sendable {
    private let end: @Sendable () -> Void

    init(_ end: @escaping @Sendable () -> Void) { self.end = end }

    /// No update that is committed after this returns is delivered. Safe to call more than once, and from anywhere but
    /// the inside of a transaction, where the subscription is only marked and removed by the next commit.
    package func cancel() { end() }
}

extension DatabaseCore {
    /// Subscribes to the rows of a table that meet a predicate.
    ///
    /// The sink first gets the rows as they are now, then one update per commit that changes them: evaluating and
    /// registering are one step under the lock, so there is neither a gap nor an overlap.
    package func subscribe(
        _ table: TableID, where predicate: RowPredicate, sink: any QuerySink
    ) throws(DatabaseError) -> SubscriptionToken {
        try acquire()
        let query: LiveQueries.Query
        do throws(EngineError) {
            guard let schema = datastore.schema(of: table) else { throw .noSuchTable("#\(table.rawValue)") }
            query = try liveQueries.query(table, predicate, schema: schema)
            var rows = RowBatch()
            // Rows of event tables exist only while they are delivered.
            if !schema.isEvent {
                let scan = try self.scan(table, where: predicate)
                scan.forEach { rows.append($0) }
            }
            let initial = QueryUpdate(
                isInitial: true, offset: TxOffset(state.pointee.nextOffset &- 1), deletes: RowBatch(), inserts: rows,
                keys: nil)
            liveQueries.add(sink, to: query)
            outbox.append(Outbox.Delivery(update: initial, sinks: [sink]))
        } catch {
            release()
            throw DatabaseError(error)
        }
        release()
        outbox.drain()
        // The query is not Sendable; it goes back only to code that holds the lock.
        nonisolated(unsafe) let registered = query
        return SubscriptionToken { [weak self, weak sink] in
            guard let self, let sink else { return }
            self.unsubscribe(sink, from: registered)
        }
    }

    private func unsubscribe(_ sink: any QuerySink, from query: LiveQueries.Query) {
        // Inside a transaction the lock is taken; the sink is marked as cancelled, and the next commit drops it.
        guard (try? acquire()) != nil else { return }
        liveQueries.remove(sink, from: query)
        release()
    }

    /// The number of distinct queries that are being watched.
    package func liveQueryCount() throws(DatabaseError) -> Int {
        try acquire()
        defer { release() }
        return liveQueries.count
    }
}
