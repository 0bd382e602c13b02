public import SpacetimeSATS
import Synchronization

extension DatabaseClient {
    /// The rows of a table that are in the cache. The first use of a description makes the indexes that it asks for.
    public func table<Row: SpacetimeType>(_ description: TableDescription<Row>) -> CachedTable<Row> {
        engine.state.withLock { $0.core.cache.describe(description.layout) }
        return CachedTable(engine: engine, description: description)
    }

    // MARK: Callbacks

    /// Has `body` called with each row that was not in the cache before, and each of an event table.
    ///
    /// Rows that are no `Row` are passed over; ``ClientOptions/onProblem`` is told.
    @discardableResult
    public func onInsert<Row: SpacetimeType>(
        _ table: TableDescription<Row>, _ body: @escaping @Sendable (Row) -> Void
    ) -> ChangeListener {
        onRows(of: table) { (changes) throws(BSATNError) in
            for row in try changes.inserted.decoded(as: Row.self) { body(row) }
        }
    }

    /// Has `body` called with each row that is in the cache no more, and was not replaced by one of the same primary key.
    @discardableResult
    public func onDelete<Row: SpacetimeType>(
        _ table: TableDescription<Row>, _ body: @escaping @Sendable (Row) -> Void
    ) -> ChangeListener {
        onRows(of: table) { (changes) throws(BSATNError) in
            for row in try changes.deleted.decoded(as: Row.self) { body(row) }
        }
    }

    /// Has `body` called with each row that was replaced by one of the same primary key, and with that one.
    @discardableResult
    public func onUpdate<Row: SpacetimeType>(
        _ table: TableDescription<Row>, _ body: @escaping @Sendable (_ old: Row, _ new: Row) -> Void
    ) -> ChangeListener {
        onRows(of: table) { (changes) throws(BSATNError) in
            let old = try changes.updated.old.decoded(as: Row.self)
            let new = try changes.updated.new.decoded(as: Row.self)
            for (old, new) in zip(old, new) { body(old, new) }
        }
    }

    /// Has `body` called with all that a message changed in a table.
    @discardableResult
    public func onChange<Row: SpacetimeType>(
        _ table: TableDescription<Row>, _ body: @escaping @Sendable (RowChanges<Row>) -> Void
    ) -> ChangeListener {
        onRows(of: table) { (changes) throws(BSATNError) in body(try RowChanges(changes)) }
    }

    private func onRows<Row: SpacetimeType>(
        of table: TableDescription<Row>, _ body: @escaping @Sendable (TableChanges) throws(BSATNError) -> Void
    ) -> ChangeListener {
        let onProblem = engine.options.onProblem
        return engine.listen(
            to: table.layout,
            tell: { changes in
                do throws(BSATNError) { try body(changes) } catch {
                    onProblem?(ClientError(undecodable: error, table: changes.table, as: Row.self))
                }
            })
    }

    // MARK: Sequences

    /// The changes of a table, a message at a time. The first element has the rows that are in the cache now as inserted.
    ///
    /// ```swift
    /// for try await changes in client.changes(of: messages) {
    ///     for message in changes.inserted { print(message.text) }
    /// }
    /// ```
    ///
    /// It ends with the client, and throws ``ClientError/Code/fellBehind`` if it is read so slowly that more than `bufferLimit`
    /// elements wait, and ``ClientError/Code/undecodable`` if a row is no `Row`.
    public func changes<Row: SpacetimeType>(
        of table: TableDescription<Row>, bufferLimit: Int = 1_024
    ) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        changes(of: table, subscribingTo: [], bufferLimit: bufferLimit)
    }

    /// Watches queries for as long as the sequence is read, and gives the changes of one table, a message at a time. The first
    /// element has the rows that are in the cache already as inserted, the next one those that the queries bring along.
    ///
    /// Rows that other subscriptions deliver are among them: a client has one cache. Throws ``ClientError/Code/subscription``,
    /// too, if the server refuses a query.
    public func changes<Row: SpacetimeType>(
        of table: TableDescription<Row>, subscribingTo queries: String..., bufferLimit: Int = 1_024
    ) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        changes(of: table, subscribingTo: queries, bufferLimit: bufferLimit)
    }

    /// - Parameters:
    ///   - filter: which rows the reader is interested in; nil for all.
    ///   - marksFirstRows: whether an element without any row follows when all first rows of the queries have come.
    package func changes<Row: SpacetimeType>(
        of table: TableDescription<Row>, subscribingTo queries: [String], bufferLimit: Int,
        filter: (@Sendable (UnsafeRawBufferPointer) -> Bool)? = nil, marksFirstRows: Bool = false
    ) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(
            of: RowChanges<Row>.self, throwing: (any Error).self, bufferingPolicy: .bufferingOldest(max(1, bufferLimit))
        )
        // Without queries it is enough to end behind the rows that there are.
        if !queries.isEmpty, engine.state.withLock({ $0.core.phase == .ended }) {
            continuation.finish(
                throwing: ClientError(.disconnected, "the client is disconnected; connect another one"))
            return stream
        }
        let give: @Sendable (TableChanges) -> Void = { changes in
            let changes = filter.map { changes.filtered(by: $0) } ?? changes
            if changes.count == 0 { return }
            do throws(BSATNError) {
                guard case .dropped = continuation.yield(try RowChanges(changes)) else { return }
                continuation.finish(
                    throwing: ClientError(
                        .fellBehind,
                        "\(bufferLimit) changes of table \(changes.table) were not read; read faster, or raise the limit"
                    ))
            } catch {
                continuation.finish(throwing: ClientError(undecodable: error, table: changes.table, as: Row.self))
            }
        }
        let listener = engine.listen(
            to: table.layout,
            first: { cache in
                var present = TableChanges(table: table.name)
                cache.copyRows(into: &present)
                if !present.inserted.isEmpty { give(present) }
            },
            end: { continuation.finish(throwing: $0) }, tell: give)
        var watched: UInt32?
        if !queries.isEmpty {
            do throws(ClientError) {
                watched = try engine.subscribe(queries) { continuation.finish(throwing: $0) }
            } catch {
                listener.cancel()
                continuation.finish(throwing: error)
                return stream
            }
        }
        let engine = engine
        if marksFirstRows, let watched, let mark = try? RowChanges<Row>(TableChanges(table: table.name)) {
            Task {
                // Whoever waits is told behind those who hear of the rows.
                guard case .active? = try? await engine.waitForSubscription(watched, while: { $0 == .pending }) else {
                    return
                }
                continuation.yield(mark)
            }
        }
        continuation.onTermination = { [watched] _ in
            listener.cancel()
            if let watched { engine.unsubscribe(watched) }
        }
        return stream
    }
}

extension TableCache {
    /// Copies all rows, as if they had just come.
    func copyRows(into changes: inout TableChanges) {
        store.forEach { row in
            changes.inserted.append(store.bytes(of: row))
            return true
        }
    }
}
