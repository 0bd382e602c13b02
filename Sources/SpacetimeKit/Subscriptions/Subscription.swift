import SpacetimeHost
import SpacetimeSATS

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
public final class Subscription<Row: TableRow>: AsyncSequence, Sendable {
    public typealias Element = Change<Row>
    public typealias Failure = any Error

    /// 1,024 changes.
    public static var defaultBufferLimit: Int { 1024 }

    private let buffer: UpdateBuffer
    private let token: SubscriptionToken

    init(_ buffer: UpdateBuffer, _ token: SubscriptionToken) {
        self.buffer = buffer
        self.token = token
    }

    deinit { cancel() }

    /// False once it was cancelled, or has ended by itself; what was buffered before that can still be read.
    public var isActive: Bool { !buffer.isCancelled }

    /// Ends the subscription: no more changes are delivered, and the sequence is over. May be called from anywhere, and
    /// waits for nobody.
    public func cancel() {
        buffer.cancel()
        token.cancel()
    }

    /// A change that is already there, without waiting for one: for tests, and for programs that look once per frame.
    public func nextAvailable() -> Change<Row>? { buffer.nextAvailable().map { Change($0) } }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: self) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        // The whole subscription, which would end with its last reference.
        let subscription: Subscription

        public mutating func next() async throws -> Change<Row>? {
            try await subscription.buffer.next().map { Change($0) }
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Change<Row>? {
            try await subscription.buffer.next().map { Change($0) }
        }
    }
}
