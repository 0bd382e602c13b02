import Synchronization

/// One client of a database, whatever carries it: who it is, what it subscribed to, and what it is told, in order.
///
/// A commit puts one event into a session's queue, with all that it changed for this client, and then wakes whoever serves
/// it (``Outlet``). Nobody waits for a client: one whose queue is full is dropped, after what is in it.
///
/// `Sendable` is unchecked for ``sets``, ``joining``, ``views``, ``asked``, ``catalog`` and ``changes``, which are touched with the database's
/// lock held only.
package final class Session: @unchecked Sendable {
    /// Who serves a session: takes its events out of the queue.
    package protocol Outlet: AnyObject, Sendable {
        /// There is something in the session's queue. Called by the thread that put it there, without the database's lock.
        /// It may deliver right away (``SessionQueue/drain(_:)``), or have an event loop do so; what it does here holds up
        /// the caller of the reducer.
        func wake(_ session: Session)
    }

    package let caller: Caller
    package let queue: SessionQueue
    /// True if commits that find no room in the queue are put together with the last one there, so that a client that is slow
    /// gets fewer and larger updates, and is not dropped.
    let coalesces: Bool
    /// True if the client wants to know which commit its rows are at, so that it can go on from there when it comes back.
    package let tellsOffsets: Bool
    /// How many rows the first answer to a set of queries may have; nil for any number.
    let rowLimit: Int?
    private let outlet: (any Outlet)?
    private let ended = Atomic(false)

    /// The queries of each set. Guarded by the database's lock.
    var sets: [QuerySetID: LiveQueryList] = [:]
    /// Sets that the session is about to watch, when rows have been found that are needed for it. Guarded by the database's lock.
    var joining: [QuerySetID: JoiningSet] = [:]
    /// The views that each set reads. Guarded by the database's lock.
    var views: [QuerySetID: [ViewInstance]] = [:]
    /// What each set asks for, to ask another module for it, if there may be one. Guarded by the database's lock.
    var asked: [QuerySetID: [SessionQuery]] = [:]
    /// In whose terms the session was told what it was told; nil if it ends with the module. Guarded by the database's lock.
    var catalog: Catalog?
    /// What the commit that is being observed changed for this client. Guarded by the database's lock.
    var changes: [SetChange] = []

    /// - Parameters:
    ///   - outlet: nil if somebody awaits the events, and need not be woken otherwise.
    ///   - queueLimit: how many events may wait.
    ///   - coalesces: what happens when an update finds no room: it is put together with the one before it; else the session
    ///     ends with `overflow`. Answers to calls and to subscriptions are never put together.
    ///   - rowLimit: how many rows the first answer to a set of queries may have. A set with more is refused.
    ///   - tellsOffsets: what the session watches is kept up to date for a while when it ends, for ``ResumePoint``.
    ///   - catalog: that of the database, if the session is to live on when its module is replaced: it is told so then. Nil: it
    ///     ends.
    package init(
        _ caller: Caller, outlet: (any Outlet)?, queueLimit: Int, coalesces: Bool = false, rowLimit: Int? = nil,
        tellsOffsets: Bool = false, catalog: Catalog? = nil
    ) {
        self.tellsOffsets = tellsOffsets
        self.catalog = catalog
        self.caller = caller
        self.coalesces = coalesces
        self.rowLimit = rowLimit
        self.outlet = outlet
        queue = SessionQueue(limit: queueLimit)
    }

    /// True once the session gets nothing more: it was cancelled, fell behind, or the database has ended.
    package var hasEnded: Bool { ended.load(ordering: .relaxed) }

    func wake() { outlet?.wake(self) }

    /// Puts an answer behind what is in the queue. One for which there is no room ends the session: a client who does not
    /// read its answers has fallen behind. From any thread.
    ///
    /// - Parameter offset: the last commit that the answer tells of.
    package func reply(_ bytes: [UInt8], at offset: TxOffset? = nil) {
        if case .full = queue.append(.reply(SessionReply(bytes: bytes, offset: offset))) { finish(.overflow) }
        wake()
    }

    /// Ends the session behind what is in its queue.
    func finish(_ end: SubscriptionEnd) {
        ended.store(true, ordering: .relaxed)
        queue.finish(end)
    }

    /// Ends the session and drops what is in its queue. Its subscriptions are forgotten at the next occasion.
    package func drop() {
        ended.store(true, ordering: .relaxed)
        queue.cancel()
    }
}
