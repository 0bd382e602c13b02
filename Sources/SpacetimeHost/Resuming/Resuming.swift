import SpacetimeEngine
package import SpacetimeSATS

/// A moment in the history of a database at which a client's rows are.
package struct ResumePoint: Hashable, Sendable {
    /// Names the history, for this client: see ``Catalog/history(for:)``.
    package let history: UInt128
    package let offset: TxOffset

    package init(history: UInt128, offset: TxOffset) {
        self.history = history
        self.offset = offset
    }
}

/// What has changed in a set of queries since a client was told of it.
package struct SetChanges: Sendable {
    package let set: QuerySetID
    /// The last commit that the changes include.
    package let offset: TxOffset
    /// Ascending by query; nothing of queries in which nothing is different.
    package let changes: [SetChange]
}

extension Catalog {
    /// The name of the history from here on, as a client of this identity is told it. Others are told another one, since the same
    /// query may have other rows for them: one who comes back as somebody else must begin anew.
    package func history(for identity: Identity) -> UInt128 {
        let bytes = identity.bsatn()
        var folded: UInt128 = 0
        for (position, byte) in bytes.enumerated() { folded ^= UInt128(byte) << UInt128(position % 16 * 8) }
        return history ^ folded
    }
}

/// Changes that are put together without the lock, since they are many. What comes behind them waits in the session's queue.
struct PendingChanges {
    let set: QuerySetID
    let offset: TxOffset
    let session: Session
    let place: SessionQueue.Place
    /// Of each query.
    let deltas: [[SharedDelta]]

    /// Tells the session.
    func sum() {
        session.queue.fill(place, with: .resumed(Self.sum(deltas, of: set, at: offset)))
        session.wake()
    }

    static func sum(_ deltas: [[SharedDelta]], of set: QuerySetID, at offset: TxOffset) -> SetChanges {
        let changes = deltas.enumerated().compactMap { position, deltas in
            SharedDelta.sum(deltas).map { SetChange(set: set, query: position, delta: $0) }
        }
        return SetChanges(set: set, offset: offset, changes: changes)
    }
}

extension Sessions {
    /// Tells a session what has changed in a set since it was told of it, or takes a place for that.
    ///
    /// - Returns: nil if that is not known, or was not asked for: then it is to be told all rows.
    func resume(_ joining: JoiningSet, _ step: SessionStep) -> SessionQueue.Appended? {
        let session = joining.session
        guard session.tellsOffsets, let point = step.since[joining.set],
            point.history == runner.catalog.history(for: session.caller.identity), point.offset <= offset
        else { return nil }
        var deltas: [[SharedDelta]] = []
        deltas.reserveCapacity(joining.queries.count)
        var (rowCount, insertCount) = (0, 0)
        for query in joining.queries {
            guard let known = queries.histories[query]?.changes(since: point.offset) else { return nil }
            for delta in known {
                rowCount += delta.deletes.count + delta.inserts.count
                insertCount += delta.inserts.count
            }
            deltas.append(known)
        }
        // What it may not be told as first rows it is not told in another way.
        guard session.mayBeTold(rowCount: insertCount) else { return nil }
        if rowCount <= queries.lockedRowLimit {
            return session.queue.append(.resumed(PendingChanges.sum(deltas, of: joining.set, at: offset)))
        }
        let (place, appended) = session.queue.reserve()
        step.pendingChanges.append(
            PendingChanges(set: joining.set, offset: offset, session: session, place: place, deltas: deltas))
        return appended
    }
}

extension LiveQueries {
    /// Has what a session watches kept up to date for a while, since it is about to end and its client may come back.
    func keepForReturn(_ session: Session) {
        var kept: [LiveQuery] = []
        for set in session.sets.keys.sorted() { kept += session.sets[set] ?? LiveQueryList([]) }
        histories.keep(kept, session.views.values.flatMap { $0 })
        release(histories.expire(at: nil))
    }

    /// Lets go of what was watched by clients that were gone too long.
    func forgetAbsent(at now: Timestamp) {
        release(histories.expire(at: now.microsecondsSinceUnixEpoch))
    }

    private func release(_ queries: [LiveQuery]) { for query in queries where !query.isNeeded { forget(query) } }
}
