/// Names a set of queries that a client subscribed to together. Chosen by the client.
package struct QuerySetID: Hashable, Sendable, Comparable {
    package let rawValue: UInt32

    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    package static func < (left: QuerySetID, right: QuerySetID) -> Bool { left.rawValue < right.rawValue }
}

/// What a client is told, in order.
package enum SessionEvent: Sendable {
    /// A set of queries is being watched from now on; these are their rows.
    case subscribed(SetRows)
    /// A set of queries is being watched again; this is what has changed in it since the client was told of it.
    case resumed(SetChanges)
    /// A set of queries is not watched any more.
    case unsubscribed(SetRows)
    /// A set of queries could not be kept up to date, and is not watched any more.
    case failed(QuerySetID, DatabaseError)
    /// What a commit changed.
    case update(SessionUpdate)
    /// What whoever serves the client has to tell it besides, in its place among the rest.
    case reply(SessionReply)
    /// The module was replaced: what comes behind it is told in the terms of this catalog. Only whoever named one when the
    /// session began is told (``Session/init(_:outlet:queueLimit:coalesces:rowLimit:catalog:)``).
    case moduleReplaced(Catalog)
    /// There is nothing behind it.
    case ended(SubscriptionEnd)
}

/// An answer that was made by whoever serves a client, in a form of its own.
package struct SessionReply: Sendable {
    package let bytes: [UInt8]
    /// The last commit that it tells of; nil if it tells of none.
    package let offset: TxOffset?
}

extension SessionEvent {
    /// The last commit that it tells of; nil if it tells of none.
    package var offset: TxOffset? {
        switch self {
        case .subscribed(let rows), .unsubscribed(let rows): rows.offset
        case .resumed(let changes): changes.offset
        case .update(let update): update.offset
        case .reply(let reply): reply.offset
        case .failed, .moduleReplaced, .ended: nil
        }
    }
}

/// The rows of a set of queries at one moment.
package struct SetRows: Sendable {
    package let set: QuerySetID
    /// The last commit that the rows include.
    package let offset: TxOffset
    /// The rows of each query as inserts, in the order of the set's queries; or, of a set that was left, as deletes. Empty if
    /// they were not asked for.
    package let rows: [SharedDelta]
}

/// What one commit changed for one client, all in one.
package struct SessionUpdate: Sendable {
    /// The commit; of a call that changed nothing, or failed, the last one before it.
    package let offset: TxOffset
    /// The client's own call that did it, if it was one; nil for what others did.
    package let call: CallResult?
    /// Ascending by set, then by query. Empty only beside a call. A row that is in two of a client's sets is in the changes of both.
    package internal(set) var changes: [SetChange]
}

/// What one commit changed for all those to whom it is the same. Their queues have references to it.
final class AlikeUpdate: Sendable {
    let update: SessionUpdate

    init(_ update: SessionUpdate) { self.update = update }
}

/// What changed in one query of a set.
package struct SetChange: Sendable {
    package let set: QuerySetID
    /// Position of the query in its set.
    package let query: Int
    package let delta: SharedDelta

    /// Whether it is the same change, told under the same number.
    @inline(__always)
    func isSame(as other: SetChange) -> Bool {
        delta === other.delta && set == other.set && query == other.query
    }
}

extension SessionUpdate {
    /// What two updates that follow each other change together; nil if one of them answers a call. What the second takes back
    /// of the first is in neither.
    func followed(by next: SessionUpdate) -> SessionUpdate? {
        guard call == nil, next.call == nil else { return nil }
        var both = SessionUpdate(offset: next.offset, call: nil, changes: [])
        var (first, second) = (changes[...], next.changes[...])
        while let change = Self.takeFirst(&first, &second) {
            if let last = both.changes.last, last.set == change.set, last.query == change.query {
                both.changes.removeLast()
                if let delta = last.delta.followed(by: change.delta) {
                    both.changes.append(SetChange(set: change.set, query: change.query, delta: delta))
                }
            } else {
                both.changes.append(change)
            }
        }
        return both
    }

    /// Of two ordered lists the lesser front, of equal ones that of the first.
    private static func takeFirst(
        _ first: inout ArraySlice<SetChange>, _ second: inout ArraySlice<SetChange>
    ) -> SetChange? {
        guard let left = first.first else { return second.popFirst() }
        guard let right = second.first else { return first.popFirst() }
        return (left.set, left.query) <= (right.set, right.query) ? first.popFirst() : second.popFirst()
    }
}

/// Why a client is told nothing more.
package enum SubscriptionEnd: Sendable {
    /// The client fell behind further than its queue allows.
    case overflow
    /// The rows cannot change any more.
    case complete
    /// The database takes no more writes, for this reason.
    case failed(DatabaseError)
}
