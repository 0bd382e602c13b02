import NIOCore
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

/// The clients that one event loop serves, and how it learns that there is something for them.
///
/// A commit may have something for thousands of clients. Whoever commits only puts them on a list, and the loop is woken once
/// for all of them.
///
/// `Sendable` is unchecked: what is not behind the lock is touched on the event loop only.
final class LoopDelivery: @unchecked Sendable {
    let eventLoop: any EventLoop
    private let woken = Mutex<[ClientConnection]>([])
    /// The memory of those that were woken before, for those that come next.
    private var spare: [ClientConnection] = []
    /// Clients whose calls are to be run when they can be.
    let turns: Turns
    /// Memory for all connections of the loop.
    let unmasked = UnmaskedBytes()
    /// The messages of a frame that is being put together.
    var body = BSATNWriter(reservingCapacity: 64 << 10)
    /// The last frame that many may get as it is.
    var sharedFrame: SharedFrame?
    /// The frame's payload, if it is not the body itself.
    var payload = BSATNWriter()
    private var connections: [ObjectIdentifier: ClientConnection] = [:]
    private var durables: [ObjectIdentifier: DurableWaiters] = [:]
    private var ticks: RepeatedTask?
    private var lastTick: NIODeadline?
    private let tickInterval: TimeAmount
    /// Until then those who were woken may wait for what else comes.
    private var restEnd = NIODeadline.uptimeNanoseconds(0)

    /// The longest rest.
    private static let restLimit = TimeAmount.milliseconds(1)
    /// How many clients there are at least in a pass that is rested after. Fewer are answered at once: most of those are callers.
    private static let crowd = 64
    /// Larger memory is given back after it was used.
    private static let keptByteCount = 1 << 20

    init(_ eventLoop: any EventLoop, _ options: WebSocketOptions) {
        self.eventLoop = eventLoop
        turns = Turns(eventLoop)
        let shortest = min(options.pingInterval, options.idleTimeout)
        tickInterval = min(.seconds(1), max(.milliseconds(1), TimeAmount(shortest) / 4))
    }

    // MARK: Waking

    /// Has the loop look after a client. From any thread.
    func wake(_ connection: ClientConnection) {
        let isFirst = woken.withLock { woken in
            woken.append(connection)
            return woken.count == 1
        }
        if isFirst { eventLoop.execute { self.deliver() } }
    }

    private func deliver() {
        let start = NIODeadline.now()
        // While calls wait, there is about to be more for the same clients. A change for a thousand of them takes longer than a
        // turn, so each call would be followed by a thousand writes; now several calls are.
        if turns.hasReady, start < restEnd {
            eventLoop.scheduleTask(deadline: restEnd) { self.deliver() }
            return
        }
        var list: [ClientConnection] = []
        swap(&list, &spare)
        woken.withLock { swap(&list, &$0) }
        for connection in list { connection.deliver() }
        sharedFrame = nil
        if list.count >= Self.crowd {
            let end = NIODeadline.now()
            restEnd = end + min(end - start, Self.restLimit)
        }
        list.removeAll(keepingCapacity: true)
        swap(&list, &spare)
    }

    /// Has a client looked after again once a commit is on disk. On the loop.
    func wait(for offset: TxOffset, _ connection: ClientConnection) {
        let database = connection.database
        let key = ObjectIdentifier(database)
        let waiters: DurableWaiters
        if let known = durables[key] {
            waiters = known
        } else {
            waiters = DurableWaiters(database.core.durabilityWatch)
            durables[key] = waiters
        }
        waiters.wait(for: offset, connection, on: eventLoop)
    }

    // MARK: Coming and going, on the loop

    func add(_ connection: ClientConnection) {
        connections[ObjectIdentifier(connection)] = connection
        guard ticks == nil else { return }
        ticks = eventLoop.scheduleRepeatedTask(initialDelay: tickInterval, delay: tickInterval) { [weak self] _ in
            guard let self else { return }
            tick(eventLoop.now)
        }
    }

    /// Has each client looked at, as often as ``tickInterval`` says.
    private func tick(_ now: NIODeadline) {
        // If the loop itself was late, by a machine that slept or had other things to do, what clients have sent meanwhile
        // lies in their sockets. That time does not count against them.
        let late = lastTick.map { now - $0 - tickInterval } ?? .zero
        lastTick = now
        for connection in connections.values { connection.tick(now, late: late > tickInterval ? late : .zero) }
    }

    /// Closes the connections to a database that is gone. From any thread.
    func closeClients(of database: HostedDatabase) {
        eventLoop.execute { [self] in
            for connection in connections.values where connection.database === database {
                connection.close(.goingAway("module exited"))
            }
        }
    }

    func remove(_ connection: ClientConnection) {
        connections[ObjectIdentifier(connection)] = nil
        if connections.isEmpty {
            ticks?.cancel()
            ticks = nil
            lastTick = nil
            // Databases that have gone are not kept by it.
            durables = [:]
        }
    }

    /// Gives memory back that was needed for something unusual.
    func shrink() {
        if body.count > Self.keptByteCount { body.removeAll(keepingCapacity: false) } else { body.removeAll() }
        if payload.count > Self.keptByteCount { payload.removeAll(keepingCapacity: false) } else { payload.removeAll() }
    }
}

/// What changed in one query, as a frame for all who watch it under the same number.
struct SharedFrame {
    let delta: SharedDelta
    let set: QuerySetID
    let compression: Compression
    let tellsOffsets: Bool
    let frame: ByteBuffer
}

/// Clients of one database, on one event loop, that wait until commits are on disk. One request to the log stands for all.
///
/// `Sendable` is unchecked: it is touched on the event loop only.
private final class DurableWaiters: @unchecked Sendable {
    private let watch: DurabilityWatch
    private var waiting: [ClientConnection] = []
    /// The memory of those that waited before, for those that come next.
    private var spare: [ClientConnection] = []
    private var isAsking = false

    init(_ watch: DurabilityWatch) { self.watch = watch }

    func wait(for offset: TxOffset, _ connection: ClientConnection, on eventLoop: any EventLoop) {
        waiting.append(connection)
        if isAsking { return }
        isAsking = true
        watch.whenDurable(offset) { failure in
            eventLoop.execute { self.finish(failure) }
        }
    }

    private func finish(_ failure: DatabaseError?) {
        isAsking = false
        var list: [ClientConnection] = []
        swap(&list, &spare)
        swap(&list, &waiting)
        for connection in list {
            if let failure { connection.failDurability(failure) } else { connection.deliverDurable() }
        }
        list.first?.delivery.sharedFrame = nil
        list.removeAll(keepingCapacity: true)
        swap(&list, &spare)
    }
}

extension TimeAmount {
    fileprivate static func / (left: TimeAmount, right: Int64) -> TimeAmount { .nanoseconds(left.nanoseconds / right) }
}
