import SpacetimeSATS

extension V1.ServerMessage where Form == V1.Text {
    /// The message in JSON, as UTF-8 without any blank. Changes that were encoded before (``V1/Text/Changes/encoded(_:)``) cost
    /// one copy of memory.
    public var text: [UInt8] {
        var printer = JSONPrinter()
        printer.write(self)
        return printer.bytes
    }
}

extension V1 {
    /// The JSON of what changed in one query, once for all who watch it, from the JSON of each row. The bytes go into
    /// ``Text/Changes/encoded(_:)``.
    public static func changes(deletes: [String], inserts: [String]) -> [UInt8] {
        var printer = JSONPrinter()
        printer.write(V1.QueryUpdate<V1.Text>(deletes: deletes, inserts: inserts))
        return printer.bytes
    }
}

extension JSONPrinter {
    fileprivate mutating func write(_ message: V1.ServerMessage<V1.Text>) {
        switch message {
        case .initialSubscription(let tables, let requestID, let duration):
            write(raw: "{\"InitialSubscription\":{\"database_update\":")
            write(tables)
            write(raw: ",\"request_id\":\(requestID),")
            write(duration)
        case .transactionUpdate(let update):
            write(raw: "{\"TransactionUpdate\":{")
            write(update)
        case .transactionUpdateLight(let requestID, let tables):
            write(raw: "{\"TransactionUpdateLight\":{\"request_id\":\(requestID),\"update\":")
            write(tables)
        case .identityToken(let identity, let token, let connectionID):
            write(raw: "{\"IdentityToken\":{\"identity\":")
            write(identity)
            write(raw: ",\"token\":")
            write(quoted: token)
            write(raw: ",\"connection_id\":")
            write(connectionID)
        case .oneOffQueryResponse(let messageID, let error, let tables, let duration):
            write(raw: "{\"OneOffQueryResponse\":{\"message_id\":\"\(Hexadecimal.text(messageID))\",\"error\":")
            write(option: error) { $0.write(quoted: $1) }
            write(raw: ",\"tables\":")
            writeList("[", "]", tables) { printer, table in
                printer.write(raw: "{\"table_name\":")
                printer.write(quoted: table.table)
                printer.write(raw: ",\"rows\":")
                printer.write(rows: table.rows)
                printer.write(raw: "}")
            }
            write(raw: ",")
            write(duration)
        case .subscribeApplied(let applied):
            write(raw: "{\"SubscribeApplied\":{")
            write(applied)
        case .unsubscribeApplied(let applied):
            write(raw: "{\"UnsubscribeApplied\":{")
            write(applied)
        case .subscriptionError(let microseconds, let requestID, let queryID, let tableID, let message):
            write(raw: "{\"SubscriptionError\":{\"total_host_execution_duration_micros\":\(microseconds)")
            for (name, id) in [("request_id", requestID), ("query_id", queryID), ("table_id", tableID)] {
                write(raw: ",\"\(name)\":")
                write(option: id) { $0.write(raw: String($1)) }
            }
            write(raw: ",\"error\":")
            write(quoted: message)
        case .subscribeMultiApplied(let applied):
            write(raw: "{\"SubscribeMultiApplied\":{")
            write(applied)
        case .unsubscribeMultiApplied(let applied):
            write(raw: "{\"UnsubscribeMultiApplied\":{")
            write(applied)
        case .procedureResult(let outcome, let timestamp, let duration, let requestID):
            write(raw: "{\"ProcedureResult\":{\"status\":")
            write(outcome)
            write(raw: ",")
            write(timestamp)
            write(raw: ",")
            write(duration)
            write(raw: ",\"request_id\":\(requestID)")
        }
        write(raw: "}}")
    }

    // MARK: Parts

    private mutating func write(_ tables: [V1.TableUpdate<V1.Text>]) {
        write(raw: "{\"tables\":")
        writeList("[", "]", tables) { $0.write($1) }
        write(raw: "}")
    }

    private mutating func write(_ table: V1.TableUpdate<V1.Text>) {
        write(raw: "{\"table_id\":\(table.tableID),\"table_name\":")
        write(quoted: table.table)
        write(raw: ",\"num_rows\":\(table.rowCount),\"updates\":")
        writeList("[", "]", table.changes) { printer, changes in
            switch changes {
            case .plain(let update): printer.write(update)
            case .encoded(let utf8): printer.write(raw: utf8)
            }
        }
        write(raw: "}")
    }

    fileprivate mutating func write(_ update: V1.QueryUpdate<V1.Text>) {
        write(raw: "{\"deletes\":")
        write(rows: update.deletes)
        write(raw: ",\"inserts\":")
        write(rows: update.inserts)
        write(raw: "}")
    }

    /// Each row is a string that holds JSON.
    private mutating func write(rows: [String]) { writeList("[", "]", rows) { $0.write(quoted: $1) } }

    private mutating func write(_ update: V1.TransactionUpdate<V1.Text>) {
        write(raw: "\"status\":")
        switch update.status {
        case .committed(let tables):
            write(raw: "{\"Committed\":")
            write(tables)
            write(raw: "}")
        case .failed(let message): write(variant: "Failed", message)
        case .outOfEnergy: write(raw: "{\"OutOfEnergy\":[]}")
        }
        write(raw: ",")
        write(update.timestamp)
        write(raw: ",\"caller_identity\":")
        write(update.callerIdentity)
        write(raw: ",\"caller_connection_id\":")
        write(update.callerConnectionID)
        write(raw: ",\"reducer_call\":{\"reducer_name\":")
        write(quoted: update.call.name)
        write(raw: ",\"reducer_id\":\(update.call.reducerID),\"args\":")
        write(quoted: update.call.arguments)
        write(raw: ",\"request_id\":\(update.call.requestID)},\"energy_quanta_used\":{\"quanta\":\(update.energy)},")
        write(update.duration)
    }

    private mutating func write(_ applied: V1.SingleApplied<V1.Text>) {
        write(
            raw: "\"request_id\":\(applied.requestID),\"total_host_execution_duration_micros\":\(applied.microseconds)")
        write(raw: ",\"query_id\":{\"id\":\(applied.queryID)},\"rows\":{\"table_id\":\(applied.rows.tableID)")
        write(raw: ",\"table_name\":")
        write(quoted: applied.rows.table)
        write(raw: ",\"table_rows\":")
        write(applied.rows)
        write(raw: "}")
    }

    private mutating func write(_ applied: V1.MultiApplied<V1.Text>) {
        write(
            raw: "\"request_id\":\(applied.requestID),\"total_host_execution_duration_micros\":\(applied.microseconds)")
        write(raw: ",\"query_id\":{\"id\":\(applied.queryID)},\"update\":")
        write(applied.tables)
    }

    private mutating func write(_ outcome: V1.ProcedureOutcome<V1.Text>) {
        switch outcome {
        case .returned(let json): write(variant: "Returned", json)
        case .outOfEnergy: write(raw: "{\"OutOfEnergy\":[]}")
        case .internalError(let message): write(variant: "InternalError", message)
        }
    }

    private mutating func write(variant: String, _ text: String) {
        write(raw: "{\"\(variant)\":")
        write(quoted: text)
        write(raw: "}")
    }

    private mutating func write<Value>(option value: Value?, _ write: (inout JSONPrinter, Value) -> Void) {
        guard let value else { return self.write(raw: "{\"none\":[]}") }
        self.write(raw: "{\"some\":")
        write(&self, value)
        self.write(raw: "}")
    }

    private mutating func write(_ identity: Identity) {
        write(raw: "{\"__identity__\":\"0x\(identity.number.hex)\"}")
    }

    private mutating func write(_ connectionID: ConnectionId) {
        write(raw: "{\"__connection_id__\":\(connectionID.number)}")
    }

    private mutating func write(_ timestamp: Timestamp) {
        let microseconds = timestamp.microsecondsSinceUnixEpoch
        write(raw: "\"timestamp\":{\"__timestamp_micros_since_unix_epoch__\":\(microseconds)}")
    }

    private mutating func write(_ duration: TimeDuration) {
        write(raw: "\"total_host_execution_duration\":{\"__time_duration_micros__\":\(duration.microseconds)}")
    }
}
