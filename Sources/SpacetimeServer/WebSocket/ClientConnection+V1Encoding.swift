import DequeModule
import SpacetimeEngine
import SpacetimeHost
import SpacetimeProtocol
import SpacetimeSATS
import SpacetimeSchema

/// The first protocol: what goes out.
extension ClientConnection {
    func encodeV1(_ event: SessionEvent) {
        if subprotocol.isText { encode(event, as: V1.Text.self) } else { encode(event, as: V1.Binary.self) }
    }

    private func encode<Form: V1Form>(_ event: SessionEvent, as form: Form.Type) {
        switch event {
        case .update(let update):
            guard let message = message(update, as: form) else { return }
            Form.append(message, to: &delivery.body)
        case .subscribed(let rows):
            add(rows) { bytes in bytes.withUnsafeBytes { delivery.body.append($0) } }
        case .reply(let reply): reply.bytes.withUnsafeBytes { delivery.body.append($0) }
        // Rows that somebody waits for could not be found.
        case .failed(let set, let error) where v1Gatherings[set.rawValue] != nil:
            note(error)
            settleV1([(set.rawValue, error)])
        case .failed(_, let error):
            failV1()
            allGoneV1(error.message).withUnsafeBytes { delivery.body.append($0) }
        case .resumed, .unsubscribed, .moduleReplaced, .ended: break
        }
    }

    private func message<Form: V1Form>(_ update: SessionUpdate, as form: Form.Type) -> V1.ServerMessage<Form>? {
        let tables = tables(update.changes, as: form)
        guard let result = update.call else {
            return tables.isEmpty ? nil : .transactionUpdateLight(requestID: 0, tables)
        }
        let call = v1Calls.popFirst()
        if call?.notifiesCaller == false {
            return tables.isEmpty ? nil : .transactionUpdateLight(requestID: result.request, tables)
        }
        return .transactionUpdate(answer(result, call, tables))
    }

    private func answer<Form: V1Form>(
        _ result: CallResult, _ call: V1Call?, _ tables: [V1.TableUpdate<Form>]
    ) -> V1.TransactionUpdate<Form> {
        let reducers = catalog.schema.reducers
        let position = reducers.firstIndex { $0.name == result.reducer }
        var update = V1.TransactionUpdate<Form>(
            status: .committed(tables), timestamp: result.timestamp, callerIdentity: principal.identity,
            callerConnectionID: caller?.connection ?? .none,
            call: V1.ReducerCall(
                name: result.reducer, reducerID: position.map { UInt32($0) } ?? V1.ReducerCall<Form>.noReducer,
                arguments: Form.arguments(
                    call?.arguments ?? .bsatn([]), of: position.map { reducers[$0].parametersType } ?? .noFields,
                    in: catalog.schema.typespace),
                requestID: result.request),
            duration: TimeDuration(microseconds: result.nanoseconds / 1_000))
        guard case .failed(let error) = result.outcome else { return update }
        let failure = CallFailure(error, of: result.reducer)
        update.status = .failed(failure.text)
        if case .refused = failure {
            // It did not start, and is told as one of nobody's.
            update.call.arguments = Form.arguments(.bsatn([]), of: .noFields, in: Typespace())
            update.call.requestID = 0
            update.duration = .zero
        }
        return update
    }

    /// Changes by table, an entry per query.
    private func tables<Form: V1Form>(_ changes: [SetChange], as form: Form.Type) -> [V1.TableUpdate<Form>] {
        var tables: [V1.TableUpdate<Form>] = []
        for change in changes where toldSets.contains(change.set.rawValue) {
            guard let table = change.delta.table, let schema = catalog.schema(of: table) else { continue }
            let count = change.delta.deletes.count + change.delta.inserts.count
            Self.add(Form.changes(change.delta, of: schema.rowType), count, table, schema.name, to: &tables)
        }
        return tables
    }

    private static func add<Form: V1Form>(
        _ changes: Form.Changes, _ count: Int, _ table: TableID, _ name: String, to tables: inout [V1.TableUpdate<Form>]
    ) {
        if let position = tables.firstIndex(where: { $0.tableID == table.rawValue }) {
            tables[position].rowCount += UInt64(count)
            tables[position].changes.append(changes)
        } else {
            tables.append(
                V1.TableUpdate(tableID: table.rawValue, table: name, rowCount: UInt64(count), changes: [changes]))
        }
    }

    // MARK: Answers

    /// All that the client watched is gone.
    func allGoneV1(_ message: String) -> [UInt8] {
        subprotocol.isText
            ? bytes(Self.allGone(message) as V1.ServerMessage<V1.Text>)
            : bytes(Self.allGone(message) as V1.ServerMessage<V1.Binary>)
    }

    private static func allGone<Form: V1Form>(_ message: String) -> V1.ServerMessage<Form> {
        .subscriptionError(microseconds: 0, requestID: nil, queryID: nil, tableID: nil, message: message)
    }

    func answer(to gathering: V1Gathering) -> [UInt8] {
        subprotocol.isText ? answer(to: gathering, as: V1.Text.self) : answer(to: gathering, as: V1.Binary.self)
    }

    private func answer<Form: V1Form>(to gathering: V1Gathering, as form: Form.Type) -> [UInt8] {
        var tables: [V1.TableUpdate<Form>] = []
        let isEnd = if case .left = gathering.kind { true } else { false }
        for delta in gathering.rows {
            guard let table = delta.table, let schema = catalog.schema(of: table) else { continue }
            // A query that found nothing has no entry, unless nothing else tells of its table.
            if delta.inserts.isEmpty, tables.contains(where: { $0.tableID == table.rawValue }) { continue }
            let changes = Form.changes(
                deletes: isEnd ? delta.inserts : RowBatch(), inserts: isEnd ? RowBatch() : delta.inserts,
                of: schema.rowType)
            Self.add(changes, delta.inserts.count, table, schema.name, to: &tables)
        }
        switch gathering.kind {
        case .joined(let join):
            let microseconds = UInt64(max(0, TimeDuration(since: join.received).microseconds))
            return switch join.kind {
            case .list:
                bytes(
                    V1.ServerMessage<Form>.initialSubscription(
                        tables, requestID: join.request, duration: TimeDuration(since: join.received)))
            case .single:
                bytes(
                    V1.ServerMessage<Form>.subscribeApplied(
                        single(tables, join.request, microseconds, join.set, gathering.table)))
            case .set:
                bytes(
                    V1.ServerMessage<Form>.subscribeMultiApplied(
                        V1.MultiApplied(
                            requestID: join.request, microseconds: microseconds, queryID: join.set, tables: tables)))
            }
        case .left(let leave):
            let microseconds = UInt64(max(0, TimeDuration(since: leave.received).microseconds))
            if leave.kind == .single {
                return bytes(
                    V1.ServerMessage<Form>.unsubscribeApplied(
                        single(tables, leave.request, microseconds, leave.set, gathering.table)))
            }
            return bytes(
                V1.ServerMessage<Form>.unsubscribeMultiApplied(
                    V1.MultiApplied(
                        requestID: leave.request, microseconds: microseconds, queryID: leave.set, tables: tables)))
        }
    }

    private func single<Form: V1Form>(
        _ tables: [V1.TableUpdate<Form>], _ request: UInt32, _ microseconds: UInt64, _ id: UInt32, _ table: TableID?
    ) -> V1.SingleApplied<Form> {
        let name = table.flatMap { catalog.schema(of: $0)?.name } ?? ""
        let rows =
            tables.first
            ?? V1.TableUpdate(tableID: table?.rawValue ?? .max, table: name, rowCount: 0, changes: [])
        return V1.SingleApplied(requestID: request, microseconds: microseconds, queryID: id, rows: rows)
    }

    func bytes<Form: V1Form>(_ message: V1.ServerMessage<Form>) -> [UInt8] {
        var writer = BSATNWriter()
        Form.append(message, to: &writer)
        return writer.withUnsafeBytes { Array($0) }
    }
}
