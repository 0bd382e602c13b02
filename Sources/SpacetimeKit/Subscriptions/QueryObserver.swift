import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// A query watched by a closure. It lasts until it is cancelled, or the database is gone.
public final class QueryObserver: Sendable {
    private let sink: any QuerySink & CancellableSink
    private let token: SubscriptionToken

    init<Row: TableRow>(
        _ query: Query<Row>, core: DatabaseCore, _ onChange: @escaping @Sendable (Change<Row>) -> Void
    ) throws(DatabaseError) {
        let sink = CallbackSink { onChange(Change($0)) }
        self.sink = sink
        token = try core.subscribe(try core.table(of: Row.self), where: query.predicate, sink: sink)
    }

    /// Ends it. A change that is just being delivered by another thread may still arrive.
    public func cancel() {
        sink.cancel()
        token.cancel()
    }
}

protocol CancellableSink: AnyObject {
    func cancel()
}

/// Hands updates to a closure, on the thread that committed (or on another that is delivering at the time).
final class CallbackSink: QuerySink, CancellableSink {
    private let body: @Sendable (QueryUpdate) -> Void
    private let cancelled = Atomic(false)

    init(_ body: @escaping @Sendable (QueryUpdate) -> Void) { self.body = body }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func receive(_ update: QueryUpdate) {
        if !isCancelled { body(update) }
    }

    func cancel() { cancelled.store(true, ordering: .relaxed) }
}

extension Database {
    /// Watches a query as an asynchronous sequence.
    ///
    /// - Parameter bufferLimit: how many changes may wait to be read.
    /// - Throws: ``DatabaseError`` with code `noSuchTable` if the module has no table of these rows.
    public func subscribe<Row: TableRow>(
        _ query: Query<Row>, bufferLimit: Int = Subscription<Row>.defaultBufferLimit
    ) throws -> Subscription<Row> {
        try Subscription(query, core: core, bufferLimit: bufferLimit)
    }

    /// Watches a query by a closure.
    ///
    /// The closure is first called with the rows as they are, before this returns unless another thread is delivering
    /// at the time. Then it is called once per commit that changed the query's rows: in commit order, one call at a
    /// time, never while the database is locked, so it may itself read and call reducers; what those change is
    /// delivered after it returns. It should be quick: the thread that committed is waiting.
    @discardableResult
    public func subscribe<Row: TableRow>(
        _ query: Query<Row>, onChange: @escaping @Sendable (Change<Row>) -> Void
    ) throws -> QueryObserver {
        try QueryObserver(query, core: core, onChange)
    }
}
