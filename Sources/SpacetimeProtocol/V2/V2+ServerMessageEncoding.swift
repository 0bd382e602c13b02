public import SpacetimeSATS

extension V2.ServerMessage {
    /// Appends the message, without the tag of the compression that goes in front of a body.
    ///
    /// For messages with rows on a busy server there are ``V2/UpdateEncoder`` and ``V2/RowsEncoder``, which take rows that were
    /// encoded once for all clients.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .initialConnection(let identity, let connectionID, let token):
            writer.writeTag(0)
            identity.encode(to: &writer)
            connectionID.encode(to: &writer)
            writer.write(token)
        case .subscribeApplied(let requestID, let querySetID, let rows):
            writer.writeTag(1)
            writer.write(requestID)
            writer.write(querySetID)
            writer.write(array: rows) { $1.encode(to: &$0) }
        case .unsubscribeApplied(let requestID, let querySetID, let rows):
            writer.writeTag(2)
            writer.write(requestID)
            writer.write(querySetID)
            writer.write(option: rows) { $0.write(array: $1) { $1.encode(to: &$0) } }
        case .subscriptionError(let requestID, let querySetID, let message):
            writer.writeTag(3)
            writer.write(option: requestID) { $0.write($1) }
            writer.write(querySetID)
            writer.write(message)
        case .transactionUpdate(let sets):
            writer.writeTag(4)
            writer.write(array: sets) { $1.encode(to: &$0) }
        case .oneOffQueryResult(let requestID, let result):
            writer.writeTag(5)
            writer.write(requestID)
            result.encode(to: &writer)
        case .reducerResult(let requestID, let timestamp, let outcome):
            writer.writeTag(6)
            writer.write(requestID)
            timestamp.encode(to: &writer)
            outcome.encode(to: &writer)
        case .procedureResult(let requestID, let outcome, let timestamp, let duration):
            writer.writeTag(7)
            outcome.encode(to: &writer)
            timestamp.encode(to: &writer)
            duration.encode(to: &writer)
            // Last, unlike everywhere else.
            writer.write(requestID)
        }
    }
}

extension V2.TableRows {
    func encode(to writer: inout BSATNWriter) {
        writer.write(table)
        writer.write(rows)
    }
}

extension V2.QuerySetUpdate {
    func encode(to writer: inout BSATNWriter) {
        writer.write(querySetID)
        writer.write(array: tables) { writer, table in
            writer.write(table.table)
            writer.write(array: table.changes) { $1.encode(to: &$0) }
        }
    }
}

extension V2.RowChanges {
    /// Appends the changes of one query: what ``V2/UpdateEncoder`` takes.
    public func encode(to writer: inout BSATNWriter) {
        switch self {
        case .persistent(let inserts, let deletes):
            writer.writeTag(0)
            writer.write(inserts)
            writer.write(deletes)
        case .event(let rows):
            writer.writeTag(1)
            writer.write(rows)
        }
    }
}

extension V2.OneOffQueryResult {
    func encode(to writer: inout BSATNWriter) {
        switch self {
        case .rows(let tables):
            writer.writeTag(0)
            writer.write(array: tables) { $1.encode(to: &$0) }
        case .error(let message):
            writer.writeTag(1)
            writer.write(message)
        }
    }
}

extension V2.ReducerOutcome {
    func encode(to writer: inout BSATNWriter) {
        switch self {
        case .committed(let returnValue, let changes):
            writer.writeTag(0)
            writer.write(returnValue)
            writer.write(array: changes) { $1.encode(to: &$0) }
        case .committedEmpty: writer.writeTag(1)
        case .failedWithBytes(let bytes):
            writer.writeTag(2)
            writer.write(bytes)
        case .internalError(let message):
            writer.writeTag(3)
            writer.write(message)
        }
    }
}

extension V2.ProcedureOutcome {
    func encode(to writer: inout BSATNWriter) {
        switch self {
        case .returned(let bytes):
            writer.writeTag(0)
            writer.write(bytes)
        case .internalError(let message):
            writer.writeTag(1)
            writer.write(message)
        }
    }
}
