package import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// Ends a subscription when asked to.
package final class SubscriptionToken: Sendable {
    private let end: @Sendable () -> Void

    init(_ end: @escaping @Sendable () -> Void) { self.end = end }

    /// Nothing that is committed after this returns is delivered. Safe to call more than once and from anywhere, also from
    /// inside a transaction; waits for nobody.
    package func cancel() { end() }
}

/// Clients watching queries.
///
/// `Sendable` is unchecked: the queries are touched with the database's lock held only, but for what they allow otherwise.
package final class Subscriptions: @unchecked Sendable {
    private let runner: TransactionRunner
    private let queries: LiveQueries

    init(_ runner: TransactionRunner, _ queries: LiveQueries) {
        self.runner = runner
        self.queries = queries
    }

    /// Subscribes to the rows of a table that meet a predicate.
    ///
    /// The sink first gets the rows as they are now, then one update per commit that changes them: evaluating and
    /// registering are one step under the lock, so there is neither a gap nor an overlap.
    ///
    /// - Throws: `noSuchTable` if there is none that the caller may read.
    package func subscribe(
        _ table: TableID, where predicate: RowPredicate, as caller: Caller, sink: any QuerySink
    ) throws(DatabaseError) -> SubscriptionToken {
        try runner.acquire()
        return try subscribeAndRelease(table, predicate, caller, sink)
    }

    /// Subscribes to the rows of a table that meet a predicate. Suspends while others have the lock.
    package func subscribe(
        _ table: TableID, where predicate: RowPredicate, as caller: Caller, sink: any QuerySink
    ) async throws(DatabaseError) -> SubscriptionToken {
        try await runner.takingLock {
            Result { () throws(DatabaseError) in try subscribeAndRelease(table, predicate, caller, sink) }
        }.get()
    }

    private func subscribeAndRelease(
        _ table: TableID, _ predicate: RowPredicate, _ caller: Caller, _ sink: any QuerySink
    ) throws(DatabaseError) -> SubscriptionToken {
        let query: LiveQueries.Query
        do throws(DatabaseError) { query = try register(table, predicate, caller, sink) } catch {
            runner.release()
            throw error
        }
        runner.release()
        queries.deliver()
        // The query is not Sendable; it goes back only to code that holds the lock.
        nonisolated(unsafe) let registered = query
        return SubscriptionToken { [weak self, weak sink] in
            guard let self, let sink else { return }
            self.unsubscribe(sink, from: registered)
        }
    }

    private func register(
        _ table: TableID, _ predicate: RowPredicate, _ caller: Caller, _ sink: any QuerySink
    ) throws(DatabaseError) -> LiveQueries.Query {
        let refusal = runner.state.pointee.refusal
        if let refusal, refusal.code == .closed { throw refusal }
        let schema = try runner.catalog.facts(of: table).schema
        guard runner.catalog.isReadable(table, by: caller) else { throw Catalog.noReadableTable(schema.name) }
        do throws(EngineError) {
            let query = try queries.query(table, predicate, schema: schema)
            var rows = RowBatch()
            // Rows of event tables exist only while they are delivered.
            if !schema.isEvent {
                let scan = try runner.search.scan(table, where: predicate)
                scan.forEach { rows.append($0) }
            }
            let initial = QueryUpdate(
                isInitial: true, offset: TxOffset(runner.state.pointee.nextOffset &- 1), deletes: RowBatch(),
                inserts: rows, keys: nil)
            let end = refusal.map { $0.code == .readOnly ? SubscriptionEnd.complete : .failed(runner.writesRefused()) }
            queries.add(sink, to: query, beginningWith: initial, end: end)
            return query
        } catch {
            throw DatabaseError(error)
        }
    }

    private func unsubscribe(_ sink: any QuerySink, from query: LiveQueries.Query) {
        // Inside a transaction, or while another thread is in one, the sink is only noted. It counts as cancelled already,
        // and whoever has the lock next removes it.
        guard (try? runner.acquireIfFree(toWrite: false)) == true else { return queries.removeLater(sink, from: query) }
        queries.remove(sink, from: query)
        runner.release()
    }

    /// The number of distinct queries that are being watched.
    package func queryCount() throws(DatabaseError) -> Int {
        try runner.acquire()
        defer { runner.release() }
        return queries.count
    }
}
