import SpacetimeDurability

/// How far the commits of a database have come on their way to the disk, for those who tell clients of durable ones only.
///
/// From any thread, and without the database's lock.
package struct DurabilityWatch: Sendable {
    private let log: CommitLog?
    /// The same, alive as long as `log` is. Each event for a client looks at it, so it counts no references.
    private let uncounted: Unmanaged<CommitLog>?

    init(_ log: CommitLog?) {
        self.log = log
        uncounted = log.map { .passUnretained($0) }
    }

    /// Whether a commit, and all before it, are on disk; in a database in memory, always.
    @inline(__always)
    package func isDurable(_ offset: TxOffset) -> Bool {
        // Before the first commit the last one is none.
        guard let uncounted, offset.rawValue != .max else { return true }
        return uncounted._withUnsafeGuaranteedRef { $0.durableEnd > offset.rawValue }
    }

    /// Calls `body` once the commit is on disk, or never will be. From whichever thread finds out, which may be this one.
    package func whenDurable(_ offset: TxOffset, _ body: @escaping @Sendable (DatabaseError?) -> Void) {
        guard let log, offset.rawValue != .max else { return body(nil) }
        log.whenDurable(offset.rawValue) { result in
            guard case .failure(let error) = result else { return body(nil) }
            body(DatabaseError(error))
        }
    }
}

extension DatabaseCore {
    /// How far the commits have come on their way to the disk.
    package var durabilityWatch: DurabilityWatch { DurabilityWatch(files?.log) }
}
