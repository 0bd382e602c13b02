import SpacetimeProtocol
import SpacetimeSATS
import Testing

/// How the vectors spell what differs between the two forms of the first protocol.
protocol MeantForm: V1.Format {
    static func arguments(_ meaning: Meaning) throws -> Arguments
    static func rows(_ meaning: Meaning) throws -> Rows
    static func changes(_ meaning: Meaning) throws -> Changes
}

extension V1.Binary: MeantForm {
    static func arguments(_ meaning: Meaning) throws -> [UInt8] { try meaning.bytes }
    static func rows(_ meaning: Meaning) throws -> RowList { try meaning.rowList }

    static func changes(_ meaning: Meaning) throws -> Changes {
        switch try meaning.tag {
        case "Uncompressed": .plain(try meaning.value.queryUpdate(V1.Binary.self))
        case "Brotli": .compressed(.brotli, try meaning.value.bytes)
        case "Gzip": .compressed(.gzip, try meaning.value.bytes)
        default: throw Unreadable()
        }
    }
}

extension V1.Text: MeantForm {
    static func arguments(_ meaning: Meaning) throws -> String { try meaning.text }
    static func rows(_ meaning: Meaning) throws -> [String] { try meaning["rows"].texts }
    static func changes(_ meaning: Meaning) throws -> Changes { .plain(try meaning.queryUpdate(V1.Text.self)) }
}

extension Meaning {
    private var queryID: UInt32 { get throws { try self["query_id"]["id"].number() } }

    func v1ClientMessage(_ arguments: (Meaning) throws -> V1.Arguments) throws -> V1.ClientMessage {
        let value = try value
        switch try tag {
        case "CallReducer":
            let flags = try value["flags"].number(UInt8.self)
            return .callReducer(
                name: try value["reducer"].text, arguments: try arguments(try value["args"]),
                requestID: try value.requestID, notifiesCaller: flags == 0)
        case "Subscribe":
            return .subscribe(queries: try value["query_strings"].texts, requestID: try value.requestID)
        case "OneOffQuery":
            return .oneOffQuery(messageID: try value["message_id"].bytes, query: try value["query_string"].text)
        case "SubscribeSingle":
            return .subscribeSingle(
                query: try value["query"].text, requestID: try value.requestID, queryID: try value.queryID)
        case "SubscribeMulti":
            return .subscribeMulti(
                queries: try value["query_strings"].texts, requestID: try value.requestID, queryID: try value.queryID)
        case "Unsubscribe": return .unsubscribe(requestID: try value.requestID, queryID: try value.queryID)
        case "UnsubscribeMulti": return .unsubscribeMulti(requestID: try value.requestID, queryID: try value.queryID)
        case "CallProcedure":
            #expect(try value["flags"].number(UInt8.self) == 0)
            return .callProcedure(
                name: try value["procedure"].text, arguments: try arguments(try value["args"]),
                requestID: try value.requestID)
        default: throw Unreadable()
        }
    }

    func v1ServerMessage<Form: MeantForm>(_ form: Form.Type = Form.self) throws -> V1.ServerMessage<Form> {
        let value = try value
        switch try tag {
        case "InitialSubscription":
            return .initialSubscription(
                try value["database_update"].tables(), requestID: try value.requestID, duration: try value.totalDuration
            )
        case "TransactionUpdate": return .transactionUpdate(try value.transactionUpdate())
        case "TransactionUpdateLight":
            return .transactionUpdateLight(requestID: try value.requestID, try value["update"].tables())
        case "IdentityToken":
            return .identityToken(
                identity: try value["identity"].identity, token: try value["token"].text,
                connectionID: try value["connection_id"].connectionID)
        case "OneOffQueryResponse":
            return .oneOffQueryResponse(
                messageID: try value["message_id"].bytes, error: try value["error"].option { try $0.text },
                tables: try value["tables"].list {
                    V1.OneOffTable(table: try $0["table_name"].text, rows: try Form.rows(try $0["rows"]))
                }, duration: try value.totalDuration)
        case "SubscribeApplied": return .subscribeApplied(try value.singleApplied())
        case "UnsubscribeApplied": return .unsubscribeApplied(try value.singleApplied())
        case "SubscriptionError":
            return .subscriptionError(
                microseconds: try value.microseconds, requestID: try value["request_id"].option { try $0.number() },
                queryID: try value["query_id"].option { try $0.number() },
                tableID: try value["table_id"].option { try $0.number() }, message: try value["error"].text)
        case "SubscribeMultiApplied": return .subscribeMultiApplied(try value.multiApplied())
        case "UnsubscribeMultiApplied": return .unsubscribeMultiApplied(try value.multiApplied())
        case "ProcedureResult":
            return .procedureResult(
                outcome: try value["status"].procedureOutcome(), timestamp: try value["timestamp"].timestamp,
                duration: try value.totalDuration, requestID: try value.requestID)
        default: throw Unreadable()
        }
    }

    private var totalDuration: TimeDuration { get throws { try self["total_host_execution_duration"].duration } }
    private var microseconds: UInt64 { get throws { try self["total_host_execution_duration_micros"].number() } }

    func queryUpdate<Form: MeantForm>(_ form: Form.Type) throws -> V1.QueryUpdate<Form> {
        V1.QueryUpdate(deletes: try Form.rows(try self["deletes"]), inserts: try Form.rows(try self["inserts"]))
    }

    private func tables<Form: MeantForm>() throws -> [V1.TableUpdate<Form>] {
        try self["tables"].list { try $0.tableUpdate() }
    }

    private func tableUpdate<Form: MeantForm>() throws -> V1.TableUpdate<Form> {
        V1.TableUpdate(
            tableID: try self["table_id"].number(), table: try self["table_name"].text,
            rowCount: try self["num_rows"].number(), changes: try self["updates"].list { try Form.changes($0) })
    }

    private func singleApplied<Form: MeantForm>() throws -> V1.SingleApplied<Form> {
        let rows: V1.TableUpdate<Form> = try self["rows"]["table_rows"].tableUpdate()
        #expect(try self["rows"]["table_name"].text == rows.table)
        #expect(try self["rows"]["table_id"].number() == rows.tableID)
        return V1.SingleApplied(
            requestID: try requestID, microseconds: try microseconds, queryID: try queryID, rows: rows)
    }

    private func multiApplied<Form: MeantForm>() throws -> V1.MultiApplied<Form> {
        V1.MultiApplied(
            requestID: try requestID, microseconds: try microseconds, queryID: try queryID,
            tables: try self["update"].tables())
    }

    private func transactionUpdate<Form: MeantForm>() throws -> V1.TransactionUpdate<Form> {
        let status = try self["status"]
        let outcome: V1.UpdateStatus<Form> =
            switch try status.tag {
            case "Committed": .committed(try status.value.tables())
            case "Failed": .failed(try status.value.text)
            default: .outOfEnergy
            }
        let call = try self["reducer_call"]
        return V1.TransactionUpdate(
            status: outcome, timestamp: try self["timestamp"].timestamp,
            callerIdentity: try self["caller_identity"].identity,
            callerConnectionID: try self["caller_connection_id"].connectionID,
            call: V1.ReducerCall(
                name: try call["reducer_name"].text, reducerID: try call["reducer_id"].number(),
                arguments: try Form.arguments(try call["args"]), requestID: try call.requestID),
            energy: try self["energy_quanta_used"]["quanta"].number(), duration: try totalDuration)
    }

    private func procedureOutcome<Form: MeantForm>() throws -> V1.ProcedureOutcome<Form> {
        switch try tag {
        case "Returned": .returned(try Form.arguments(try value))
        case "OutOfEnergy": .outOfEnergy
        case "InternalError": .internalError(try value.text)
        default: throw Unreadable()
        }
    }
}
