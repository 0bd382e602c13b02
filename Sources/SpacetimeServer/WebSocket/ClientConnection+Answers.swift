import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeSchema

/// Answers that are made apart from the session's own events, in the form of the client's protocol. From any thread.
extension ClientConnection {
    func greeting(_ caller: Caller) -> [UInt8] {
        switch subprotocol {
        case .v3, .v2:
            v2(.initialConnection(identity: caller.identity, connectionID: caller.connection, token: principal.token))
        case .v1BSATN: bytes(greeting(caller) as V1.ServerMessage<V1.Binary>)
        case .v1JSON: bytes(greeting(caller) as V1.ServerMessage<V1.Text>)
        }
    }

    private func greeting<Form: V1Form>(_ caller: Caller) -> V1.ServerMessage<Form> {
        .identityToken(identity: caller.identity, token: principal.token, connectionID: caller.connection)
    }

    /// A set cannot be watched or left.
    func refusal(
        request: UInt32, set: UInt32, kind: SetKind, _ message: String, since: ContinuousClock.Instant
    ) -> [UInt8] {
        switch subprotocol {
        case .v3, .v2: v2(.subscriptionError(requestID: request, querySetID: set, message: message))
        case .v1BSATN: bytes(refusal(request, set, kind, message, since) as V1.ServerMessage<V1.Binary>)
        case .v1JSON: bytes(refusal(request, set, kind, message, since) as V1.ServerMessage<V1.Text>)
        }
    }

    private func refusal<Form: V1Form>(
        _ request: UInt32, _ set: UInt32, _ kind: SetKind, _ message: String, _ since: ContinuousClock.Instant
    ) -> V1.ServerMessage<Form> {
        .subscriptionError(
            microseconds: UInt64(max(0, TimeDuration(since: since).microseconds)), requestID: request,
            queryID: kind == .list ? nil : set, tableID: nil, message: message)
    }

    /// A set of the second protocol was left whose rows cannot be told, or need not.
    func left(_ leave: SetLeave, rows: Bool) -> [UInt8] {
        v2(.unsubscribeApplied(requestID: leave.request, querySetID: leave.set, rows: rows ? [] : nil))
    }

    // MARK: One-off queries

    /// What a one-off query found.
    func answer(
        _ tag: RequestTag, _ table: String, _ result: StatementResult, since: ContinuousClock.Instant
    ) -> [UInt8] {
        switch tag {
        case .number(let request):
            var writer = BSATNWriter()
            var encoder = V2.RowsEncoder.oneOffQueryResult(requestID: request, in: &writer)
            encoder.append(result.rows.bytes, ends: result.rows.ends, table: table, to: &writer)
            return writer.withUnsafeBytes { Array($0) }
        case .bytes(let id):
            return subprotocol.isText
                ? bytes(found(id, table, result, since) as V1.ServerMessage<V1.Text>)
                : bytes(found(id, table, result, since) as V1.ServerMessage<V1.Binary>)
        }
    }

    private func found<Form: V1Form>(
        _ id: [UInt8], _ table: String, _ result: StatementResult, _ since: ContinuousClock.Instant
    ) -> V1.ServerMessage<Form> {
        .oneOffQueryResponse(
            messageID: id, error: nil,
            tables: [V1.OneOffTable(table: table, rows: Form.rows(result.rows, of: result.columns))],
            duration: TimeDuration(since: since))
    }

    /// A one-off query failed.
    func failure(_ tag: RequestTag, _ message: String, since: ContinuousClock.Instant) -> [UInt8] {
        let duration = TimeDuration(since: since)
        switch tag {
        case .number(let request): return v2(.oneOffQueryResult(requestID: request, result: .error(message)))
        case .bytes(let id) where subprotocol.isText:
            return bytes(
                V1.ServerMessage<V1.Text>.oneOffQueryResponse(
                    messageID: id, error: message, tables: [], duration: duration))
        case .bytes(let id):
            return bytes(
                V1.ServerMessage<V1.Binary>.oneOffQueryResponse(
                    messageID: id, error: message, tables: [], duration: duration))
        }
    }

    // MARK: Procedures

    /// A procedure has returned.
    func returned(
        _ request: UInt32, _ name: String, _ result: [UInt8], at timestamp: Timestamp, since: ContinuousClock.Instant
    ) -> [UInt8] {
        let duration = TimeDuration(since: since)
        let module = generation.core.catalog.schema
        let procedures = module.procedures
        let schema = procedures.first { $0.name == name } ?? procedures.first { $0.sourceName == name }
        let (type, typespace) = (schema?.returnType ?? .unit, module.typespace)
        switch subprotocol {
        case .v3, .v2:
            return v2(
                .procedureResult(
                    requestID: request, outcome: .returned(result), timestamp: timestamp, duration: duration))
        case .v1BSATN:
            return bytes(
                V1.ServerMessage<V1.Binary>.procedureResult(
                    outcome: .returned(V1.Binary.value(result, of: type, in: typespace)), timestamp: timestamp,
                    duration: duration,
                    requestID: request))
        case .v1JSON:
            return bytes(
                V1.ServerMessage<V1.Text>.procedureResult(
                    outcome: .returned(V1.Text.value(result, of: type, in: typespace)), timestamp: timestamp,
                    duration: duration,
                    requestID: request))
        }
    }

    /// A procedure failed, or there is none.
    func procedureFailure(_ request: UInt32, _ error: any Error, of name: String) -> [UInt8] {
        let text = CallFailure.ofProcedure(error, name)
        let never = Timestamp(microsecondsSinceUnixEpoch: 0)
        switch subprotocol {
        case .v3, .v2:
            return v2(
                .procedureResult(requestID: request, outcome: .internalError(text), timestamp: never, duration: .zero))
        case .v1BSATN:
            return bytes(
                V1.ServerMessage<V1.Binary>.procedureResult(
                    outcome: .internalError(text), timestamp: never, duration: .zero, requestID: request))
        case .v1JSON:
            return bytes(
                V1.ServerMessage<V1.Text>.procedureResult(
                    outcome: .internalError(text), timestamp: never, duration: .zero, requestID: request))
        }
    }

    private func v2(_ message: V2.ServerMessage) -> [UInt8] {
        var writer = BSATNWriter()
        message.encode(to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }
}

extension TimeDuration {
    /// The time that has passed.
    init(since start: ContinuousClock.Instant) { self.init(ContinuousClock.now - start) }

    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(microseconds: seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }
}
