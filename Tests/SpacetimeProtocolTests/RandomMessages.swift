import SpacetimeProtocol
import SpacetimeSATS

/// Messages of every kind, with the values where mistakes are.
extension SplitMix64 {
    mutating func queries() -> [String] { array(upTo: 4) { $0.text() } }

    mutating func rowList() -> RowList {
        let size = below(6)
        // Half of the lists have rows of one size, which a list of its own form stands for.
        let rows = below(2) == 0 ? array(upTo: 5) { $0.bytes(size) } : array(upTo: 5) { $0.bytes($0.below(6)) }
        return RowList(rows)
    }

    mutating func option<Value>(_ make: (inout SplitMix64) -> Value) -> Value? { below(2) == 0 ? make(&self) : nil }

    mutating func identity() -> Identity {
        let zero = below(3) == 0
        return Identity(number: UInt256(high: zero ? 0 : number(), low: number()))
    }

    mutating func timestamp() -> Timestamp { Timestamp(microsecondsSinceUnixEpoch: number()) }
    mutating func duration() -> TimeDuration { TimeDuration(microseconds: number()) }
}

// MARK: The second protocol

extension SplitMix64 {
    mutating func v2ClientMessage() -> V2.ClientMessage {
        switch below(5) {
        case 0: .subscribe(requestID: number(), querySetID: number(), queries: queries())
        case 1: .unsubscribe(requestID: number(), querySetID: number(), wantsRows: below(2) == 0)
        case 2: .oneOffQuery(requestID: number(), query: text())
        case 3: .callReducer(requestID: number(), name: text(), arguments: bytes(below(20)))
        default: .callProcedure(requestID: number(), name: text(), arguments: bytes(below(20)))
        }
    }

    mutating func v2ServerMessage() -> V2.ServerMessage {
        switch below(8) {
        case 0:
            .initialConnection(identity: identity(), connectionID: ConnectionId(number: number()), token: text())
        case 1: .subscribeApplied(requestID: number(), querySetID: number(), rows: tableRows())
        case 2: .unsubscribeApplied(requestID: number(), querySetID: number(), rows: option { $0.tableRows() })
        case 3: .subscriptionError(requestID: option { $0.number() }, querySetID: number(), message: text())
        case 4: .transactionUpdate(querySets())
        case 5:
            .oneOffQueryResult(requestID: number(), result: below(2) == 0 ? .rows(tableRows()) : .error(text()))
        case 6: .reducerResult(requestID: number(), timestamp: timestamp(), outcome: reducerOutcome())
        default:
            .procedureResult(
                requestID: number(), outcome: below(2) == 0 ? .returned(bytes(below(9))) : .internalError(text()),
                timestamp: timestamp(), duration: duration())
        }
    }

    private mutating func tableRows() -> [V2.TableRows] {
        array(upTo: 3) { V2.TableRows(table: $0.text(), rows: $0.rowList()) }
    }

    fileprivate mutating func querySets() -> [V2.QuerySetUpdate] {
        array(upTo: 3) { random in
            V2.QuerySetUpdate(
                querySetID: random.number(),
                tables: random.array(upTo: 3) { random in
                    V2.TableUpdate(table: random.text(), changes: random.array(upTo: 2) { $0.rowChanges() })
                })
        }
    }

    private mutating func rowChanges() -> V2.RowChanges {
        below(3) == 0 ? .event(rowList()) : .persistent(inserts: rowList(), deletes: rowList())
    }

    private mutating func reducerOutcome() -> V2.ReducerOutcome {
        switch below(4) {
        case 0: .committed(returnValue: bytes(below(3)), changes: querySets())
        case 1: .committedEmpty
        case 2: .failed(text())
        default: .internalError(text())
        }
    }
}

// MARK: With offsets

extension SplitMix64 {
    mutating func v3ClientMessage() -> V3.ClientMessage {
        if below(2) == 0 { return .common(v2ClientMessage()) }
        return .subscribeSince(
            V3.SubscribeSince(
                requestID: number(), querySetID: number(), history: number(), offset: number(), queries: queries()))
    }

    mutating func v3ServerMessage() -> V3.ServerMessage {
        switch below(6) {
        case 0: .reached(number())
        case 1: .history(number())
        case 2: .resumed(requestID: number(), querySetID: number(), changes: querySets())
        default: .common(v2ServerMessage())
        }
    }
}

// MARK: The first protocol

/// What differs between its two forms.
protocol RandomForm: MeantForm {
    static func arguments(_ random: inout SplitMix64) -> Arguments
    static func rows(_ random: inout SplitMix64) -> Rows
    static func changes(_ random: inout SplitMix64) -> Changes
}

extension V1.Binary: RandomForm {
    static func arguments(_ random: inout SplitMix64) -> [UInt8] { random.bytes(random.below(20)) }
    static func rows(_ random: inout SplitMix64) -> RowList { random.rowList() }

    static func changes(_ random: inout SplitMix64) -> Changes {
        switch random.below(6) {
        case 0: .compressed(.brotli, random.bytes(random.below(9)))
        case 1: .compressed(.gzip, random.bytes(random.below(9)))
        default: .plain(V1.QueryUpdate(deletes: random.rowList(), inserts: random.rowList()))
        }
    }
}

extension V1.Text: RandomForm {
    static func arguments(_ random: inout SplitMix64) -> String { random.text() }
    static func rows(_ random: inout SplitMix64) -> [String] { random.array(upTo: 4) { $0.text() } }

    static func changes(_ random: inout SplitMix64) -> Changes {
        .plain(V1.QueryUpdate(deletes: rows(&random), inserts: rows(&random)))
    }
}

extension SplitMix64 {
    mutating func v1ClientMessage(isText: Bool) -> V1.ClientMessage {
        let arguments: V1.Arguments = isText ? .json(text()) : .bsatn(bytes(below(20)))
        return switch below(8) {
        case 0: .callReducer(name: text(), arguments: arguments, requestID: number(), notifiesCaller: below(2) == 0)
        case 1: .subscribe(queries: queries(), requestID: number())
        case 2: .oneOffQuery(messageID: bytes(below(9)), query: text())
        case 3: .subscribeSingle(query: text(), requestID: number(), queryID: number())
        case 4: .subscribeMulti(queries: queries(), requestID: number(), queryID: number())
        case 5: .unsubscribe(requestID: number(), queryID: number())
        case 6: .unsubscribeMulti(requestID: number(), queryID: number())
        default: .callProcedure(name: text(), arguments: arguments, requestID: number())
        }
    }

    mutating func v1ServerMessage<Form: RandomForm>(_ form: Form.Type) -> V1.ServerMessage<Form> {
        switch below(11) {
        case 0: .initialSubscription(tables(), requestID: number(), duration: duration())
        case 1: .transactionUpdate(transactionUpdate())
        case 2: .transactionUpdateLight(requestID: number(), tables())
        case 3:
            .identityToken(identity: identity(), token: text(), connectionID: ConnectionId(number: number()))
        case 4:
            .oneOffQueryResponse(
                messageID: bytes(below(9)), error: option { $0.text() },
                tables: array(upTo: 2) { V1.OneOffTable(table: $0.text(), rows: Form.rows(&$0)) },
                duration: duration())
        case 5: .subscribeApplied(singleApplied())
        case 6: .unsubscribeApplied(singleApplied())
        case 7:
            .subscriptionError(
                microseconds: number(), requestID: option { $0.number() }, queryID: option { $0.number() },
                tableID: option { $0.number() }, message: text())
        case 8: .subscribeMultiApplied(multiApplied())
        case 9: .unsubscribeMultiApplied(multiApplied())
        default:
            .procedureResult(
                outcome: procedureOutcome(), timestamp: timestamp(), duration: duration(), requestID: number())
        }
    }

    private mutating func tables<Form: RandomForm>() -> [V1.TableUpdate<Form>] { array(upTo: 3) { $0.table() } }

    private mutating func table<Form: RandomForm>() -> V1.TableUpdate<Form> {
        V1.TableUpdate(
            tableID: number(), table: text(), rowCount: number(), changes: array(upTo: 3) { Form.changes(&$0) })
    }

    private mutating func transactionUpdate<Form: RandomForm>() -> V1.TransactionUpdate<Form> {
        let status: V1.UpdateStatus<Form> =
            switch below(3) {
            case 0: .committed(tables())
            case 1: .failed(text())
            default: .outOfEnergy
            }
        return V1.TransactionUpdate(
            status: status, timestamp: timestamp(), callerIdentity: identity(),
            callerConnectionID: ConnectionId(number: number()),
            call: V1.ReducerCall(
                name: text(), reducerID: number(), arguments: Form.arguments(&self), requestID: number()),
            energy: number(), duration: duration())
    }

    private mutating func singleApplied<Form: RandomForm>() -> V1.SingleApplied<Form> {
        V1.SingleApplied(requestID: number(), microseconds: number(), queryID: number(), rows: table())
    }

    private mutating func multiApplied<Form: RandomForm>() -> V1.MultiApplied<Form> {
        V1.MultiApplied(requestID: number(), microseconds: number(), queryID: number(), tables: tables())
    }

    private mutating func procedureOutcome<Form: RandomForm>() -> V1.ProcedureOutcome<Form> {
        switch below(3) {
        case 0: .returned(Form.arguments(&self))
        case 1: .outOfEnergy
        default: .internalError(text())
        }
    }
}
