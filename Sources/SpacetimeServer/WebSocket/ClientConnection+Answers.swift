import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS

/// Answers that are made apart from the session's own events, in the form of the client's protocol.
extension ClientConnection {
    private func v2(_ message: V2.ServerMessage) -> [UInt8] {
        var writer = BSATNWriter()
        message.encode(to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }

    func greeting(_ caller: Caller) -> [UInt8] {
        v2(.initialConnection(identity: caller.identity, connectionID: caller.connection, token: principal.token))
    }

    /// A set cannot be watched or left.
    func refusal(
        request: UInt32, set: UInt32, kind: SetKind, _ message: String, since: ContinuousClock.Instant
    ) -> [UInt8] {
        v2(.subscriptionError(requestID: request, querySetID: set, message: message))
    }

    /// A set was left whose rows cannot be told, or need not.
    func left(_ leave: SetLeave, rows: Bool) -> [UInt8] {
        v2(.unsubscribeApplied(requestID: leave.request, querySetID: leave.set, rows: rows ? [] : nil))
    }

    /// What a one-off query found.
    func answer(
        _ tag: RequestTag, _ table: String, _ result: StatementResult, since: ContinuousClock.Instant
    ) -> [UInt8] {
        var writer = BSATNWriter()
        guard case .number(let request) = tag else { return [] }
        var encoder = V2.RowsEncoder.oneOffQueryResult(requestID: request, in: &writer)
        encoder.append(result.rows.bytes, ends: result.rows.ends, table: table, to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }

    /// A one-off query failed.
    func failure(_ tag: RequestTag, _ message: String, since: ContinuousClock.Instant) -> [UInt8] {
        guard case .number(let request) = tag else { return [] }
        return v2(.oneOffQueryResult(requestID: request, result: .error(message)))
    }

    /// A procedure has returned.
    func returned(
        _ request: UInt32, _ name: String, _ result: [UInt8], at timestamp: Timestamp, since: ContinuousClock.Instant
    ) -> [UInt8] {
        v2(
            .procedureResult(
                requestID: request, outcome: .returned(result), timestamp: timestamp,
                duration: TimeDuration(since: since)))
    }

    /// A procedure failed, or there is none.
    func procedureFailure(_ request: UInt32, _ error: any Error, of name: String) -> [UInt8] {
        v2(
            .procedureResult(
                requestID: request, outcome: .internalError(CallFailure.ofProcedure(error, name)),
                timestamp: Timestamp(microsecondsSinceUnixEpoch: 0), duration: TimeDuration(microseconds: 0)))
    }
}

extension TimeDuration {
    /// The time that has passed.
    init(since start: ContinuousClock.Instant) {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        self.init(microseconds: seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }
}
