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

    private let sink: CallbackSink
    private let token: SubscriptionToken

    init(_ sink: CallbackSink, _ token: SubscriptionToken) {
        self.sink = sink
        self.token = token
    }

    /// False once it was cancelled, or has ended by itself.
    public var isActive: Bool { !sink.isCancelled }

    /// Ends it. A change that is just being delivered by another thread may still arrive. May be called from anywhere, and
    /// waits for nobody.
    public func cancel() {
        sink.cancel()
        token.cancel()
    }
}

/// Hands updates to a closure, on the thread that committed (or on another that is delivering at the time).
final class CallbackSink: QuerySink {
    private let body: @Sendable (QueryUpdate) -> Void
    private let onEnd: @Sendable (DatabaseError?) -> Void
    private let limit: Int
    private let reserved = Atomic(0)
    private let cancelled = Atomic(false)

    init<Row: TableRow>(
        limit: Int, _ onChange: @escaping @Sendable (Change<Row>) -> Void,
        _ onEnd: @escaping @Sendable (DatabaseError?) -> Void
    ) {
        self.limit = max(1, limit)
        body = { onChange(Change($0)) }
        self.onEnd = onEnd
    }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func reserve() -> Bool {
        if reserved.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        reserved.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    func receive(_ update: QueryUpdate) {
        reserved.wrappingSubtract(1, ordering: .relaxed)
        if !isCancelled { body(update) }
    }

    func end(_ reason: SubscriptionEnd) {
        guard !cancelled.exchange(true, ordering: .relaxed) else { return }
        switch reason {
        case .overflow: onEnd(DatabaseError.overflow(limit))
        case .complete: onEnd(nil)
        case .failed(let error): onEnd(error)
        }
    }

    func cancel() { cancelled.store(true, ordering: .relaxed) }
}

extension DatabaseError {
    /// What a subscriber hears that fell behind.
    static func overflow(_ limit: Int) -> DatabaseError {
        DatabaseError(
            .subscriptionOverflow,
            "the subscriber fell more than \(limit) changes behind and was dropped; read faster, raise bufferLimit, "
                + "or subscribe again for the current rows")
    }
}
