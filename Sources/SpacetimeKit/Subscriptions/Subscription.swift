import SpacetimeHost
import SpacetimeSATS
import Synchronization

/// The changes of a query, as they are committed.
///
/// The first element holds the rows as they were when the subscription began; then there is one element per commit that
/// changed the query's rows, in commit order, without gap or overlap.
///
/// ```swift
/// for try await change in try await db.subscribe(Message.where { $0.room == "lobby" }) {
///     for message in change.inserted { print(message.text) }
/// }
/// ```
///
/// A reader that falls behind is never waited for. When its buffer is full, the sequence ends, after what was buffered,
/// with ``DatabaseError/Code/subscriptionOverflow``. It ends in the same way with ``DatabaseError/Code/closed`` when the
/// database is closed or its last reference is dropped, and with ``DatabaseError/Code/writesRefused`` if the log has
/// failed; and without an error if the rows cannot change, because the database was opened as of an offset. The
/// subscription ends when its last reference is dropped. With several readers each change goes to one of them.
public final class Subscription<Row: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Change<Row>
    public typealias Failure = any Error

    /// 1,024 changes.
    public static var defaultBufferLimit: Int { 1024 }

    private let watch: QueryWatch
    private let decode: RowDecoder<Row>
    /// True once a reader was told why the sequence has ended.
    private let isOver = Atomic(false)

    init(_ watch: QueryWatch, _ decode: @escaping RowDecoder<Row>) {
        self.watch = watch
        self.decode = decode
    }

    deinit { cancel() }

    /// False once it was cancelled, or has ended by itself; what was buffered before that can still be read.
    public var isActive: Bool { watch.isActive }

    /// What the query has cost since somebody first watched it, how many share it, and how it is answered. Takes the database's lock
    /// for a moment.
    ///
    /// - Throws: ``DatabaseError`` with code `closed` if the subscription has ended, `nestedTransaction` inside a reducer.
    public func cost() throws -> SubscriptionCost { try watch.cost() }

    /// Ends the subscription: no more changes are delivered, and the sequence is over. May be called from anywhere, and
    /// waits for nobody.
    public func cancel() { watch.cancel() }

    /// A change that is already there, without waiting for one: for tests, and for programs that look once per frame.
    public func nextAvailable() -> Change<Row>? {
        if isOver.load(ordering: .relaxed) { return nil }
        guard let event = watch.queue.nextAvailable() else { return nil }
        if let reason = watch.end(event) {
            // For the reader who awaits the end, as it tells why.
            watch.keep(reason)
            return nil
        }
        return Change(event, decode)
    }

    private func next() async throws -> Change<Row>? {
        if let reason = watch.takeEnd() { return try end(reason) }
        guard let event = await watch.queue.next() else { return nil }
        if let reason = watch.end(event) { return try end(reason) }
        return Change(event, decode)
    }

    private func end(_ reason: SubscriptionEnd) throws -> Change<Row>? {
        isOver.store(true, ordering: .relaxed)
        if let error = watch.error(reason) { throw error }
        return nil
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        // The whole subscription, which would end with its last reference.
        let subscription: Subscription

        public mutating func next() async throws -> Change<Row>? {
            try await subscription.next()
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Change<Row>? {
            try await subscription.next()
        }
    }
}
