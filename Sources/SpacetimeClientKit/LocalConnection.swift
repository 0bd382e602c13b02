import SpacetimeClient
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema
import Synchronization

/// The database's end of a connection without a socket. One task does what the client asks for, in order; another tells it what its
/// session is told.
final class LocalConnection: TransportConnection {
    /// A client that does not read is dropped when so much waits for it.
    private static let queueLimit = 16_384

    private enum Incoming {
        case payload([UInt8])
        case close(TransportEnd)
    }

    private struct Gate {
        var isOpen = true
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let core: DatabaseCore
    private let session: Session
    private let receiver: TransportReceiver
    private let isConfirmed: Bool
    /// Whether the client wants to know which commit its rows are at, to go on from there later.
    private let tellsOffsets: Bool
    private let incoming: AsyncStream<Incoming>
    private let put: AsyncStream<Incoming>.Continuation
    private let gate = Mutex(Gate())
    private let end = Mutex<TransportEnd?>(nil)
    private let sets = Mutex(LocalSets())

    init(
        _ core: DatabaseCore, _ caller: Caller, _ receiver: TransportReceiver, isConfirmed: Bool, tellsOffsets: Bool
    ) {
        self.core = core
        self.tellsOffsets = tellsOffsets
        self.receiver = receiver
        self.isConfirmed = isConfirmed
        session = Session(caller, outlet: nil, queueLimit: Self.queueLimit, tellsOffsets: tellsOffsets)
        (incoming, put) = AsyncStream.makeStream()
    }

    /// Greets, and begins to listen.
    func begin() {
        var greeting = BSATNWriter()
        V2.ServerMessage.initialConnection(
            identity: session.caller.identity, connectionID: session.caller.connection, token: ""
        ).encode(to: &greeting)
        if tellsOffsets {
            V3.ServerMessage.history(core.catalog.history(for: session.caller.identity)).encode(to: &greeting)
        }
        session.reply(greeting.toArray())
        let delivering = Task { await deliver() }
        Task {
            await listen()
            // Nothing comes behind the end.
            await delivering.value
            receiver.end(end.withLock { $0 } ?? TransportEnd())
        }
    }

    // MARK: The client's calls

    func send(_ payload: [UInt8]) { put.yield(.payload(payload)) }

    func close(code: UInt16, reason: String) { put.yield(.close(TransportEnd(code: code, reason: reason))) }

    func setReading(_ isOn: Bool) {
        let waiter = gate.withLock { gate in
            gate.isOpen = isOn
            defer { if isOn { gate.waiter = nil } }
            return isOn ? gate.waiter : nil
        }
        waiter?.resume()
    }

    // MARK: What the client asks for

    private func listen() async {
        for await input in incoming {
            switch input {
            case .payload(let payload):
                do throws(ProtocolError) { await perform(try messages(of: payload)) } catch {
                    finish(TransportEnd(code: 1011, reason: error.closeReason))
                }
            case .close(let end): finish(end)
            }
        }
        core.sessions.end(session)
        _ = try? await core.connections.disconnect(session.caller)
    }

    /// Takes nothing in any more. What was asked before is done first.
    private func finish(_ reason: TransportEnd) {
        end.withLock { if $0 == nil { $0 = reason } }
        put.finish()
        session.drop()
        setReading(true)
    }

    private func messages(of payload: [UInt8]) throws(ProtocolError) -> [V3.ClientMessage] {
        var reader = try V2.ClientMessageReader(payload.span.bytes, isBatched: true)
        var messages: [V3.ClientMessage] = []
        while true {
            if tellsOffsets, let since = try reader.nextSubscribeSince() {
                messages.append(.subscribeSince(since))
                continue
            }
            guard let message = try reader.next() else { return messages }
            messages.append(.common(V2.ClientMessage(message)))
        }
    }

    /// Does what one payload asks for. Calls that follow each other are made under one lock, and sets that follow each other are
    /// watched at one point between two transactions.
    private func perform(_ messages: [V3.ClientMessage]) async {
        var calls: [SessionCall] = []
        var step = LocalSets.Step()
        for message in messages {
            switch message {
            case .common(.callReducer(let request, let name, let arguments)):
                await change(&step)
                calls.append(SessionCall(request: request, reducer: name, arguments: arguments))
            case .common(.subscribe(let request, let set, let texts)):
                await call(&calls)
                if step.touches(set) { await change(&step) }
                join(request, set, texts, since: nil, &step)
            case .subscribeSince(let since):
                await call(&calls)
                if step.touches(since.querySetID) { await change(&step) }
                let point = ResumePoint(history: since.history, offset: TxOffset(since.offset))
                join(since.requestID, since.querySetID, since.queries, since: point, &step)
            case .common(.unsubscribe(let request, let set, _)):
                await call(&calls)
                if step.touches(set) { await change(&step) }
                leave(request, set, &step)
            case .common(.oneOffQuery(let request, let text)):
                await call(&calls)
                await change(&step)
                Task { await answer(request, text) }
            case .common(.callProcedure(let request, let name, let arguments)):
                await call(&calls)
                await change(&step)
                Task { await call(procedure: name, arguments, request) }
            }
        }
        await call(&calls)
        await change(&step)
    }

    private func call(_ calls: inout [SessionCall]) async {
        if calls.isEmpty { return }
        do throws(DatabaseError) { try await core.sessions.call(calls, by: session) } catch {
            // The log cannot be written: nothing can be called any more.
            finish(TransportEnd(code: 1011, reason: error.message))
        }
        calls = []
    }

    private func answer(_ request: UInt32, _ text: String) async {
        do throws(DatabaseError) {
            let name = try core.sessions.texts.query(text, in: .oneOff, as: session.caller).tableName(in: core.catalog)
            let result = try await core.statements.run(Statements.Request(text, as: session.caller, isOneOff: true))
            var writer = BSATNWriter()
            var encoder = V2.RowsEncoder.oneOffQueryResult(requestID: request, in: &writer)
            encoder.append(result.rows.bytes, ends: result.rows.ends, table: name, to: &writer)
            session.reply(writer.toArray(), at: result.offset)
        } catch {
            reply(.oneOffQueryResult(requestID: request, result: .error(error.message)))
        }
    }

    private func call(procedure name: String, _ arguments: [UInt8], _ request: UInt32) async {
        let started = ContinuousClock.now
        let timestamp = core.runner.clock.now()
        do {
            let result = try await core.procedures.call(
                name, arguments: arguments, as: session.caller, until: isConfirmed ? .durable : .committed)
            reply(
                .procedureResult(
                    requestID: request, outcome: .returned(result), timestamp: timestamp,
                    duration: TimeDuration(ContinuousClock.now - started)))
        } catch {
            reply(
                .procedureResult(
                    requestID: request, outcome: .internalError(CallFailure.ofProcedure(error, name)),
                    timestamp: Timestamp(microsecondsSinceUnixEpoch: 0), duration: .zero))
        }
    }

    private func reply(_ message: V2.ServerMessage) {
        var writer = BSATNWriter()
        message.encode(to: &writer)
        session.reply(writer.toArray())
    }

    // MARK: Sets

    private func join(
        _ request: UInt32, _ set: UInt32, _ texts: [String], since point: ResumePoint?, _ step: inout LocalSets.Step
    ) {
        do throws(DatabaseError) {
            let queries = try core.sessions.texts.queries(texts, as: session.caller)
            let names = queries.map { $0.tableName(in: core.catalog) }
            try sets.withLock { sets throws(DatabaseError) in try sets.join(set, request, texts, names) }
            step.joining.append((QuerySetID(set), queries))
            step.since[QuerySetID(set)] = point
        } catch {
            reply(.subscriptionError(requestID: request, querySetID: set, message: error.message))
        }
    }

    private func leave(_ request: UInt32, _ set: UInt32, _ step: inout LocalSets.Step) {
        guard let (shadow, texts) = sets.withLock({ $0.leave(set, request) }),
            // They could be read when the set was joined.
            let queries = try? core.sessions.texts.queries(texts, as: session.caller)
        else {
            return reply(
                .subscriptionError(
                    requestID: request, querySetID: set,
                    message: "there is no set of queries \(set); it was left before, or refused"))
        }
        step.leaving.append(QuerySetID(set))
        // The rows that the set has when it is left: those of one with the same queries that is joined then.
        step.joining.append((QuerySetID(shadow), queries))
        step.shadows.append(QuerySetID(shadow))
    }

    private func change(_ step: inout LocalSets.Step) async {
        if step.joining.isEmpty { return }
        let refused: [(set: QuerySetID, error: DatabaseError)]
        do throws(DatabaseError) {
            refused = try await core.sessions.change(
                session, leaving: step.leaving, joining: step.joining, since: step.since)
        } catch {
            refused = step.joining.map { ($0.set, error) }
        }
        for shadow in step.shadows { core.sessions.unsubscribe(session, from: shadow) }
        for (set, error) in refused {
            if let answer = sets.withLock({ $0.refused(set.rawValue) }) { reply(answer.failure(error.message)) }
        }
        step = LocalSets.Step()
    }

    // MARK: What the client is told

    private func deliver() async {
        // The last commit that the client was told to be at.
        var told: UInt64?
        while let first = await session.queue.next() {
            await waitForGate()
            var writer = BSATNWriter()
            writer.write(Compression.none.rawValue)
            var reached: UInt64?
            var next: SessionEvent? = first
            while let event = next {
                if isConfirmed, let offset = event.offset, !core.durabilityWatch.isDurable(offset) {
                    // What does not have to wait for this goes first.
                    tell(&writer, &reached, &told)
                    do throws(DatabaseError) { try await core.runner.durable(offset) } catch {
                        return finish(
                            TransportEnd(code: 1011, reason: "the database cannot write: \(error.message)"))
                    }
                }
                if case .ended(let reason) = event {
                    tell(&writer, &reached, &told)
                    return finish(Self.end(reason))
                }
                encode(event, &writer)
                if tellsOffsets { reached = Self.reached(by: event, told) ?? reached }
                next = session.queue.nextAvailable()
            }
            tell(&writer, &reached, &told)
        }
    }

    /// The commit that the client's rows are at behind an event, if it is to be told that.
    private static func reached(by event: SessionEvent, _ told: UInt64?) -> UInt64? {
        switch event {
        // Also if other rows are at that commit already, so that there is an offset behind the rows of each set.
        case .subscribed, .resumed: event.offset?.rawValue
        case .update(let update): told.map { update.offset.rawValue > $0 } ?? true ? update.offset.rawValue : nil
        // Answers that were made elsewhere may tell of commits whose updates come behind them.
        case .reply, .unsubscribed, .failed, .moduleReplaced, .ended: nil
        }
    }

    private func tell(_ writer: inout BSATNWriter, _ reached: inout UInt64?, _ told: inout UInt64?) {
        guard writer.count > 1 else { return }
        if let offset = reached {
            V3.ServerMessage.reached(offset).encode(to: &writer)
            (reached, told) = (nil, offset)
        }
        receiver.receive(writer.toArray())
        writer.removeAll(keepingCapacity: true)
        writer.write(Compression.none.rawValue)
    }

    private static func end(_ reason: SubscriptionEnd) -> TransportEnd {
        switch reason {
        case .overflow: TransportEnd(reason: "the client did not read what it was told")
        case .complete: TransportEnd(code: 1001, reason: "nothing changes any more")
        case .failed(let error) where error.code == .closed: TransportEnd(code: 1001, reason: "module exited")
        case .failed(let error): TransportEnd(code: 1011, reason: error.message)
        }
    }

    private func waitForGate() async {
        await withCheckedContinuation { continuation in
            let isOpen = gate.withLock { gate in
                if !gate.isOpen { gate.waiter = continuation }
                return gate.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    // MARK: Messages

    private func encode(_ event: SessionEvent, _ writer: inout BSATNWriter) {
        switch event {
        case .reply(let reply): reply.bytes.withUnsafeBytes { writer.append(RawSpan(_unsafeBytes: $0)) }
        case .subscribed(let rows):
            guard let answer = sets.withLock({ $0.take(rows.set.rawValue) }) else { return }
            answer.encode(rows, core.catalog, to: &writer)
        case .failed(let set, let error):
            sets.withLock { $0.failed(set.rawValue, error.message) }.encode(to: &writer)
        case .update(let update): encode(update, &writer)
        case .resumed(let changes): encode(changes, &writer)
        case .unsubscribed, .moduleReplaced, .ended: break
        }
    }

    private func encode(_ resumed: SetChanges, _ writer: inout BSATNWriter) {
        guard let answer = sets.withLock({ $0.take(resumed.set.rawValue) }), !answer.isLeaving else { return }
        var encoder = V2.UpdateEncoder.resumed(requestID: answer.request, querySetID: answer.set, in: &writer)
        append(named(resumed.changes), &encoder, &writer)
    }

    /// The changes that the client hears of, in the order of the protocol, and what their tables are called.
    private func named(_ changes: [SetChange]) -> [(SetChange, String)] {
        sets.withLock { sets in
            changes.compactMap { change in sets.tableName(of: change, core.catalog).map { (change, $0) } }
        }.sorted { ($0.0.set.rawValue, $0.1, $0.0.query) < ($1.0.set.rawValue, $1.1, $1.0.query) }
    }

    private func encode(_ update: SessionUpdate, _ writer: inout BSATNWriter) {
        let changes = named(update.changes)
        var encoder: V2.UpdateEncoder
        switch update.call {
        case nil:
            if changes.isEmpty { return }
            encoder = .transactionUpdate(in: &writer)
        case .some(let call):
            guard case .failed(let error) = call.outcome else {
                encoder = .reducerResult(requestID: call.request, timestamp: call.timestamp, in: &writer)
                break
            }
            let outcome: V2.ReducerOutcome =
                switch CallFailure(error, of: call.reducer) {
                case .thrown(let text): .failed(text)
                case .refused(let text): .internalError(text)
                }
            return V2.ServerMessage.reducerResult(
                requestID: call.request, timestamp: call.timestamp, outcome: outcome
            ).encode(to: &writer)
        }
        append(changes, &encoder, &writer)
    }

    private func append(
        _ changes: [(SetChange, String)], _ encoder: inout V2.UpdateEncoder, _ writer: inout BSATNWriter
    ) {
        for (change, table) in changes {
            var rows = BSATNWriter()
            let delta = change.delta
            if delta.table.flatMap({ core.catalog.schema(of: $0)?.isEvent }) == true {
                V2.appendEvents(delta.inserts.bytes, ends: delta.inserts.ends, to: &rows)
            } else {
                V2.appendChanges(
                    inserts: delta.inserts.bytes, ends: delta.inserts.ends, deletes: delta.deletes.bytes,
                    ends: delta.deletes.ends, to: &rows)
            }
            encoder.append(rows.bytes, table: table, querySetID: change.set.rawValue, to: &writer)
        }
    }
}
