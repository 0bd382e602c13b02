import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeSchema

/// The second protocol, one message to a frame or several.
extension ClientConnection {
    // MARK: Coming in

    func receiveV2(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) {
        // The payload stays where it is until this returns.
        var reader = try V2.ClientMessageReader(
            RawSpan(_unsafeBytes: payload), isBatched: subprotocol.isBatched, limits: limits)
        while true {
            if tellsOffsets, let since = try reader.nextSubscribeSince() {
                enqueue(.join(SetJoin(since)))
                continue
            }
            guard let message = try reader.next() else { return }
            switch message {
            case .callReducer(let call): self.call(call.requestID, name: call.name, arguments: call.arguments)
            case .subscribe(let request, let set, let queries):
                enqueue(.join(SetJoin(request: request, set: set, texts: queries, kind: .set)))
            case .unsubscribe(let request, let set, let wantsRows):
                enqueue(.leave(SetLeave(request: request, set: set, wantsRows: wantsRows, kind: .set)))
            case .oneOffQuery(let request, let query): enqueue(.query(.number(request), query))
            case .callProcedure(let call):
                enqueue(.procedure(call.requestID, call.nameText, call.argumentBytes))
            }
        }
    }

    // MARK: Going out

    func encodeV2(_ event: SessionEvent) {
        switch event {
        case .update(let update): encodeV2(update)
        case .subscribed(let rows): encodeV2(rows)
        case .resumed(let changes): encode(changes)
        case .reply(let reply): reply.bytes.withUnsafeBytes { delivery.body.append(RawSpan(_unsafeBytes: $0)) }
        case .failed(let set, let error):
            note(error)
            encodeFailureV2(of: set.rawValue, error)
        case .unsubscribed, .moduleReplaced, .ended: break
        }
    }

    /// A set cannot be kept up to date, or its first rows could not be found: then that answers whoever asked for them.
    private func encodeFailureV2(of set: UInt32, _ error: DatabaseError) {
        toldSets.remove(set)
        switch answers.takeFirst(for: set) {
        case .left(let leave, _): delivery.body.append(left(leave, rows: true))
        case .joined(let join):
            sets[set] = nil
            delivery.body.append(
                refusal(request: join.request, set: set, kind: join.kind, error.message, since: join.received))
        case nil:
            sets[set] = nil
            V2.ServerMessage.subscriptionError(requestID: nil, querySetID: set, message: error.message).encode(
                to: &delivery.body)
        }
    }

    private func encodeV2(_ rows: SetRows) { rowsMessage(rows)?.encode(rows, to: &delivery.body) }

    /// What answers the request that rows are for; nil if there is none, or if they are too many for a message, which the client
    /// has been told then.
    func rowsMessage(_ rows: SetRows) -> RowsMessage? {
        guard let (answer, names) = takeAnswer(to: rows.set.rawValue) else { return nil }
        if let problem = Self.tooLarge(rows) {
            session?.reply(refusal(of: answer, problem))
            return nil
        }
        let tables = rows.rows.enumerated().map { tableName($1, $0, names) }
        return switch answer {
        case .joined(let join): RowsMessage(isLeaving: false, request: join.request, set: join.set, tables: tables)
        case .left(let leave, _): RowsMessage(isLeaving: true, request: leave.request, set: leave.set, tables: tables)
        }
    }

    func takeAnswer(to set: UInt32) -> (SetAnswer, names: [String]?)? {
        guard let answer = answers.takeFirst(for: set) else { return nil }
        switch answer {
        case .joined:
            toldSets.insert(set)
            return (answer, sets[set]?.names)
        case .left(let leave, let names):
            toldSets.remove(leave.set)
            return (answer, names)
        }
    }

    /// Why rows cannot be told: their number of bytes has 32 bits in a message.
    private static func tooLarge(_ rows: SetRows) -> String? {
        guard let largest = rows.rows.map(\.inserts.bytes.count).max(), largest > Int(UInt32.max) else { return nil }
        return "a query has rows of \(largest) bytes, and a message holds at most \(UInt32.max); ask for fewer at once"
    }

    /// Instead of rows that are too many. What is joined is left again.
    private func refusal(of answer: SetAnswer, _ problem: String) -> [UInt8] {
        switch answer {
        case .joined(let join):
            sets[join.set] = nil
            toldSets.remove(join.set)
            if let session { database.core.sessions.unsubscribe(session, from: QuerySetID(join.set)) }
            return refusal(request: join.request, set: join.set, kind: join.kind, problem, since: join.received)
        case .left(let leave, _): return left(leave, rows: true)
        }
    }

    func encodeV2(_ update: SessionUpdate) {
        guard let call = update.call else {
            let changes = watched(update.changes)
            if changes.isEmpty { return }
            var encoder = V2.UpdateEncoder.transactionUpdate(in: &delivery.body)
            return append(changes, to: &encoder)
        }
        switch call.outcome {
        case .committed:
            var encoder = V2.UpdateEncoder.reducerResult(
                requestID: call.request, timestamp: call.timestamp, in: &delivery.body)
            if !update.changes.isEmpty { append(watched(update.changes), to: &encoder) }
        case .failed(let error):
            V2.ServerMessage.reducerResult(
                requestID: call.request, timestamp: call.timestamp,
                outcome: CallFailure(error, of: call.reducer).outcome
            ).encode(to: &delivery.body)
        }
    }

    /// The changes in sets that are the client's own, in the order of the protocol: by set, then by the table's name.
    func watched(_ changes: [SetChange]) -> [SetChange] {
        var changes = changes
        if changes.contains(where: { !isTold($0) }) { changes.removeAll { !isTold($0) } }
        guard changes.count > 1 else { return changes }
        return changes.map { ($0, name(of: $0)) }.sorted { left, right in
            (left.0.set, left.1, left.0.query) < (right.0.set, right.1, right.0.query)
        }.map(\.0)
    }

    /// Whether the client hears of a change: not in a set of which it was told no rows, nor one of rows whose name went with a
    /// set that the client has left.
    private func isTold(_ change: SetChange) -> Bool {
        let set = change.set.rawValue
        guard toldSets.contains(set) else { return false }
        return change.delta.table != nil || names(ofSet: set) != nil
    }

    func append(_ changes: [SetChange], to encoder: inout V2.UpdateEncoder) {
        for change in changes {
            let bytes = change.delta.encoding(DeltaForm.v2.rawValue) { delta in
                DeltaForm.v2Bytes(delta, isEvent: delta.table.flatMap { catalog.schema(of: $0)?.isEvent } ?? false)
            }
            bytes.withUnsafeBytes { bytes in
                encoder.append(
                    RawSpan(_unsafeBytes: bytes), table: name(of: change), querySetID: change.set.rawValue,
                    to: &delivery.body)
            }
        }
    }

    func name(of change: SetChange) -> String {
        tableName(change.delta, change.query, names(ofSet: change.set.rawValue))
    }

    /// - Parameters:
    ///   - query: the position in the set.
    ///   - names: what the rows of the queries are called that are no tables' own.
    func tableName(_ delta: SharedDelta, _ query: Int, _ names: [String]?) -> String {
        if let table = delta.table { return catalog.schema(of: table)?.name ?? "" }
        guard let names, !names.isEmpty else { return "" }
        return names[min(query, names.count - 1)]
    }
}

/// The answer to a request of the second protocol that brings the rows of a set.
struct RowsMessage: Sendable {
    /// Whether the set was left.
    let isLeaving: Bool
    let request: UInt32
    let set: UInt32
    /// What the rows of each query are called.
    let tables: [String]

    func encode(_ rows: SetRows, to writer: inout BSATNWriter) {
        var encoder = encoder(in: &writer)
        for (delta, table) in zip(rows.rows, tables) {
            encoder.append(delta.inserts.bytes, ends: delta.inserts.ends, table: table, to: &writer)
        }
    }

    /// What stands before the rows, with the count of the queries: for an answer that is sent in pieces. Without the tag of the
    /// compression.
    func head() -> [UInt8] {
        var writer = BSATNWriter()
        _ = encoder(in: &writer)
        var bytes = writer.withUnsafeBytes { Array($0) }
        bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: UInt32(tables.count).bsatn())
        return bytes
    }

    private func encoder(in writer: inout BSATNWriter) -> V2.RowsEncoder {
        isLeaving
            ? .unsubscribeApplied(requestID: request, querySetID: set, in: &writer)
            : .subscribeApplied(requestID: request, querySetID: set, in: &writer)
    }
}

/// The forms in which changes are kept once they were asked for.
enum DeltaForm: UInt8 {
    case v2, v1Binary, v1Text

    static func v2Bytes(_ delta: SharedDelta, isEvent: Bool) -> [UInt8] {
        var writer = BSATNWriter()
        if isEvent {
            V2.appendEvents(delta.inserts.bytes, ends: delta.inserts.ends, to: &writer)
        } else {
            V2.appendChanges(
                inserts: delta.inserts.bytes, ends: delta.inserts.ends, deletes: delta.deletes.bytes,
                ends: delta.deletes.ends, to: &writer)
        }
        return writer.withUnsafeBytes { Array($0) }
    }
}

extension CallFailure {
    /// As the second protocol tells it.
    var outcome: V2.ReducerOutcome {
        switch self {
        case .thrown(let text): .failed(text)
        case .refused(let text): .internalError(text)
        }
    }
}
