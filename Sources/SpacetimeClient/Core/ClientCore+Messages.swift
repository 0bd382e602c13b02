import SpacetimeProtocol
import SpacetimeSATS

/// What the server says.
extension ClientCore {
    /// Why a message is not accepted.
    struct Violation: Error {
        let problem: String
        init(_ problem: String) { self.problem = problem }
    }

    /// A binary message arrived. Messages before one that is wrong have been applied.
    mutating func received(_ number: UInt64, _ payload: [UInt8], now: Duration) {
        guard number == connection else { return }
        switch phase {
        case .greeting, .open: break
        case .idle, .waiting, .opening, .ended: return
        }
        self.now = now
        do {
            for message in try messages(of: payload) {
                // Another one may have ended the connection.
                guard number == connection else { return }
                switch phase {
                case .greeting, .open:
                    if resumption == nil { try handle(message) } else { try hold(message) }
                default: return
                }
            }
            if isBeginning { begin() }
        } catch let error as Violation {
            violate(error.problem, now: now)
        } catch {
            violate("\(error)", now: now)
        }
    }

    private mutating func messages(of payload: [UInt8]) throws(ProtocolError) -> [V3.ServerMessage] {
        let limits = options.messageLimits
        let (isBatched, wantsOffsets) = (subprotocol.isBatched, options.resumes)
        return try ServerPayload.withBody(
            of: payload.span.bytes, limits: limits, decompressor: AnyDecompressor(decompressor), scratch: &scratch
        ) { (body) throws(ProtocolError) in
            var messages: [V3.ServerMessage] = []
            if isBatched, wantsOffsets {
                var reader = try V3.ServerMessageReader(body, limits: limits)
                while let message = try reader.next() { messages.append(message) }
            } else {
                var reader = try V2.ServerMessageReader(body, isBatched: isBatched, limits: limits)
                while let message = try reader.next() { messages.append(.common(message)) }
            }
            return messages
        }
    }

    mutating func handle(_ message: V3.ServerMessage) throws {
        if case .greeting = phase {
            guard case .common(.initialConnection(let identity, let id, let token)) = message else {
                throw Violation("the first message of the server is no greeting")
            }
            return greeted(ClientSession(identity: identity, connectionID: id, token: token))
        }
        switch message {
        case .common(let message): try handle(message)
        case .history(let name): take(history: name)
        case .reached(let offset): try take(reached: offset)
        case .resumed(let request, let wireID, _): try resumed(request, wireID)
        }
    }

    private mutating func handle(_ message: V2.ServerMessage) throws {
        switch message {
        case .initialConnection(let identity, let id, _):
            // Some servers repeat themselves; saying something else is another matter.
            guard identity == session?.identity, id == session?.connectionID else {
                throw Violation("the server greeted twice, with different identities")
            }
        case .subscribeApplied(let request, let set, let rows): try subscribed(request, set, rows)
        case .unsubscribeApplied(let request, let set, let rows): try unsubscribed(request, set, rows)
        case .subscriptionError(let request?, let set, let text): try subscriptionFailed(request, set, text)
        case .subscriptionError(nil, let set, let text): try setFailed(set, text)
        case .transactionUpdate(let changes): try apply(changes)
        case .oneOffQueryResult(let request, let result):
            try expect(request, .query)
            switch result {
            case .rows(let rows): finish(request, .rows(rows))
            case .error(let text): finish(request, .failed(ClientError(.failed, text)))
            }
        case .reducerResult(let request, let timestamp, let outcome):
            try reducerFinished(request, outcome)
            learn(timestamp, from: request)
        case .procedureResult(let request, let outcome, let timestamp, _):
            try expect(request, .procedure)
            learn(timestamp, from: request)
            switch outcome {
            case .returned(let bytes): finish(request, .returned(bytes))
            case .internalError(let text): finish(request, .failed(ClientError(.failed, text)))
            }
        }
    }

    private mutating func greeted(_ session: ClientSession) {
        isReturning = self.session != nil
        isBeginning = true
        self.session = session
        if !session.token.isEmpty { token = session.token }
        phase = .open(since: now)
        events.append(.connected(session))
    }

    // MARK: Rows

    private var generation: RowStore.Generation { isCatchingUp ? .next : .current }

    private mutating func apply(_ changes: [V2.QuerySetUpdate]) throws {
        var changes = changes
        if !abandoned.isEmpty { changes.removeAll { abandoned.contains($0.querySetID) } }
        for update in changes where setsByWireID[update.querySetID] == nil {
            throw Violation("rows came for set \(update.querySetID), which is not watched")
        }
        report(try cache.apply(changes, in: generation))
    }

    mutating func report(_ changes: [TableChanges]) {
        if !changes.isEmpty { events.append(.changed(changes)) }
    }

    /// Tells something that is about the cache: when what is seen is up to date.
    private mutating func tell(_ event: ClientEvent) {
        if isCatchingUp { deferred.append(event) } else { events.append(event) }
    }

    /// If all first rows have come on a new connection, they are what is seen from now on.
    mutating func catchUp() {
        guard isCatchingUp, firstRowsAwaited == 0 else { return }
        isCatchingUp = false
        hasStrays = false
        for number in setOrder where sets[number]?.state == .active { show(number) }
        for number in settledLater { cache.settle(number) }
        settledLater = []
        report(cache.takeNext())
        events += deferred
        deferred = []
    }

    // MARK: Answers

    /// The request that the server answers must have been made, and be of this kind. It is taken out when the answer was found
    /// to be right: else it is one of those that are lost with the connection.
    func expect(_ number: UInt32, _ kind: Request) throws {
        guard requests[number] == kind else {
            throw Violation("request \(number) was answered, which nobody has made, or in another way")
        }
    }

    private mutating func finish(_ number: UInt32, _ outcome: RequestOutcome) {
        requests[number] = nil
        switch outcome {
        case .returned: tell(.finished(number, outcome))
        case .rows, .failed: events.append(.finished(number, outcome))
        }
    }

    /// Takes the server's time from the answer to the call that is being timed.
    private mutating func learn(_ timestamp: Timestamp, from request: UInt32) {
        guard let call = timedCall, call.request == request else { return }
        timedCall = nil
        // Calls that were not begun may have none.
        guard timestamp.microsecondsSinceUnixEpoch != 0 else { return }
        serverClock.add(sent: call.sent, received: now, server: timestamp)
    }

    private mutating func reducerFinished(_ request: UInt32, _ outcome: V2.ReducerOutcome) throws {
        try expect(request, .reducer)
        settle(request, outcome)
        switch outcome {
        case .committed(_, let changes):
            try apply(changes)
            finish(request, .returned([]))
        case .committedEmpty:
            report(cache.refresh())
            finish(request, .returned([]))
        case .failedWithBytes:
            report(cache.refresh())
            let text = outcome.failure ?? "the reducer failed, and did not say why in a text"
            finish(request, .failed(ClientError(.rejected, text)))
        case .internalError(let text):
            report(cache.refresh())
            finish(request, .failed(ClientError(.failed, text)))
        }
    }

    /// What a call did is not foreseen any more, but seen: from now on, or when all first rows have come.
    private mutating func settle(_ request: UInt32, _ outcome: V2.ReducerOutcome) {
        switch outcome {
        case .committed where isCatchingUp: settledLater.append(request)
        default: cache.settle(request)
        }
    }

    private mutating func subscribed(_ request: UInt32, _ wireID: UInt32, _ rows: [V2.TableRows]) throws {
        guard let number = setsByWireID[wireID], sets[number]?.state == .pending else {
            throw Violation("set \(wireID) was confirmed, which nobody has asked for")
        }
        try expect(request, .subscribe(number))
        report(try cache.apply(rows, isInsert: true, in: generation))
        didSubscribe(request, number)
        catchUp()
    }

    /// All rows of a set have come.
    mutating func didSubscribe(_ request: UInt32, _ number: UInt32) {
        requests[request] = nil
        sets[number]?.state = .active
        if !isCatchingUp { show(number) }
        if sets[number]?.wasTold == false {
            sets[number]?.wasTold = true
            tell(.subscribed(number))
        }
        firstRowsAwaited -= 1
    }

    private mutating func unsubscribed(_ request: UInt32, _ wireID: UInt32, _ rows: [V2.TableRows]?) throws {
        if isAbandoned(request, wireID) { return }
        guard let number = setsByWireID[wireID], sets[number]?.state == .active, let rows else {
            throw Violation("set \(wireID) was left, which nobody has asked for, or without its rows")
        }
        try expect(request, .unsubscribe(number))
        report(try cache.apply(rows, isInsert: false, in: generation))
        requests[request] = nil
        if !isCatchingUp { sets[number]?.isShown = false }
        forget(number, nil)
    }

    /// Whether this answers the request to leave a set of which nothing is wanted.
    private mutating func isAbandoned(_ request: UInt32, _ wireID: UInt32) -> Bool {
        guard requests[request] == .abandon(wireID) else { return false }
        requests[request] = nil
        abandoned.remove(wireID)
        return true
    }

    private mutating func subscriptionFailed(_ request: UInt32, _ wireID: UInt32, _ text: String) throws {
        if isAbandoned(request, wireID) { return }
        switch requests.removeValue(forKey: request) {
        case .subscribe(let number):
            firstRowsAwaited -= 1
            // Without this, a set that is not there any more would be looked for when the unsubscribe is answered.
            forget(number, ClientError(.subscription, text))
            catchUp()
        case .unsubscribe(let number):
            // The answer to leaving a set that was never there; of one that is there, the rows would stay for ever.
            if sets[number] != nil { throw Violation("set \(wireID) cannot be left: \(text)") }
        default: throw Violation("request \(request) was answered, which nobody has made, or in another way")
        }
    }

    /// A set that was being watched failed at the server. Which of its rows are in no other set, only a new beginning tells.
    private mutating func setFailed(_ wireID: UInt32, _ text: String) throws {
        if abandoned.contains(wireID) { return }
        guard let number = setsByWireID[wireID] else {
            throw Violation("set \(wireID) failed, which is not watched: \(text)")
        }
        forget(number, ClientError(.subscription, text))
        actions.append(.close(connection, code: 1000, reason: "A subscription has failed."))
        lose(ClientError(.subscription, "a subscription failed at the server: \(text)"), now: now)
    }
}

/// A decompressor of any type where one of a certain type is expected.
private struct AnyDecompressor: PayloadDecompressor {
    let base: any PayloadDecompressor

    init(_ base: any PayloadDecompressor) { self.base = base }

    func decompress(
        _ bytes: RawSpan, with compression: Compression, limit: Int, into writer: inout BSATNWriter
    ) -> Bool { base.decompress(bytes, with: compression, limit: limit, into: &writer) }
}
