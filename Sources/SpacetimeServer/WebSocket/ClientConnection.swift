import DequeModule
import NIOCore
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

/// What carries a client's frames. Used on the connection's event loop only.
protocol ClientTransport: AnyObject {
    /// False while what was written has not left yet.
    var isWritable: Bool { get }
    /// Writes whole frames, which leave with ``flush()``.
    func write(_ frames: ByteBuffer)
    /// Has what was written leave: now, or, while something is being read, together with the answers to that.
    func flush()
    /// Bytes that were written and that the system has not taken yet.
    var waitingByteCount: Int { get }
    /// Bytes of a message that has not come as a whole yet.
    var heldByteCount: Int { get }
    /// Sends a close frame, waits a moment for the client's own, and closes.
    func close(_ closing: WebSocketClosing)
    /// Closes without a word.
    func drop()
    /// Whether more is to be read from the client.
    func setReading(_ isReading: Bool)
}

/// One client on a WebSocket: takes its messages, has them done in their order, and writes what it is to be told.
///
/// Calls are run right away, where they lie in the frame, if nobody has the database and nothing of the client waits, and as long
/// as they take no longer than a turn (``Turns``). Everything else goes through ``inbox``: calls are run there in turns, and
/// what takes longer is done one step at a time by a task. What the client is told comes out of its session's queue, whoever
/// put it there.
///
/// `Sendable` is unchecked: but for ``wake(_:)``, which touches ``delivery`` only, it is used on its event loop only.
final class ClientConnection: Session.Outlet, @unchecked Sendable {
    enum State {
        /// The module has not let it in yet.
        case connecting
        case open
        /// Nothing is taken in or told any more.
        case ended
    }

    let database: HostedDatabase
    /// The module that the client's requests are for. See `ClientConnection+Modules.swift`.
    var generation: ModuleGeneration
    /// In whose terms the client's events are told.
    var catalog: Catalog
    let principal: Principal
    let parameters: ConnectionParameters
    let subprotocol: Subprotocol
    let options: WebSocketOptions
    let limits: ProtocolLimits
    let delivery: LoopDelivery
    /// Whether the client is told of durable commits only.
    let isConfirmed: Bool
    /// Whether it wants to know which commit its rows are at. See `ClientConnection+Resuming.swift`.
    let tellsOffsets: Bool
    let watch: DurabilityWatch
    weak var transport: (any ClientTransport)?

    private(set) var state = State.connecting
    /// There is one once the module has let the client in.
    private(set) var session: Session?
    let isWoken = Atomic(false)

    // Coming in
    var inbox = Deque<ClientRequest>()
    /// A step is being done.
    var isBusy = false
    var isPaused = false
    /// Calls that are being run where they lie.
    var batch: CallBatch?
    /// How long calls may still run where they lie, of what was read at once.
    var nanosecondsLeft = Turns.length
    /// Calls in the inbox wait for a turn.
    var isAwaitingTurn = false
    var lastCall = (name: [UInt8](), reducer: -1)

    // Going out
    /// An event that has to wait until its commit is on disk.
    var held: SessionEvent?
    var isWaitingForDisk = false
    /// First rows that are too many for one piece of memory, on their way.
    var stream: FirstRowsStream?
    /// A large frame is being compressed by another thread.
    var isCompressing = false
    /// The commit that the client's rows are at when what was written has come, if it is to be told that; and the last that it
    /// was told.
    var offsets = (reached: UInt64?.none, told: UInt64?.none)

    // Sets
    /// What the client watches, by the number that it gave it.
    var sets: [UInt32: WatchedSet] = [:]
    /// The number of the next set that is watched for a moment only. They go down from the top, where clients seldom are.
    var nextShadow = UInt32.max
    /// What was asked for and is not answered yet.
    var answers = SetAnswers()
    /// The database's sets whose rows the client was told. It hears of changes in no others: neither in those that are watched
    /// for a moment only, nor in those that were refused while their rows were looked for and go on until that is noticed.
    ///
    /// A set that was left may stay here until its number is used again, since nothing changes in it any more.
    var toldSets: Set<UInt32> = []

    // The first protocol
    var v1 = V1Subscriptions()
    /// Answers that wait for rows, by the database's sets.
    var v1Gatherings: [UInt32: V1Gathering] = [:]
    /// Calls that are not answered yet.
    var v1Calls = Deque<V1Call>()

    // Keep-alive
    var lastReceived: NIODeadline
    var lastPing: NIODeadline?
    var isPingUnanswered = false

    // What the client takes
    var ledger: ClientLedger
    var sentByteCount: UInt64 = 0
    /// The client sends more than it may, so nothing is read from it for a while.
    var isSlowedDown = false
    private var ending = ConnectionEnd.client

    /// With more requests in the inbox nothing is read from the client until some are done.
    static let pauseCount = 1_024
    /// So many calls at most are run in one step by a task.
    static let stepCallCount = 64
    /// A frame with several messages is begun anew beyond this size.
    static let frameByteLimit = 256 << 10
    /// First rows of more bytes are kept as compressed frames.
    static let keptRowsMinimum = 8 << 10
    /// Longer frames are compressed by another thread.
    static let inlineCompressionLimit = 64 << 10

    init(
        _ database: HostedDatabase, _ principal: Principal, _ parameters: ConnectionParameters,
        _ subprotocol: Subprotocol,
        _ options: WebSocketOptions, _ delivery: LoopDelivery, _ ledger: ClientLedger
    ) {
        self.database = database
        generation = database.generation
        catalog = generation.core.catalog
        self.principal = principal
        self.parameters = parameters
        self.subprotocol = subprotocol
        self.options = options
        self.delivery = delivery
        self.ledger = ledger
        limits = ProtocolLimits(messageBytes: options.messageByteLimit)
        isConfirmed = parameters.isConfirmed ?? subprotocol.confirmsReadsByDefault
        tellsOffsets = parameters.wantsOffsets && subprotocol.isBatched
        watch = generation.core.durabilityWatch
        lastReceived = delivery.eventLoop.now
    }

    /// The client as the database knows it; only once there is a session.
    var caller: Caller? { session?.caller }

    // MARK: Beginning

    /// Has the module let the client in, and tells it who it is.
    func begin(over transport: any ClientTransport) {
        self.transport = transport
        lastReceived = delivery.eventLoop.now
        delivery.add(self)
        ledger.begin(ConnectionProtocol(subprotocol))
        database.clients.enter()
        if let named = parameters.sessionID { database.sessions.enter(self, named) }
        let (database, principal, id) = (database, principal, parameters.connectionID)
        Task {
            let entered: (caller: Caller, catalog: Catalog)?
            do {
                entered = try await database.withCore { core in
                    let caller = try await core.connections.connect(
                        principal.identity, connection: id, credentials: principal.claims)
                    return (caller, core.catalog)
                }
            } catch { entered = nil }
            delivery.eventLoop.execute { self.enter(entered?.caller, entered?.catalog) }
        }
    }

    /// - Parameter catalog: that of the module which let the client in; nil if none did.
    private func enter(_ caller: Caller?, _ catalog: Catalog?) {
        guard let caller, let catalog else {
            // The client sees an abnormal closure, as the originals do.
            note(.refused)
            end()
            database.clients.leave()
            releaseSession()
            transport?.drop()
            return
        }
        let session = Session(
            caller, outlet: self, queueLimit: options.outgoingQueueLimit, rowLimit: ledger.limits.subscribedRowLimit,
            tellsOffsets: tellsOffsets, catalog: catalog)
        guard case .connecting = state else { return leave(session) }
        self.session = session
        self.catalog = catalog
        state = .open
        // In one piece, so that they are in one frame: the client decides by it how to go on.
        session.reply(tellsOffsets ? greeting(caller) + historyMessage(catalog) : greeting(caller))
        proceed()
    }

    // MARK: End

    /// The socket has gone, or is about to.
    func end() {
        if case .ended = state { return }
        state = .ended
        ledger.end(ending)
        batch = nil
        inbox.removeAll()
        held = nil
        stream = nil
        delivery.remove(self)
        if let session { leave(session) }
        // Each keeps the other alive.
        session = nil
    }

    /// The module's disconnect reducer runs, and all is forgotten that the client watched.
    private func leave(_ session: Session) {
        let database = database
        database.core.sessions.end(session)
        Task {
            _ = try? await database.withCore { try await $0.connections.disconnect(session.caller) }
            database.clients.leave()
            releaseSession()
        }
    }

    /// The session that the client named is free again.
    private func releaseSession() {
        if let named = parameters.sessionID { database.sessions.release(named, of: principal.identity) }
    }

    /// Another connection of the same session has come. From any thread.
    func supersede() {
        delivery.eventLoop.execute { self.close(.goingAway("another connection of this session has come")) }
    }

    /// Why the connection ends, or will. The first reason stays.
    func note(_ reason: ConnectionEnd) { if case .client = ending { ending = reason } }

    /// Closes the connection for a reason that the client is told.
    func close(_ closing: WebSocketClosing) {
        guard case .ended = state else {
            let transport = transport
            end()
            transport?.close(closing)
            return
        }
    }

    func drop() {
        let transport = transport
        end()
        transport?.drop()
    }

    /// A commit that the client was to be told of cannot be made durable.
    func failDurability(_ error: DatabaseError) {
        isWaitingForDisk = false
        note(.failure)
        close(.failure(ProtocolError.closeReason("the database cannot write: \(error.message)")))
    }
}
