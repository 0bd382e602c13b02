import DequeModule
import NIOCore
import SpacetimeDurability
import SpacetimeHost

/// Clients of one event loop whose calls could not run where they came: because others had the database, or because they were
/// so many that other clients have to come in between.
///
/// A turn is short (``length``), holds the lock of one database and runs calls of one client in their order. Between turns the
/// loop looks after its sockets. So a client that floods the server delays another one by a turn or two, and not by all that it
/// has sent.
///
/// `Sendable` is unchecked: it is touched on the event loop only.
final class Turns: @unchecked Sendable {
    /// How a turn ended.
    enum Outcome {
        /// There are no calls left, or others have to do them.
        case over
        /// There are more.
        case unfinished
        /// Somebody else had the database.
        case locked
    }

    /// How long one client has the database before others may come in between, in nanoseconds. One call may take longer.
    static let length: Int64 = 100_000
    /// How long the loop looks after its sockets between turns. It does so at all only if this is not over when it has done
    /// whatever else there was to be done.
    private static let pause = TimeAmount.microseconds(20)

    private let eventLoop: any EventLoop
    private var ready = Deque<ClientConnection>()
    private var isScheduled = false
    private var waiters: [ObjectIdentifier: LockWaiters] = [:]

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Calls wait for nothing but their turn.
    var hasReady: Bool { !ready.isEmpty }

    /// Has a client get a turn now, or once the lock is free.
    func begin(_ client: ClientConnection) { _ = take(client) }

    /// Has a client get a turn behind those that wait already, and behind what the sockets bring.
    func add(_ client: ClientConnection) {
        ready.append(client)
        schedule()
    }

    private func schedule() {
        if isScheduled { return }
        isScheduled = true
        eventLoop.scheduleTask(in: Self.pause) {
            self.isScheduled = false
            self.run()
        }
    }

    /// Runs turns, which together are as long as one may be.
    private func run() {
        var left = Self.length
        while left > 0, let client = ready.popFirst() { left -= take(client) }
        if !ready.isEmpty { schedule() }
    }

    /// - Returns: how long it took.
    private func take(_ client: ClientConnection, with lock: HandedLock? = nil) -> Int64 {
        let (outcome, nanoseconds) = client.takeTurn(with: lock)
        switch outcome {
        case .over: break
        case .unfinished: add(client)
        case .locked: wait(client)
        }
        return nanoseconds
    }

    // MARK: Waiting for the lock

    private func wait(_ client: ClientConnection) {
        let sessions = client.generation.core.sessions
        let key = ObjectIdentifier(sessions)
        let list = waiters[key] ?? LockWaiters(sessions)
        waiters[key] = list
        list.clients.append(client)
        ask(list)
    }

    /// One question stands for all clients of a database.
    private func ask(_ list: LockWaiters) {
        if list.isAsking { return }
        list.isAsking = true
        let since = list.since ?? monotonicNanoseconds()
        list.since = since
        let isLocked = list.sessions.whenReleased(since: since) { lock in
            self.eventLoop.execute { self.finish(list, lock) }
        }
        // It has been released meanwhile, or another module is about to have the database.
        if !isLocked { eventLoop.scheduleTask(in: Self.pause) { self.finish(list, nil) } }
    }

    private func finish(_ list: LockWaiters, _ lock: HandedLock?) {
        list.isAsking = false
        var clients: [ClientConnection] = []
        swap(&clients, &list.clients)
        if lock != nil { list.since = nil }
        var (left, lock) = (Self.length, lock)
        for client in clients {
            // Those who are not reached come behind the sockets.
            guard left > 0 else {
                add(client)
                continue
            }
            let count = list.clients.count
            // The lock is of no use to a client that goes on with another module.
            left -= take(client, with: client.generation.core.sessions === list.sessions ? lock : nil)
            // Somebody had the database: that one is no longer the first to wait.
            if list.clients.count == count { list.since = nil }
            lock = nil
        }
        // A database that has gone is not kept.
        if list.clients.isEmpty { waiters[ObjectIdentifier(list.sessions)] = nil }
    }
}

/// Clients of one database, on one event loop, that wait for its lock.
///
/// `Sendable` is unchecked: it is touched on the event loop only.
private final class LockWaiters: @unchecked Sendable {
    let sessions: Sessions
    var clients: [ClientConnection] = []
    var isAsking = false
    /// When the first of them began to wait.
    var since: Int64?

    init(_ sessions: Sessions) { self.sessions = sessions }
}
