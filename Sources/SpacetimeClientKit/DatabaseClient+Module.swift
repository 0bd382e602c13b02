public import SpacetimeClient
import SpacetimeHost
public import SpacetimeKit
public import SpacetimeSATS

extension DatabaseClient {
    // MARK: Calls

    /// Calls a reducer of a module that the program shares with the server, and waits until it was carried out. The cache has what
    /// it changed by then.
    ///
    /// ```swift
    /// try await client.call(Chat.send, "lobby", "hello")
    /// ```
    ///
    /// - Parameters:
    ///   - reducer: a reducer of the module.
    ///   - arguments: its arguments; the compiler checks number and types.
    /// - Throws: `SenderError` with the module's text if the reducer threw; `ClientError` if it
    ///   could not be called, or if it is not known whether it was carried out. `CancellationError` if the task is cancelled; the
    ///   call goes on.
    public func call<Definition: ModuleDefinition, each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument
    ) async throws {
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        do { try await call(wireName(reducer.name), arguments: writer.toArray()) } catch {
            throw Self.moduleError(error)
        }
    }

    /// Calls a reducer without waiting for it: for loops that must not. What becomes of it is told to `completion`, with the
    /// other callbacks.
    ///
    /// - Parameters:
    ///   - reducer: a reducer of the module.
    ///   - arguments: its arguments.
    ///   - completion: is told what `call` would throw.
    /// - Throws: `ClientError` if the call cannot be sent.
    public func post<Definition: ModuleDefinition, each Argument: SpacetimeType>(
        _ reducer: Reducer<Definition, repeat each Argument>, _ arguments: repeat each Argument,
        completion: (@Sendable (Result<Void, any Error>) -> Void)? = nil
    ) throws {
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        try post(wireName(reducer.name), arguments: writer.toArray()) { outcome in
            completion?(outcome.mapError { Self.moduleError($0) })
        }
    }

    /// Calls a procedure of a module that the program shares with the server, and waits for what it returns.
    ///
    /// - Parameters:
    ///   - procedure: a procedure of the module.
    ///   - arguments: its arguments; the compiler checks number and types.
    /// - Throws: `ClientError`; see the form for reducers.
    public func call<Definition: ModuleDefinition, Value: SpacetimeType, each Argument: SpacetimeType>(
        _ procedure: Procedure<Definition, Value, repeat each Argument>, _ arguments: repeat each Argument
    ) async throws -> Value {
        var writer = BSATNWriter()
        repeat (each arguments).encode(to: &writer)
        return try await callProcedure(wireName(procedure.name), arguments: writer.toArray(), returning: Value.self)
    }

    /// What the module threw is what its callers know; everything else is the client's.
    static func moduleError(_ error: any Error) -> any Error {
        guard let error = error as? ClientError, error.code == .rejected else { return error }
        return SenderError(error.message)
    }

    // MARK: Queries

    /// Watches queries, and waits until the rows are in the cache.
    ///
    /// ```swift
    /// try await client.subscribe(Message.where { $0.room == "lobby" }, User.all)
    /// ```
    ///
    /// - Parameters:
    ///   - first: a query for whole rows of one table, which semijoins may narrow, or a window of them, or a view.
    ///   - rest: others. All are added at one point between two transactions, or none.
    /// - Returns: what the watching is ended with.
    /// - Throws: `DatabaseError` with the code `notPossible` if a query cannot be said in SQL;
    ///   `ClientError` with the code `subscription` if the server refuses one; `CancellationError`, after which
    ///   they are not watched.
    @discardableResult
    public func subscribe<First: QueryConvertible, each Rest: QueryConvertible>(
        _ first: First, _ rest: repeat each Rest
    ) async throws -> ClientSubscription {
        let subscription = try beginSubscribing(first, repeat each rest)
        do { try await subscription.applied() } catch {
            subscription.cancel()
            throw error
        }
        return subscription
    }

    /// Watches queries, without waiting for the rows: for loops that must not, and before there is a connection.
    ///
    /// - Parameters:
    ///   - first: a query for whole rows of one table.
    ///   - rest: others.
    /// - Throws: `DatabaseError` if a query cannot be said in SQL, `ClientError` if they cannot
    ///   be sent.
    public func beginSubscribing<First: QueryConvertible, each Rest: QueryConvertible>(
        _ first: First, _ rest: repeat each Rest
    ) throws -> ClientSubscription {
        var texts = [try first.sqlText()]
        for query in repeat each rest { texts.append(try query.sqlText()) }
        return try beginSubscribing(texts)
    }

    /// Asks for rows once, without watching them.
    ///
    /// - Parameter query: a query for whole rows of one table. A row that a semijoin finds through several others is there once.
    /// - Throws: `DatabaseError` with the code `notPossible` if the query cannot be said in SQL;
    ///   `ClientError` with the server's text, or because the rows are something else.
    public func query<Row: TableRow>(_ query: some QueryConvertible<Row>) async throws -> [Row] {
        let rows = try await self.query(try query.sqlText(), as: Row.self)
        if query._draft.isOfOneTable { return rows }
        var seen: Set<[UInt8]> = []
        return rows.filter { seen.insert($0.bsatn()).inserted }
    }

    // MARK: Tables

    /// The rows of a table that are in the cache. Hold on to it where it is read often.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several, or the view that returns such rows; by default the type's own.
    public func table<Row: TableRow>(_ row: Row.Type, in name: String? = nil) -> CachedTable<Row> {
        table(TableDescription(row, in: name))
    }

    /// Has `body` called with each row that was not in the cache before, and each of an event table.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default the type's own.
    ///   - body: is called with the other callbacks.
    @discardableResult
    public func onInsert<Row: TableRow>(
        _ row: Row.Type, in name: String? = nil, _ body: @escaping @Sendable (Row) -> Void
    ) -> ChangeListener { onInsert(TableDescription(row, in: name), body) }

    /// Has `body` called with each row that is in the cache no more, and was not replaced by one of the same primary key.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default the type's own.
    ///   - body: is called with the other callbacks.
    @discardableResult
    public func onDelete<Row: TableRow>(
        _ row: Row.Type, in name: String? = nil, _ body: @escaping @Sendable (Row) -> Void
    ) -> ChangeListener { onDelete(TableDescription(row, in: name), body) }

    /// Has `body` called with each row that was replaced by one of the same primary key, and with that one.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default the type's own.
    ///   - body: is called with the other callbacks.
    @discardableResult
    public func onUpdate<Row: TableRow>(
        _ row: Row.Type, in name: String? = nil, _ body: @escaping @Sendable (_ old: Row, _ new: Row) -> Void
    ) -> ChangeListener { onUpdate(TableDescription(row, in: name), body) }

    /// Has `body` called with all that a message changed in a table.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default the type's own.
    ///   - body: is called with the other callbacks.
    @discardableResult
    public func onChange<Row: TableRow>(
        _ row: Row.Type, in name: String? = nil, _ body: @escaping @Sendable (RowChanges<Row>) -> Void
    ) -> ChangeListener { onChange(TableDescription(row, in: name), body) }

    /// The changes of a table, a message at a time. The first element has the rows that are in the cache now as inserted.
    ///
    /// - Parameters:
    ///   - row: the row type.
    ///   - name: which table, if the type has several; by default the type's own.
    ///   - bufferLimit: how many elements may wait for the reader.
    public func changes<Row: TableRow>(
        of row: Row.Type, in name: String? = nil, bufferLimit: Int = 1_024
    ) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        changes(of: TableDescription(row, in: name), bufferLimit: bufferLimit)
    }

    /// Watches a query for as long as the sequence is read, and gives the changes of its table, a message at a time.
    ///
    /// ```swift
    /// for try await change in client.changes(of: Message.where { $0.room == "lobby" }) {
    ///     for message in change.inserted { print(message.text) }
    /// }
    /// ```
    ///
    /// Of a query with conditions on one table the rows are those that meet them, whatever else the client watches: a row that comes
    /// to meet them is inserted. Of windows and semijoins, which need more than one row to be decided, rows that other
    /// subscriptions deliver are among them.
    ///
    /// - Parameters:
    ///   - query: a query for whole rows of one table.
    ///   - bufferLimit: how many elements may wait for the reader.
    public func changes<Row: TableRow>(
        of query: some QueryConvertible<Row>, bufferLimit: Int = 1_024
    ) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        changes(of: query, bufferLimit: bufferLimit, marksFirstRows: false)
    }

    /// - Parameter marksFirstRows: whether an element without any row follows when all first rows have come.
    func changes<Row: TableRow>(
        of query: some QueryConvertible<Row>, bufferLimit: Int, marksFirstRows: Bool
    ) -> AsyncThrowingStream<RowChanges<Row>, any Error> {
        let text: String
        let filter: (@Sendable (UnsafeRawBufferPointer) -> Bool)?
        do {
            text = try query.sqlText()
            if let test = try RowTest(query) {
                filter = { @Sendable row in test.matches(row) }
            } else {
                filter = nil
            }
        } catch { return AsyncThrowingStream { $0.finish(throwing: error) } }
        let table = TableDescription<Row>(Row.self, in: query._draft.otherTable)
        return changes(
            of: table, subscribingTo: [text], bufferLimit: bufferLimit, filter: filter, marksFirstRows: marksFirstRows)
    }
}
