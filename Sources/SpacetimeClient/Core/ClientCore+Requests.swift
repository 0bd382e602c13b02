import SpacetimeProtocol
import SpacetimeSATS

/// What the program asks for. Requests wait while there is no connection; those that were sent when it was lost have failed.
extension ClientCore {
    /// The most bytes that servers take in one message.
    private static var requestByteLimit: Int { 33_554_432 }

    /// Calls a reducer. The answer is told with the number that is returned.
    mutating func callReducer(_ name: String, _ arguments: [UInt8]) throws(ClientError) -> UInt32 {
        let number = try admit(.reducer, byteCount: arguments.count + name.utf8.count)
        send(.callReducer(requestID: number, name: name, arguments: arguments))
        return number
    }

    /// Calls a reducer, and shows what it would change until its answer comes.
    mutating func predict(
        _ name: String, _ arguments: [UInt8], at timestamp: Timestamp
    ) throws(ClientError) -> UInt32 {
        let number = try callReducer(name, arguments)
        // As whom it is called is not known before the first connection.
        if let session {
            let call = PredictedCall(
                number: number, reducer: name, arguments: arguments, identity: session.identity,
                connectionID: session.connectionID, timestamp: timestamp)
            report(cache.add(call))
        }
        return number
    }

    /// Calls a procedure. The answer is told with the number that is returned.
    mutating func callProcedure(_ name: String, _ arguments: [UInt8]) throws(ClientError) -> UInt32 {
        let number = try admit(.procedure, byteCount: arguments.count + name.utf8.count)
        send(.callProcedure(requestID: number, name: name, arguments: arguments))
        return number
    }

    /// Asks for rows once. The answer is told with the number that is returned.
    mutating func query(_ sql: String) throws(ClientError) -> UInt32 {
        let number = try admit(.query, byteCount: sql.utf8.count)
        send(.oneOffQuery(requestID: number, query: sql))
        return number
    }

    /// Watches queries from now on, on this connection and on all that follow. What becomes of it is told with the number that
    /// is returned, which is not that of a request.
    mutating func subscribe(_ queries: [String]) throws(ClientError) -> UInt32 {
        try checkAdmission(byteCount: queries.reduce(0) { $0 + $1.utf8.count + 4 })
        repeat { lastSet &+= 1 } while sets[lastSet] != nil
        sets[lastSet] = QuerySet(queries: queries)
        setOrder.append(lastSet)
        // Without a connection, the next one begins with all sets.
        if isOpen { send(subscribeMessage(for: lastSet)) }
        return lastSet
    }

    /// Does not want queries to be watched any more. Without a connection their rows go when the next one is up to date.
    mutating func unsubscribe(_ number: UInt32) {
        guard let set = sets[number], !set.isLeaving else { return }
        guard isOpen, set.state != .unsent else { return leaveOver(number) }
        sets[number]?.isLeaving = true
        send(unsubscribeMessage(for: number))
    }

    // MARK: Sending

    private mutating func admit(_ request: Request, byteCount: Int) throws(ClientError) -> UInt32 {
        try checkAdmission(byteCount: byteCount)
        return makeRequest(request)
    }

    private func checkAdmission(byteCount: Int) throws(ClientError) {
        if phase == .ended {
            throw ClientError(.disconnected, "the client is disconnected; connect another one")
        }
        guard requests.count < options.requestLimit else {
            throw ClientError(
                .tooManyRequests,
                "\(requests.count) requests wait for an answer already; wait for some, or raise `requestLimit`")
        }
        guard byteCount <= Self.requestByteLimit - 64 else {
            throw ClientError(
                .failed, "a request of \(byteCount) bytes was not sent; servers take \(Self.requestByteLimit) at most")
        }
    }

    mutating func makeRequest(_ request: Request) -> UInt32 {
        repeat { lastRequest &+= 1 } while requests[lastRequest] != nil
        requests[lastRequest] = request
        return lastRequest
    }

    /// Sends a message, or keeps it until there is a connection.
    private mutating func send(_ message: V2.ClientMessage) {
        guard isOpen else { return unsent.append(message) }
        send([.common(message)])
    }

    /// Sends messages in as few frames as the subprotocol allows.
    mutating func send(_ messages: [V3.ClientMessage]) {
        scratch.removeAll()
        for message in messages {
            if case .common(let message) = message { note(message) }
            let start = scratch.count
            message.encode(to: &scratch)
            // What would make the frame too large begins the next one.
            if start > 0, !subprotocol.isBatched || scratch.count > Self.requestByteLimit {
                scratch.truncate(to: start)
                flush()
                message.encode(to: &scratch)
            }
        }
        if scratch.count > 0 { flush() }
    }

    /// Notes when a call is sent, if no other one is being timed.
    private mutating func note(_ message: V2.ClientMessage) {
        switch message {
        case .callReducer(let request, _, _), .callProcedure(let request, _, _):
            if timedCall == nil { timedCall = (request, now) }
        case .subscribe, .unsubscribe, .oneOffQuery: break
        }
    }

    private mutating func flush() {
        actions.append(.send(connection, scratch.toArray()))
        scratch.removeAll()
    }

    mutating func subscribeMessage(for number: UInt32) -> V2.ClientMessage {
        repeat { lastWireID &+= 1 } while setsByWireID[lastWireID] != nil || abandoned.contains(lastWireID)
        setsByWireID[lastWireID] = number
        sets[number]?.wireID = lastWireID
        sets[number]?.state = .pending
        firstRowsAwaited += 1
        let request = makeRequest(.subscribe(number))
        return .subscribe(
            requestID: request, querySetID: lastWireID, queries: sets[number]?.queries ?? [])
    }

    mutating func unsubscribeMessage(for number: UInt32) -> V2.ClientMessage {
        let request = makeRequest(.unsubscribe(number))
        return .unsubscribe(requestID: request, querySetID: sets[number]?.wireID ?? 0, wantsRows: true)
    }

    /// Sends the first messages of a connection, about everything that is to be watched, in one frame, which servers evaluate at one
    /// point between two transactions; then what has waited.
    mutating func sendFirst(_ messages: [V3.ClientMessage]) {
        send(messages)
        let waiting = unsent
        unsent = []
        send(waiting.map { .common($0) })
    }
}
