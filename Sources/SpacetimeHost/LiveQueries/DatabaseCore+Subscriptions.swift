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

extension DatabaseCore {
    /// Subscribes to the rows of a table that meet a predicate.
    ///
    /// The sink first gets the rows as they are now, then one update per commit that changes them: evaluating and
    /// registering are one step under the lock, so there is neither a gap nor an overlap.
    ///
    /// - Throws: `noSuchTable` if there is none that the caller may read.
    package func subscribe(
        _ table: TableID, where predicate: RowPredicate, as caller: Caller, sink: any QuerySink
    ) throws(DatabaseError) -> SubscriptionToken {
        try acquire()
        return try subscribeAndRelease(table, predicate, caller, sink)
    }

    /// The same for tasks: it suspends while others have the lock.
    package func subscribe(
        _ table: TableID, where predicate: RowPredicate, as caller: Caller, sink: any QuerySink
    ) async throws(DatabaseError) -> SubscriptionToken {
        if try !acquireIfFree() {
            await lockSuspending()
            adoptLock()
        }
        return try subscribeAndRelease(table, predicate, caller, sink)
    }

    private func subscribeAndRelease(
        _ table: TableID, _ predicate: RowPredicate, _ caller: Caller, _ sink: any QuerySink
    ) throws(DatabaseError) -> SubscriptionToken {
        let query: LiveQueries.Query
        do throws(DatabaseError) { query = try register(table, predicate, caller, sink) } catch {
            release()
            throw error
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

    private func register(
        _ table: TableID, _ predicate: RowPredicate, _ caller: Caller, _ sink: any QuerySink
    ) throws(DatabaseError) -> LiveQueries.Query {
        let refusal = state.pointee.refusal
        if let refusal, refusal.code == .closed { throw refusal }
        guard let schema = tableFacts[table]?.schema else { throw DatabaseError(.noSuchTable("#\(table.rawValue)")) }
        guard isReadable(table, by: caller) else { throw Self.noReadableTable(schema.name) }
        liveQueries.removeDeparted()
        do throws(EngineError) {
            let query = try liveQueries.query(table, predicate, schema: schema)
            var rows = RowBatch()
            // Rows of event tables exist only while they are delivered.
            if !schema.isEvent {
                let scan = try self.scan(table, where: predicate)
                scan.forEach { rows.append($0) }
            }
            let initial = QueryUpdate(
                isInitial: true, offset: TxOffset(state.pointee.nextOffset &- 1), deletes: RowBatch(), inserts: rows,
                keys: nil)
            guard sink.reserve() else {
                outbox.append(.overflow, of: [sink])
                return query
            }
            outbox.append(initial, to: [sink])
            if let refusal {
                outbox.append(refusal.code == .readOnly ? .complete : .failed(writesRefused()), of: [sink])
            } else {
                liveQueries.add(sink, to: query)
            }
            return query
        } catch {
            throw DatabaseError(error)
        }
    }

    /// True if the caller may read the table: a private one is for the owner. To others it is as if it were not there.
    /// Needs no lock.
    package func isReadable(_ table: TableID, by caller: Caller) -> Bool {
        guard let schema = tableFacts[table]?.schema else { return false }
        return schema.access == .public || caller.identity == owner.identity
    }

    /// What a client hears of a table that does not exist, and of one that it may not read.
    package static func noReadableTable(_ name: String) -> DatabaseError {
        DatabaseError(
            .noSuchTable,
            "there is no table '\(name)' for clients; check that the module lists it and that it is public: @Table(.public)"
        )
    }

    private func unsubscribe(_ sink: any QuerySink, from query: LiveQueries.Query) {
        // Inside a transaction, or while another thread is in one, the sink is only noted. It counts as cancelled already,
        // and whoever has the lock next removes it.
        guard (try? acquireIfFree()) == true else { return liveQueries.removeLater(sink, from: query) }
        liveQueries.remove(sink, from: query)
        release()
    }

    /// Refuses writes from now on, and ends all subscriptions, to be delivered once the lock is released: nothing would
    /// ever come. With the lock held.
    func refuseWrites(_ reason: DatabaseError, telling end: SubscriptionEnd) {
        if state.pointee.refusal == nil { state.pointee.refusal = reason }
        scheduler?.stop()
        outbox.append(end, of: liveQueries.removeAll())
    }

    /// The number of distinct queries that are being watched.
    package func liveQueryCount() throws(DatabaseError) -> Int {
        try acquire()
        defer { release() }
        liveQueries.removeDeparted()
        return liveQueries.count
    }
}
