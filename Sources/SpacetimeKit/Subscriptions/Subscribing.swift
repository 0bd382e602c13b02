import SpacetimeEngine
public import SpacetimeHost
import SpacetimeSATS

extension Database {
    /// Watches a query as an asynchronous sequence, as the owner: of private tables, too.
    ///
    /// Blocks the thread while a reducer runs; in an `async` function the form that suspends is taken.
    ///
    /// - Parameters:
    ///   - query: which rows, such as `Message.where { $0.room == "lobby" }` or `Message.all`; see ``Query``.
    ///   - bufferLimit: how many changes may wait to be read. With one more the sequence ends with an error, after what
    ///     waits.
    /// - Throws: ``DatabaseError`` with code `noSuchTable` if the module has no table of these rows, `nestedTransaction`
    ///   inside a reducer or a read, `closed` after ``close()``.
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = Subscription<Row>.defaultBufferLimit
    ) throws -> Subscription<Row> {
        try core.subscription(query, bufferLimit, as: core.owner)
    }

    /// Watches a query as an asynchronous sequence, as the owner. Suspends while a reducer runs.
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = Subscription<Row>.defaultBufferLimit
    ) async throws -> Subscription<Row> {
        try await core.subscription(query, bufferLimit, as: core.owner)
    }

    /// Watches a query by closures, as the owner: of private tables, too.
    ///
    /// `onChange` is first called with the rows as they are, before this returns unless another thread is delivering
    /// at the time. Then it is called once per commit that changed the query's rows: in commit order, one call at a
    /// time, never while the database is locked, so it may itself read and call reducers; what those change is
    /// delivered after it returns. It should be quick: the thread that committed is waiting.
    ///
    /// - Parameters:
    ///   - query: which rows, such as `Message.where { $0.room == "lobby" }` or `Message.all`.
    ///   - bufferLimit: how many changes may wait for the closure while other subscribers are called. With one more the
    ///     observer ends, after what waits.
    ///   - onChange: takes the rows as they are, then one change per commit.
    ///   - onEnd: called once if it ends without having been cancelled: with the reason, or with nil if the rows cannot
    ///     change any more.
    /// - Throws: as the other forms.
    @discardableResult
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = QueryObserver.defaultBufferLimit,
        onChange: @escaping @Sendable (Change<Row>) -> Void,
        onEnd: @escaping @Sendable (DatabaseError?) -> Void = { _ in }
    ) throws -> QueryObserver {
        try core.observer(query, CallbackOutlet(limit: bufferLimit, query._decode, onChange, onEnd), as: core.owner)
    }

    /// Watches a query by closures, as the owner. Suspends while a reducer runs.
    @discardableResult
    public func subscribe<Row>(
        _ query: some QueryConvertible<Row>, bufferLimit: Int = QueryObserver.defaultBufferLimit,
        onChange: @escaping @Sendable (Change<Row>) -> Void,
        onEnd: @escaping @Sendable (DatabaseError?) -> Void = { _ in }
    ) async throws -> QueryObserver {
        try await core.observer(
            query, CallbackOutlet(limit: bufferLimit, query._decode, onChange, onEnd), as: core.owner)
    }
}

extension DatabaseCore {
    static var onlySet: QuerySetID { QuerySetID(0) }

    func subscription<Row>(
        _ query: some QueryConvertible<Row>, _ bufferLimit: Int, as caller: Caller
    ) throws(DatabaseError) -> Subscription<Row> {
        let session = Session(caller, outlet: nil, queueLimit: bufferLimit)
        try sessions.subscribe(session, to: Self.onlySet, [SessionQuery(try catalog.bound(query._draft, by: caller))])
        return Subscription(QueryWatch(session, in: sessions, limit: bufferLimit), query._decode)
    }

    func subscription<Row>(
        _ query: some QueryConvertible<Row>, _ bufferLimit: Int, as caller: Caller
    ) async throws(DatabaseError) -> Subscription<Row> {
        let session = Session(caller, outlet: nil, queueLimit: bufferLimit)
        try await sessions.subscribe(
            session, to: Self.onlySet, [SessionQuery(try catalog.bound(query._draft, by: caller))])
        return Subscription(QueryWatch(session, in: sessions, limit: bufferLimit), query._decode)
    }

    func observer(
        _ query: some QueryConvertible, _ outlet: CallbackOutlet, as caller: Caller
    ) throws(DatabaseError) -> QueryObserver {
        let session = Session(caller, outlet: outlet, queueLimit: outlet.limit)
        try sessions.subscribe(session, to: Self.onlySet, [SessionQuery(try catalog.bound(query._draft, by: caller))])
        return QueryObserver(QueryWatch(session, in: sessions, limit: outlet.limit))
    }

    func observer(
        _ query: some QueryConvertible, _ outlet: CallbackOutlet, as caller: Caller
    ) async throws(DatabaseError) -> QueryObserver {
        let session = Session(caller, outlet: outlet, queueLimit: outlet.limit)
        try await sessions.subscribe(
            session, to: Self.onlySet, [SessionQuery(try catalog.bound(query._draft, by: caller))])
        return QueryObserver(QueryWatch(session, in: sessions, limit: outlet.limit))
    }
}
