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
    /// Writes whole frames.
    func write(_ frames: ByteBuffer)
    /// Sends a close frame, waits a moment for the client's own, and closes.
    func close(_ closing: WebSocketClosing)
    /// Closes without a word.
    func drop()
    /// Whether more is to be read from the client.
    func setReading(_ isReading: Bool)
}

/// One client on a WebSocket: takes its messages, has them done in their order, and writes what it is to be told.
///
/// Calls are run right away, where they lie in the frame, if nobody has the database and nothing of the client waits. Everything
/// else goes through ``inbox``, from which one step at a time is done by a task. What the client is told comes out of its
/// session's queue, whoever put it there.
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
    let principal: Principal
    let parameters: ConnectionParameters
    let subprotocol: Subprotocol
    let options: WebSocketOptions
    let limits: ProtocolLimits
    let delivery: LoopDelivery
    /// Whether the client is told of durable commits only.
    let isConfirmed: Bool
    let watch: DurabilityWatch
    weak var transport: (any ClientTransport)?

    private(set) var state = State.connecting
    /// There is one once the module has let the client in.
    private(set) var session: Session?
    private let isWoken = Atomic(false)

    // Coming in
    private var inbox = Deque<ClientRequest>()
    /// A step is being done.
    private var isBusy = false
    private var isPaused = false
    /// Calls that are being run where they lie.
    private var batch: CallBatch?
    private var lastCall = (name: [UInt8](), reducer: -1)

    // Going out
    /// An event that has to wait until its commit is on disk.
    private var held: SessionEvent?
    private var isWaitingForDisk = false

    // Sets
    /// What the client watches, by the number that it gave it.
    var sets: [UInt32: WatchedSet] = [:]
    /// What was asked for and is not answered yet, by the set that the answer will name.
    var answers: [UInt32: SetAnswer] = [:]

    // The first protocol
    var v1 = V1Subscriptions()
    /// Answers that wait for rows, by the database's sets.
    var v1Gatherings: [UInt32: V1Gathering] = [:]
    /// Calls that are not answered yet.
    var v1Calls = Deque<V1Call>()

    // Keep-alive
    private var lastReceived: NIODeadline
    private var lastPing: NIODeadline?
    private var isPingUnanswered = false

    /// With more requests in the inbox nothing is read from the client until some are done.
    private static let pauseCount = 1_024
    /// A frame with several messages is begun anew beyond this size.
    private static let frameByteLimit = 256 << 10

    init(
        _ database: HostedDatabase, _ principal: Principal, _ parameters: ConnectionParameters,
        _ subprotocol: Subprotocol,
        _ options: WebSocketOptions, _ delivery: LoopDelivery
    ) {
        self.database = database
        self.principal = principal
        self.parameters = parameters
        self.subprotocol = subprotocol
        self.options = options
        self.delivery = delivery
        limits = ProtocolLimits(messageBytes: options.messageByteLimit)
        isConfirmed = parameters.isConfirmed ?? subprotocol.confirmsReadsByDefault
        watch = database.core.durabilityWatch
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
        if let named = parameters.sessionID { database.sessions.enter(self, named) }
        let (core, principal, id) = (database.core, principal, parameters.connectionID)
        Task {
            let caller: Caller?
            do {
                caller = try await core.connections.connect(
                    principal.identity, connection: id, credentials: principal.claims)
            } catch { caller = nil }
            delivery.eventLoop.execute { self.enter(caller) }
        }
    }

    private func enter(_ caller: Caller?) {
        guard let caller else {
            // The client sees an abnormal closure, as the originals do.
            end()
            releaseSession()
            transport?.drop()
            return
        }
        let session = Session(caller, outlet: self, queueLimit: options.outgoingQueueLimit)
        self.session = session
        guard case .connecting = state else { return leave(session) }
        state = .open
        session.reply(greeting(caller))
        proceed()
    }

    // MARK: End

    /// The socket has gone, or is about to.
    func end() {
        if case .ended = state { return }
        state = .ended
        batch = nil
        inbox.removeAll()
        held = nil
        delivery.remove(self)
        if let session { leave(session) }
    }

    /// The module's disconnect reducer runs, and all is forgotten that the client watched.
    private func leave(_ session: Session) {
        let database = database
        database.core.sessions.end(session)
        Task {
            _ = try? await database.core.connections.disconnect(session.caller)
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

    /// Closes the connection for a reason that the client is told.
    func close(_ closing: WebSocketClosing) {
        guard case .ended = state else {
            let transport = transport
            end()
            transport?.close(closing)
            return
        }
    }

    private func drop() {
        let transport = transport
        end()
        transport?.drop()
    }

    /// A commit that the client was to be told of cannot be made durable.
    func failDurability(_ error: DatabaseError) {
        isWaitingForDisk = false
        close(.failure(ProtocolError.closeReason("the database cannot write: \(error.message)")))
    }

    // MARK: Coming in

    /// Something came from the client.
    func noteReceived() {
        lastReceived = delivery.eventLoop.now
        isPingUnanswered = false
    }

    /// Takes one message. Calls may run before this returns, and the database is held then until ``endOfRead()``.
    func receive(_ payload: UnsafeRawBufferPointer, isText: Bool) {
        if case .ended = state { return }
        do throws(ProtocolError) {
            if subprotocol.speaksV2 {
                guard !isText else { return close(.failure("a text frame, where binary ones are spoken")) }
                try receiveV2(payload)
            } else {
                try receiveV1(payload, isText: isText)
            }
        } catch {
            batch = nil
            close(.failure(error.closeReason))
        }
    }

    /// What was read at once has been taken in.
    func endOfRead() {
        batch = nil
        proceed()
    }

    /// Runs a call now if that is possible, else puts it behind what waits.
    func call(_ request: UInt32, name: RawSpan, arguments: RawSpan) {
        do throws(DatabaseError) {
            let reducer = try reducer(named: name)
            // The bytes lie in the frame, which stays where it is during the call.
            let bytes = arguments.withUnsafeBytes { $0 }
            if isIdle, !database.pace.isSlow(reducer), try hasBatch() {
                let duration = batch?.call(request, reducer, arguments: bytes)
                if let duration { database.pace.note(reducer, duration) }
            } else {
                enqueue(.call(request, reducer, Array(bytes)))
            }
        } catch {
            enqueue(.refusedCall(request, name.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, error))
        }
    }

    private var isIdle: Bool {
        guard case .open = state else { return false }
        return !isBusy && inbox.isEmpty
    }

    private func hasBatch() throws(DatabaseError) -> Bool {
        guard batch == nil else { return true }
        guard let session else { return false }
        batch = try database.core.sessions.batchIfFree(by: session)
        return batch != nil
    }

    /// The position of a reducer. Most clients call the same one over and over.
    private func reducer(named name: RawSpan) throws(DatabaseError) -> Int {
        let bytes = name.withUnsafeBytes { $0 }
        if lastCall.reducer >= 0, bytes.elementsEqual(lastCall.name) { return lastCall.reducer }
        let reducer = try database.core.sessions.reducer(
            named: String(decoding: bytes, as: UTF8.self), for: Caller(identity: principal.identity))
        lastCall = (Array(bytes), reducer)
        return reducer
    }

    func enqueue(_ request: ClientRequest) {
        if case .ended = state { return }
        batch = nil
        inbox.append(request)
        if inbox.count > options.incomingQueueLimit { close(.tooManyRequests) }
    }

    // MARK: One step after the other

    /// Does what waits, one step at a time.
    func proceed() {
        setPaused(inbox.count > Self.pauseCount)
        guard case .open = state, !isBusy, let session, let step = nextStep() else { return }
        isBusy = true
        Task {
            await perform(step, session)
            delivery.eventLoop.execute {
                self.isBusy = false
                self.proceed()
            }
        }
    }

    private func setPaused(_ isPaused: Bool) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        transport?.setReading(!isPaused)
    }

    /// What is done in one step: calls that follow each other, or changes of what is watched.
    enum Step: Sendable {
        case calls([ClientRequest])
        case sets(SetStep)
        case query(RequestTag, String)
        case procedure(UInt32, String, [UInt8])
    }

    private func nextStep() -> Step? {
        guard let first = inbox.first else { return nil }
        switch first {
        case .call, .refusedCall:
            var calls: [ClientRequest] = []
            while let next = inbox.first {
                switch next {
                case .call, .refusedCall: calls.append(inbox.removeFirst())
                default: return .calls(calls)
                }
            }
            return .calls(calls)
        case .join, .leave:
            var step = SetStep()
            while let next = inbox.first, take(next, into: &step) { inbox.removeFirst() }
            return .sets(step)
        case .query(let tag, let text):
            inbox.removeFirst()
            return .query(tag, text)
        case .procedure(let request, let name, let arguments):
            inbox.removeFirst()
            return .procedure(request, name, arguments)
        case .refusedProcedure(let request, let name, let error):
            inbox.removeFirst()
            session?.reply(procedureFailure(request, error, of: name))
            return nextStep()
        }
    }

    /// Off the event loop.
    private func perform(_ step: Step, _ session: Session) async {
        switch step {
        case .calls(let calls): await perform(calls, session)
        case .sets(let step): await perform(step, session)
        // Neither holds up what comes behind it.
        case .query(let tag, let text): Task { await answer(tag, text, session) }
        case .procedure(let request, let name, let arguments):
            Task { await call(procedure: name, arguments, request, session) }
        }
    }

    private func perform(_ calls: [ClientRequest], _ session: Session) async {
        let pace = database.pace
        do throws(DatabaseError) {
            try await database.core.sessions.batch(by: session) { batch in
                for call in calls {
                    switch call {
                    case .call(let request, let reducer, let arguments):
                        let duration = arguments.withUnsafeBytes { batch.call(request, reducer, arguments: $0) }
                        pace.note(reducer, duration)
                    case .refusedCall(let request, let name, let error): batch.refuse(request, name, error)
                    default: break
                    }
                }
            }
        } catch {
            // The log cannot be written: nothing can be called any more.
            let reason = ProtocolError.closeReason(error.message)
            delivery.eventLoop.execute { self.close(.failure(reason)) }
        }
    }

    // MARK: Going out

    /// There is something in the session's queue. From any thread.
    func wake(_ session: Session) {
        if isWoken.exchange(true, ordering: .acquiringAndReleasing) { return }
        delivery.wake(self)
    }

    /// Writes what the client is to be told, as far as the socket takes it and the log has come.
    func deliver() {
        isWoken.store(false, ordering: .releasing)
        guard case .open = state, let session, let transport else { return }
        var end: SubscriptionEnd?
        while transport.isWritable, end == nil, let event = held ?? session.queue.nextAvailable() {
            held = nil
            if isConfirmed, let offset = event.offset, !watch.isDurable(offset) {
                held = event
                if !isWaitingForDisk {
                    isWaitingForDisk = true
                    delivery.wait(for: offset, self)
                }
                break
            }
            if case .ended(let reason) = event { end = reason } else { encode(event) }
            if !subprotocol.isBatched || delivery.body.count >= Self.frameByteLimit { flushFrame(to: transport) }
        }
        flushFrame(to: transport)
        if let end { finish(end) }
    }

    /// The log has come as far as was waited for.
    func deliverDurable() {
        isWaitingForDisk = false
        deliver()
    }

    private func encode(_ event: SessionEvent) {
        if subprotocol.speaksV2 { encodeV2(event) } else { encodeV1(event) }
    }

    private func finish(_ end: SubscriptionEnd) {
        switch end {
        case .overflow: drop()
        // Nothing changes any more, but what is there can be asked for.
        case .complete: break
        case .failed(let error) where error.code == .closed: close(.goingAway("module exited"))
        case .failed(let error): close(.failure(ProtocolError.closeReason(error.message)))
        }
    }

    private func flushFrame(to transport: any ClientTransport) {
        let count = delivery.body.count
        if count == 0 { return }
        defer { delivery.shrink() }
        if subprotocol.isText {
            var frame = ByteBuffer()
            frame.reserveCapacity(count + WebSocketWriting.headerByteLimit)
            delivery.body.withUnsafeBytes { WebSocketWriting.append(.text, $0, to: &frame) }
            return transport.write(frame)
        }
        let compression = parameters.compression
        if compression != .none, count > Compression.threshold {
            delivery.body.withUnsafeBytes { body in
                ServerPayload.append(
                    RawSpan(_unsafeBytes: body), compression: compression, compressor: PayloadCodec(),
                    to: &delivery.payload)
            }
            var frame = ByteBuffer()
            frame.reserveCapacity(delivery.payload.count + WebSocketWriting.headerByteLimit)
            delivery.payload.withUnsafeBytes { WebSocketWriting.append(.binary, $0, to: &frame) }
            return transport.write(frame)
        }
        var frame = ByteBuffer()
        frame.reserveCapacity(count + 1 + WebSocketWriting.headerByteLimit)
        WebSocketWriting.appendHeader(.binary, payloadCount: count + 1, to: &frame)
        frame.writeInteger(Compression.none.rawValue)
        delivery.body.withUnsafeBytes { _ = frame.writeBytes($0) }
        transport.write(frame)
    }

    // MARK: Keep-alive

    /// Some time has passed.
    func tick(_ now: NIODeadline) {
        guard let transport else { return }
        if now - lastReceived >= TimeAmount(options.idleTimeout) { return drop() }
        if let lastPing, isPingUnanswered || now - lastPing < TimeAmount(options.pingInterval) { return }
        lastPing = now
        isPingUnanswered = true
        var frame = ByteBuffer()
        WebSocketWriting.appendHeader(.ping, payloadCount: 0, to: &frame)
        transport.write(frame)
    }
}
