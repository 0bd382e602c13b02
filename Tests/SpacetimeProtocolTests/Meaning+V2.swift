import SpacetimeProtocol
import SpacetimeSATS
import Testing

extension Meaning {
    private var querySetID: UInt32 { get throws { try self["query_set_id"]["id"].number() } }

    func v2ClientMessage() throws -> V2.ClientMessage {
        let value = try value
        switch try tag {
        case "Subscribe":
            return .subscribe(
                requestID: try value.requestID, querySetID: try value.querySetID,
                queries: try value["query_strings"].texts)
        case "Unsubscribe":
            let wantsRows = try value["flags"].tag == "SendDroppedRows"
            return .unsubscribe(
                requestID: try value.requestID, querySetID: try value.querySetID, wantsRows: wantsRows)
        case "OneOffQuery":
            return .oneOffQuery(requestID: try value.requestID, query: try value["query_string"].text)
        case "CallReducer":
            #expect(try value["flags"].number(UInt8.self) == 0)
            return .callReducer(
                requestID: try value.requestID, name: try value["reducer"].text, arguments: try value["args"].bytes)
        case "CallProcedure":
            #expect(try value["flags"].number(UInt8.self) == 0)
            return .callProcedure(
                requestID: try value.requestID, name: try value["procedure"].text, arguments: try value["args"].bytes)
        default: throw Unreadable()
        }
    }

    func v2ServerMessage() throws -> V2.ServerMessage {
        let value = try value
        switch try tag {
        case "InitialConnection":
            return .initialConnection(
                identity: try value["identity"].identity, connectionID: try value["connection_id"].connectionID,
                token: try value["token"].text)
        case "SubscribeApplied":
            return .subscribeApplied(
                requestID: try value.requestID, querySetID: try value.querySetID, rows: try value["rows"].tableRows())
        case "UnsubscribeApplied":
            return .unsubscribeApplied(
                requestID: try value.requestID, querySetID: try value.querySetID,
                rows: try value["rows"].option { try $0.tableRows() })
        case "SubscriptionError":
            return .subscriptionError(
                requestID: try value["request_id"].option { try $0.number() }, querySetID: try value.querySetID,
                message: try value["error"].text)
        case "TransactionUpdate": return .transactionUpdate(try value["query_sets"].querySets())
        case "OneOffQueryResult":
            let result = try value["result"]
            return .oneOffQueryResult(
                requestID: try value.requestID,
                result: try result.tag == "ok" ? .rows(try result.value.tableRows()) : .error(try result.value.text))
        case "ReducerResult":
            return .reducerResult(
                requestID: try value.requestID, timestamp: try value["timestamp"].timestamp,
                outcome: try value["result"].reducerOutcome())
        case "ProcedureResult":
            let status = try value["status"]
            return .procedureResult(
                requestID: try value.requestID,
                outcome: try status.tag == "Returned"
                    ? .returned(try status.value.bytes) : .internalError(try status.value.text),
                timestamp: try value["timestamp"].timestamp,
                duration: try value["total_host_execution_duration"].duration)
        default: throw Unreadable()
        }
    }

    private func tableRows() throws -> [V2.TableRows] {
        try self["tables"].list { V2.TableRows(table: try $0["table"].text, rows: try $0["rows"].rowList) }
    }

    private func querySets() throws -> [V2.QuerySetUpdate] {
        try list { set in
            V2.QuerySetUpdate(
                querySetID: try set.querySetID,
                tables: try set["tables"].list { table in
                    V2.TableUpdate(
                        table: try table["table_name"].text, changes: try table["rows"].list { try $0.rowChanges() })
                })
        }
    }

    private func rowChanges() throws -> V2.RowChanges {
        let value = try value
        return try tag == "PersistentTable"
            ? .persistent(inserts: try value["inserts"].rowList, deletes: try value["deletes"].rowList)
            : .event(try value["events"].rowList)
    }

    private func reducerOutcome() throws -> V2.ReducerOutcome {
        switch try tag {
        case "Ok":
            return .committed(
                returnValue: try value["ret_value"].bytes,
                changes: try value["transaction_update"]["query_sets"].querySets())
        case "OkEmpty": return .committedEmpty
        case "Err":
            let text = try self["text"].text
            #expect(V2.ReducerOutcome.failed(text) == .failedWithBytes(try value.bytes))
            #expect(V2.ReducerOutcome.failedWithBytes(try value.bytes).failure == text)
            return .failed(text)
        case "InternalError": return .internalError(try value.text)
        default: throw Unreadable()
        }
    }
}
