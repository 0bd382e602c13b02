import SpacetimeProtocol
import SpacetimeSATS

/// What a client does, without doing any of it: events of the network, of the clock and of the program go in, and come out as
/// actions to be carried out and events to be told, in order.
///
/// Connections are numbered. What is told of one that is not the latest is passed over, so that nobody has to make sure that an
/// old one is silent. Times are those that have passed on one clock.
struct ClientCore: ~Copyable {
    /// How far the latest connection is.
    enum Phase: Equatable {
        /// The program has not asked for one yet.
        case idle
        /// There was one, and the next is tried at this time.
        case waiting(until: Duration)
        /// One is being opened.
        case opening(until: Duration)
        /// It is open, and the server has to greet.
        case greeting(until: Duration)
        /// It works since this time.
        case open(since: Duration)
        /// There will be none.
        case ended
    }

    /// What a request is for. The key is the number that the server echoes.
    enum Request: Equatable {
        case reducer
        case procedure
        case query
        case subscribe(UInt32)
        case unsubscribe(UInt32)
        /// Leaves a set by the number that the server knows, of which nothing is wanted.
        case abandon(UInt32)
    }

    /// Queries that are watched together. Their number is the program's; the server knows them by another one on each
    /// connection.
    struct QuerySet {
        enum State {
            /// It was not sent on this connection.
            case unsent
            /// Its first rows have not come on this connection.
            case pending
            case active
        }

        let queries: [String]
        var state = State.unsent
        var wireID: UInt32 = 0
        /// Whether the program has been told that it is there.
        var wasTold = false
        /// Whether the program does not want it any more, and the server was told, or will be.
        var isLeaving = false
        /// Whether the program thinks that it is gone. Its rows are still there, and go with the next connection.
        var isLeftOver = false
        /// Whether its rows are among those that are seen.
        var isShown = false
        /// The commit at which they are, left by an earlier connection; nil if that is not known.
        var point: Point?
        /// How many commits had been told on this connection when its rows came.
        var reachedCount = 0
    }

    let options: ClientOptions
    let address: ServerAddress
    let database: String
    let compression: Compression
    let decompressor: any PayloadDecompressor

    var phase = Phase.idle
    var connection: UInt64 = 0
    var subprotocol = Subprotocol.v2
    var token: String?
    var session: ClientSession?
    var backoff: Backoff
    var random: SplitMix
    /// By it the server knows a connection that this client has lost, and ends it before the next one comes in.
    let sessionID: String
    var scratch = BSATNWriter()

    var cache: DatabaseCache
    /// Whether what is seen is what the connection before had left, until all first rows have come on this one.
    var isCatchingUp = false
    /// Subscriptions whose first rows have not come on this connection.
    var firstRowsAwaited = 0
    /// What is told when what is seen is up to date again.
    var deferred: [ClientEvent] = []

    // See `ClientCore+Resuming.swift`.
    /// Whether there was a connection before this one.
    var isReturning = false
    /// Whether the server has greeted, and was not asked for anything yet.
    var isBeginning = false
    /// What the server calls the history that its offsets are of; nil if it tells none.
    var history: UInt128?
    /// The last commit that was told on this connection, and how many were.
    var reached: Point?
    var reachedCount = 0
    /// Whether rows are seen of sets that are gone, and that only a new beginning takes away; or that are not trusted.
    var hasStrays = false
    var resumption: Resumption?
    /// Sets that were left, by the number that the server knows: what comes for them is passed over.
    var abandoned: Set<UInt32> = []

    /// Calls whose rows will be seen when all first rows have come, and that are foreseen until then.
    var settledLater: [UInt32] = []

    var serverClock = ServerClock()
    /// A call whose answer will tell something of the server's clock, and when it was sent: one at a time.
    var timedCall: (request: UInt32, sent: Duration)?
    /// When the program last asked for something.
    var now = Duration.zero

    var requests: [UInt32: Request] = [:]
    var lastRequest: UInt32 = 0
    /// Requests that wait for a connection.
    var unsent: [V2.ClientMessage] = []
    /// By the number of the program.
    var sets: [UInt32: QuerySet] = [:]
    /// In the order in which the program wanted them.
    var setOrder: [UInt32] = []
    /// By the number that the server knows, on this connection.
    var setsByWireID: [UInt32: UInt32] = [:]
    var lastSet: UInt32 = 0
    var lastWireID: UInt32 = 0

    var actions: [ClientAction] = []
    var events: [ClientEvent] = []

    init(
        address: ServerAddress, database: String, token: String?, options: ClientOptions, compression: Compression,
        decompressor: any PayloadDecompressor
    ) {
        self.address = address
        self.database = database
        self.token = token
        self.options = options
        self.compression = compression
        self.decompressor = decompressor
        backoff = Backoff(options.reconnection)
        random = SplitMix(seed: options.seed)
        // From a generator of its own: what else is random stays what it is.
        var names = SplitMix(seed: ~options.seed)
        sessionID = options.sessionID ?? String(names.next(), radix: 16) + String(names.next(), radix: 16)
        cache = DatabaseCache(layouts: options.tables, secret: random.next())
    }

    /// What is to be done, once.
    mutating func takeActions() -> [ClientAction] {
        defer { actions.removeAll(keepingCapacity: true) }
        return actions
    }

    /// What is to be told, once.
    mutating func takeEvents() -> [ClientEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    /// Whether rows changed, which was not told yet.
    var hasChanges: Bool { events.contains { if case .changed = $0 { true } else { false } } }

    var isOpen: Bool { if case .open = phase { true } else { false } }

    /// When ``timeReached(_:)`` has to be called.
    var deadline: Duration? {
        switch phase {
        case .waiting(let until), .opening(let until), .greeting(let until): until
        case .idle, .open, .ended: nil
        }
    }

    // MARK: Connecting

    /// The program wants a connection.
    mutating func connect(now: Duration) {
        guard phase == .idle else { return }
        open(now: now)
    }

    private mutating func open(now: Duration) {
        connection += 1
        phase = .opening(until: now + options.connectTimeout)
        actions.append(.open(connection, opening))
    }

    private var opening: TransportOpening {
        var path = "\(address.basePath)/v1/database/\(percentEncoded(database))/subscribe"
        path += "?compression=\(compression.parameter)"
        if let confirmed = options.confirmedReads { path += "&confirmed=\(confirmed)" }
        path += "&session_id=\(percentEncoded(sessionID))"
        if options.resumes { path += "&offsets=true" }
        let headers = token.map { [TransportOpening.Header(name: "Authorization", value: "Bearer \($0)")] }
        return TransportOpening(
            address: address, path: path, headers: headers ?? [], subprotocols: [.v3, .v2],
            wantsOffsets: options.resumes, messageByteLimit: options.messageLimits.messageBytes)
    }

    /// The connection is there.
    mutating func opened(_ number: UInt64, _ chosen: Subprotocol?, now: Duration) {
        guard number == connection, case .opening(let until) = phase else {
            // Somebody hung up meanwhile.
            return actions.append(.abandon(number))
        }
        guard let chosen, chosen.speaksV2 else {
            let what = chosen.map { "chose \($0.name)" } ?? "named no subprotocol"
            return violate("the server \(what), and this client speaks v3 and v2 only", now: now)
        }
        subprotocol = chosen
        phase = .greeting(until: until)
    }

    /// The connection could not be opened.
    mutating func openingFailed(_ number: UInt64, _ error: ClientError, now: Duration) {
        guard number == connection, case .opening = phase else { return }
        lose(error, now: now)
    }

    /// The connection has ended.
    mutating func closed(_ number: UInt64, _ end: TransportEnd, now: Duration) {
        guard number == connection else { return }
        switch phase {
        case .opening, .greeting, .open: break
        case .idle, .waiting, .ended: return
        }
        var text = "the connection to \(address) was lost"
        if let code = end.code { text += ", with code \(code)" }
        if !end.reason.isEmpty { text += ": \(end.reason)" }
        if !isOpen, end.code == nil { text += "; the module may have refused it" }
        lose(ClientError(.connectionLost, text), now: now)
    }

    /// The time of ``deadline`` has come.
    mutating func timeReached(now: Duration) {
        guard let deadline, now >= deadline else { return }
        switch phase {
        case .waiting: open(now: now)
        case .opening, .greeting:
            actions.append(.abandon(connection))
            lose(ClientError(.unreachable, "\(address) did not greet within \(options.connectTimeout)"), now: now)
        case .idle, .open, .ended: break
        }
    }

    /// The program has had enough.
    mutating func disconnect() {
        switch phase {
        case .opening: actions.append(.abandon(connection))
        case .greeting, .open:
            actions.append(.close(connection, code: 1000, reason: "Disconnecting normally."))
        case .idle, .waiting, .ended: break
        }
        end(nil)
    }

    // MARK: Losing

    /// The server did what it may not do: the connection is of no use any more.
    mutating func violate(_ problem: String, now: Duration) {
        // Nothing is gone on with that may have come of it.
        hasStrays = true
        actions.append(.close(connection, code: 1002, reason: ProtocolError.closeReason(problem)))
        lose(ClientError(.protocolViolation, problem), now: now)
    }

    /// The connection is gone, or is as good as gone.
    mutating func lose(_ error: ClientError, now: Duration) {
        if case .open(let since) = phase, now - since >= Backoff.settled { backoff.reset() }
        leaveConnection(
            ClientError(
                .connectionLost,
                "the connection was lost before the answer came; whether the server did it is not known"))
        let isFinal = error.code == .refused || (session == nil && !options.reconnection.coversFirstConnection)
        guard !isFinal, let delay = backoff.next(&random) else { return end(error) }
        phase = .waiting(until: now + delay)
        events.append(.disconnected(error, retryIn: delay))
    }

    /// Forgets what was under way on the connection, and keeps what there is.
    private mutating func leaveConnection(_ error: ClientError) {
        notePoints()
        if isCatchingUp { cache.dropNext() }
        isCatchingUp = false
        isBeginning = false
        resumption = nil
        (history, reached, reachedCount, abandoned) = (nil, nil, 0, [])
        timedCall = nil
        firstRowsAwaited = 0
        setsByWireID = [:]
        // That a call was carried out stays true. Subscriptions will be there again.
        for event in deferred {
            if case .subscribed(let number) = event { sets[number]?.wasTold = false } else { events.append(event) }
        }
        deferred = []

        let waiting = Set(unsent.map(\.requestID))
        for number in requests.keys where !waiting.contains(number) { cache.settle(number) }
        for number in settledLater { cache.settle(number) }
        settledLater = []
        report(cache.refresh())
        for number in requests.keys.sorted() where !waiting.contains(number) {
            switch requests.removeValue(forKey: number) {
            case .reducer, .procedure, .query: events.append(.finished(number, .failed(error)))
            case .subscribe, .unsubscribe, .abandon, nil: break
            }
        }
        for number in setOrder {
            sets[number]?.state = .unsent
            if sets[number]?.isLeaving == true { leaveOver(number) }
        }
    }

    /// There will be no connection any more.
    private mutating func end(_ error: ClientError?) {
        guard phase != .ended else { return }
        phase = .ended
        let reason = error ?? ClientError(.disconnected, "the client was disconnected")
        leaveConnection(reason)
        for number in requests.keys { cache.settle(number) }
        report(cache.refresh())
        for number in requests.keys.sorted() { events.append(.finished(number, .failed(reason))) }
        requests = [:]
        unsent = []
        for number in setOrder { forget(number, error) }
        events.append(.ended(error))
    }

    /// A subscription is no more.
    mutating func forget(_ number: UInt32, _ error: ClientError?) {
        guard let set = sets.removeValue(forKey: number) else { return }
        if setsByWireID[set.wireID] == number { setsByWireID[set.wireID] = nil }
        setOrder.removeAll { $0 == number }
        if set.isShown { hasStrays = true }
        if !set.isLeftOver { events.append(.unsubscribed(number, error)) }
    }

    /// A subscription is not wanted any more, and there is no connection: if it is known where its rows are, the next one tells which
    /// ones they are.
    mutating func leaveOver(_ number: UInt32) {
        guard let set = sets[number], set.isShown, set.point != nil else { return forget(number, nil) }
        if !set.isLeftOver { events.append(.unsubscribed(number, nil)) }
        sets[number]?.isLeaving = true
        sets[number]?.isLeftOver = true
    }
}

extension V2.ClientMessage {
    /// The number that the server echoes.
    var requestID: UInt32 {
        switch self {
        case .subscribe(let id, _, _), .unsubscribe(let id, _, _), .oneOffQuery(let id, _), .callReducer(let id, _, _),
            .callProcedure(let id, _, _):
            id
        }
    }
}
