/// Takes the updates of a query. Called in commit order, by one thread at a time, without the database's lock.
package protocol QuerySink: AnyObject, Sendable {
    /// Takes a place in the subscriber's queue for one update, with the database's lock held: quickly, and without calling
    /// the database. False if the queue is full. The subscriber is then dropped: it gets what is in its queue, and
    /// ``end(_:)``.
    func reserve() -> Bool

    /// Takes an update for which a place was reserved. Must not block: the thread may be the one that runs all reducers.
    func receive(_ update: QueryUpdate)

    /// No update will follow, for this reason.
    func end(_ reason: SubscriptionEnd)

    /// True once the subscriber wants no more; it is then forgotten at the next occasion.
    var isCancelled: Bool { get }
}

/// Why a subscription ended without being cancelled.
package enum SubscriptionEnd: Sendable {
    /// The subscriber fell behind further than its queue allows.
    case overflow
    /// The rows cannot change any more.
    case complete
    /// The database takes no more writes, for this reason.
    case failed(DatabaseError)
}
