import DequeModule
import NIOCore
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import Synchronization

/// What a client asks for, and how it is done.
extension ClientConnection {
    /// Something came from the client.
    func noteReceived() {
        lastReceived = delivery.eventLoop.now
        isPingUnanswered = false
        // What comes of it is told when all of it was taken in.
        isWoken.store(true, ordering: .relaxed)
    }

    /// Takes one message. Calls may run before this returns, and the database is held then until ``endOfRead()``.
    func receive(_ payload: UnsafeRawBufferPointer, isText: Bool) {
        if case .ended = state { return }
        ledger.receiveFrame(byteCount: payload.count)
        do throws(ProtocolError) {
            if subprotocol.speaksV2 {
                guard !isText else {
                    note(.malformed)
                    return close(.failure("a text frame, where binary ones are spoken"))
                }
                try receiveV2(payload)
            } else {
                try receiveV1(payload, isText: isText)
            }
        } catch {
            batch = nil
            note(.malformed)
            // No text that could be read holds anything else, so this is asked only now.
            do throws(WebSocketReader.Violation) { if isText { try WebSocketReader.checkText(payload) } } catch {
                return close(error.closing)
            }
            close(.failure(error.closeReason))
        }
    }

    /// What was read at once has been taken in.
    func endOfRead() {
        batch = nil
        if let wait = ledger.endOfRead(at: delivery.eventLoop.now) { slowDown(for: wait) }
        proceed()
        nanosecondsLeft = Turns.length
    }

    private func slowDown(for time: TimeAmount) {
        guard !isSlowedDown else { return }
        isSlowedDown = true
        delivery.eventLoop.scheduleTask(in: time) {
            self.isSlowedDown = false
            self.proceed()
        }
    }

    /// Runs a call now if that is possible, else puts it behind what waits.
    func call(_ request: UInt32, name: RawSpan, arguments: RawSpan) {
        do throws(DatabaseError) {
            let reducer = try reducer(named: name)
            if let refusal = ledger.refusal(of: reducer, at: delivery.eventLoop.now) { throw refusal }
            // The bytes lie in the frame, which stays where it is during the call.
            let bytes = arguments.withUnsafeBytes { $0 }
            let pace = generation.pace
            if isIdle, nanosecondsLeft > 0, !pace.isSlow(reducer), try hasBatch() {
                ledger.receive(.callReducer)
                let nanoseconds = batch?.call(request, reducer, arguments: bytes) ?? 0
                pace.note(reducer, nanoseconds)
                nanosecondsLeft -= nanoseconds
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
        batch = try generation.core.sessions.batchIfFree(by: session)
        // The reducer of the call that is about to be made is the old module's, so the call waits.
        return batch != nil
    }

    /// The position of a reducer. Most clients call the same one over and over.
    private func reducer(named name: RawSpan) throws(DatabaseError) -> Int {
        let bytes = name.withUnsafeBytes { $0 }
        if lastCall.reducer >= 0, lastCall.name.withUnsafeBytes({ $0.hasSameBytes(as: bytes) }) {
            return lastCall.reducer
        }
        let reducer = try generation.core.sessions.reducer(
            named: String(decoding: bytes, as: UTF8.self), for: Caller(identity: principal.identity))
        lastCall = (Array(bytes), reducer)
        return reducer
    }

    func enqueue(_ request: ClientRequest) {
        if case .ended = state { return }
        batch = nil
        ledger.receive(request.kind)
        inbox.append(request)
        guard inbox.count > options.incomingQueueLimit, ledger.limits.overflow == .close else { return }
        ledger.note(.incomingQueue)
        note(.incomingOverflow)
        close(.tooManyRequests)
    }

    // MARK: One step after the other

    /// Does what waits, one step at a time.
    func proceed() {
        renewIfReplaced()
        guard case .open = state, !isBusy, !isAwaitingTurn, let session else { return pauseIfNeeded() }
        if waitsForTurn {
            isAwaitingTurn = true
            // Whoever has used up his time comes behind the others.
            if nanosecondsLeft > 0 { delivery.turns.begin(self) } else { delivery.turns.add(self) }
        } else if let step = nextStep() {
            isBusy = true
            Task {
                await perform(step, session)
                delivery.eventLoop.execute {
                    self.isBusy = false
                    self.proceed()
                }
            }
        }
        pauseIfNeeded()
    }

    /// Whether the next step is a call that runs on the event loop.
    private var waitsForTurn: Bool {
        switch inbox.first {
        case .call(_, let reducer, _)?: !generation.pace.isSlow(reducer) && generation.core.sessions.hasRoom
        case .refusedCall?: generation.core.sessions.hasRoom
        default: false
        }
    }

    /// Runs calls that wait, in their order, for as long as a turn lasts.
    ///
    /// - Returns: how it ended, and how long it took.
    func takeTurn(with lock: HandedLock?) -> (outcome: Turns.Outcome, nanoseconds: Int64) {
        renewIfReplaced()
        guard case .open = state, let session else { return (.over, 0) }
        let sessions = generation.core.sessions
        // What is done here is told at the end of it.
        isWoken.store(true, ordering: .relaxed)
        defer { deliver() }
        var left = Turns.length
        do throws(DatabaseError) {
            var batch: CallBatch
            if let lock {
                batch = sessions.batch(by: session, with: lock)
            } else if let free = try sessions.batchIfFree(by: session) {
                batch = free
            } else if waitsForTurn {
                return (.locked, 0)
            } else {
                return endTurn(after: 0)
            }
            while left > 0, runNext(in: &batch, &left) {}
        } catch {
            // Only inside of a transaction, where no event loop is.
            close(.failure(ProtocolError.closeReason(error.message)))
            return (.over, 0)
        }
        let nanoseconds = Turns.length - left
        return waitsForTurn ? (.unfinished, nanoseconds) : endTurn(after: nanoseconds)
    }

    private func endTurn(after nanoseconds: Int64) -> (outcome: Turns.Outcome, nanoseconds: Int64) {
        isAwaitingTurn = false
        proceed()
        return (.over, nanoseconds)
    }

    /// - Returns: false if the next step is no call that may run here.
    private func runNext(in batch: inout CallBatch, _ left: inout Int64) -> Bool {
        switch inbox.first {
        case .call(let request, let reducer, let arguments)? where !generation.pace.isSlow(reducer):
            inbox.removeFirst()
            let nanoseconds = arguments.withUnsafeBytes { batch.call(request, reducer, arguments: $0) }
            generation.pace.note(reducer, nanoseconds)
            left -= nanoseconds
            return true
        case .refusedCall(let request, let name, let error)?:
            inbox.removeFirst()
            batch.refuse(request, name, error)
            return true
        default: return false
        }
    }

    /// Nothing more is read from a client of whom much waits, or who has used up his time.
    private func pauseIfNeeded() {
        let isLate = isAwaitingTurn && nanosecondsLeft <= 0
        setPaused(isSlowedDown || isLate || inbox.count > Self.pauseCount)
    }

    private func setPaused(_ isPaused: Bool) {
        guard isPaused != self.isPaused else { return }
        self.isPaused = isPaused
        transport?.setReading(!isPaused)
    }

    /// What is done in one step: calls that follow each other, or changes of what is watched.
    enum Step: Sendable {
        case calls([ClientRequest], ModuleGeneration)
        case sets(SetStep)
        case query(RequestTag, String)
        case procedure(UInt32, String, [UInt8])
    }

    private func nextStep() -> Step? {
        guard let first = inbox.first else { return nil }
        switch first {
        case .call, .refusedCall:
            // One that is slow has the database for itself; where the log is full, some are waited with at once.
            var calls = [inbox.removeFirst()]
            if case .call(_, let reducer, _) = first, generation.pace.isSlow(reducer) {
                return .calls(calls, generation)
            }
            while calls.count < Self.stepCallCount, let next = inbox.first {
                switch next {
                case .call, .refusedCall: calls.append(inbox.removeFirst())
                default: return .calls(calls, generation)
                }
            }
            return .calls(calls, generation)
        case .join, .leave:
            var step = SetStep(generation.core.catalog)
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
        case .calls(let calls, let generation): await perform(calls, of: generation, session)
        case .sets(let step): await perform(step, session)
        // Neither holds up what comes behind it.
        case .query(let tag, let text): Task { await answer(tag, text, session) }
        case .procedure(let request, let name, let arguments):
            Task { await call(procedure: name, arguments, request, session) }
        }
    }

    /// Runs calls, with the module that the database has then.
    private func perform(_ calls: [ClientRequest], of generation: ModuleGeneration, _ session: Session) async {
        var (calls, generation) = (calls, generation)
        while true {
            do throws(DatabaseError) { return try await run(calls, generation, session) } catch {
                guard error.code == .moduleReplaced else {
                    // The log cannot be written: nothing can be called any more.
                    let reason = ProtocolError.closeReason(error.message)
                    return delivery.eventLoop.execute { self.close(.failure(reason)) }
                }
            }
            let next = database.generation
            calls = calls.map { $0.translated(from: generation.core, to: next.core, for: session.caller) }
            generation = next
        }
    }

    private func run(
        _ calls: [ClientRequest], _ generation: ModuleGeneration, _ session: Session
    ) async throws(DatabaseError) {
        try await generation.core.sessions.batch(by: session) { batch in
            for call in calls {
                switch call {
                case .call(let request, let reducer, let arguments):
                    generation.call(request, reducer, arguments, in: &batch)
                case .refusedCall(let request, let name, let error): batch.refuse(request, name, error)
                default: break
                }
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Eight bytes at a time: this is asked for each call.
    fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            let left = loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard left == other.loadUnaligned(fromByteOffset: offset, as: UInt64.self) else { return false }
            offset &+= 8
        }
        while offset < count {
            guard self[offset] == other[offset] else { return false }
            offset &+= 1
        }
        return true
    }
}
