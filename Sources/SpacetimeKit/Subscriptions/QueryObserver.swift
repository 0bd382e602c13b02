import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// A query watched by a closure. It lasts until it is cancelled, falls too far behind, or the database is closed or gone,
/// whether or not anybody keeps this object.
///
/// ```swift
/// let observer = try db.subscribe(Message.all, onChange: { change in print(change.inserted) })
/// observer.cancel()
/// ```
public final class QueryObserver: Sendable {
    /// 16,384 changes.
    public static var defaultBufferLimit: Int { 16_384 }

    private let watch: QueryWatch

    init(_ watch: QueryWatch) { self.watch = watch }

    /// False once it was cancelled, or has ended by itself.
    public var isActive: Bool { watch.isActive }

    /// What the query has cost since somebody first watched it, how many share it, and how it is answered. Takes the database's lock
    /// for a moment.
    ///
    /// - Throws: as ``Subscription/cost()``.
    public func cost() throws -> SubscriptionCost { try watch.cost() }

    /// Ends it. A change that is just being delivered by another thread may still arrive. May be called from anywhere, and
    /// waits for nobody.
    public func cancel() { watch.cancel() }
}

/// Hands a session's events to closures, on the thread that committed (or on another that is delivering at the time).
final class CallbackOutlet: Session.Outlet {
    private let body: @Sendable (SessionEvent) -> Void
    private let onEnd: @Sendable (DatabaseError?) -> Void
    let limit: Int

    init<Row>(
        limit: Int, _ decode: @escaping RowDecoder<Row>, _ onChange: @escaping @Sendable (Change<Row>) -> Void,
        _ onEnd: @escaping @Sendable (DatabaseError?) -> Void
    ) {
        self.limit = max(1, limit)
        body = { event in if let change = Change<Row>(event, decode) { onChange(change) } }
        self.onEnd = onEnd
    }

    func wake(_ session: Session) {
        session.queue.drain { event in
            switch event {
            case .ended(let reason): onEnd(DatabaseError(reason, limit: limit))
            case .failed(_, let error):
                // The session has no other query.
                session.drop()
                onEnd(error)
            case .subscribed, .resumed, .unsubscribed, .update, .reply, .moduleReplaced: body(event)
            }
        }
    }
}
